"""Sends what is due: some messages at a time, each in a thread, while one thread has the database."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from threading import Event
from uuid import UUID

from authapp.core import clock
from authapp.db import tenancy, transaction
from authapp.security.encryption import CannotDecrypt
from authapp.services.webhooks import attempts, leases
from authapp.services.webhooks.attempts import Message, Outcome
from authapp.services.webhooks.bodies import body_of
from authapp.services.webhooks.leases import Taken
from authapp.services.webhooks.subscriptions import PREVIOUS_SECRET_PURPOSE, SECRET_PURPOSE
from authapp.web.application import current_app

AT_ONCE = 8  # attempts of this process
AT_ONCE_OF_ONE = 2  # of one organization, so that one with slow receivers leaves threads to the others
SECONDS = 30  # then it returns, also where more is due
FIRST = UUID(int=0)
_POLLS_EVERY = 0.5  # seconds, while attempts are under way

Running = dict[Future[Outcome], Taken]


def send_due(stopped: Event, after: UUID = FIRST) -> UUID:
    """Send what is due, and hold no connection meanwhile. Attempts that have begun are awaited.

    Args:
        stopped: ends it.
        after: where the run before has ended.

    Returns:
        the webhook that was taken last. Each has its turn before one has its next.
    """
    running: Running = {}
    ends_at = time.monotonic() + SECONDS
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="webhook") as pool:
        while True:
            while len(running) < AT_ONCE and not stopped.is_set() and time.monotonic() < ends_at:
                taken = _take(after, running)
                if taken is None:
                    break
                after = taken.webhook.id
                if taken.delivery is not None:
                    _begin(pool, running, taken)
            if not running:
                return after
            for future in wait(running, _POLLS_EVERY, FIRST_COMPLETED).done:
                _finish(running.pop(future), future.result())


def _take(after: UUID, running: Running) -> Taken | None:
    """What to begin now."""
    counts = Counter(each.webhook.organization_id for each in running.values())
    busy = [organization_id for organization_id, count in counts.items() if count >= AT_ONCE_OF_ONE]
    tenancy.set_operator()
    taken = leases.take(after, busy) or leases.take(FIRST, busy)
    transaction.commit()
    return taken


def _begin(pool: ThreadPoolExecutor, running: Running, taken: Taken) -> None:
    """Start an attempt, unless there is nothing to send."""
    if taken.event is None:
        _give_up(taken, "the audit log has this event no more")
    elif taken.delivery.attempts > leases.MOST_ATTEMPTS:
        _give_up(taken, "every attempt has ended with its worker")
    else:
        try:
            live = _live_secrets(taken)
        except CannotDecrypt:
            _finish(taken, Outcome(None, "the secret cannot be read: rotate it"))
            return
        message = Message(taken.delivery.id, taken.webhook.url, body_of(taken.event), live)
        allow_private = not current_app.settings.in_production
        running[pool.submit(attempts.send, message, allow_private=allow_private)] = taken


def _live_secrets(taken: Taken) -> list[str]:
    """The secrets that sign, the present one first.

    Raises:
        CannotDecrypt: SECRET_KEY has changed since.
    """
    webhook = taken.webhook
    found = [(webhook.encrypted_secret, SECRET_PURPOSE)]
    if webhook.previous_expires_at and webhook.previous_expires_at > clock.now():
        found.append((webhook.encrypted_previous_secret, PREVIOUS_SECRET_PURPOSE))
    return [current_app.cipher.decrypt(encrypted, webhook.id, purpose) for encrypted, purpose in found]


def _finish(taken: Taken, outcome: Outcome) -> None:
    tenancy.set_operator()
    leases.finish(taken, outcome)
    transaction.commit()


def _give_up(taken: Taken, why: str) -> None:
    tenancy.set_operator()
    leases.give_up(taken, why)
    transaction.commit()
