"""Limits of attempts to sign in. They slow down whoever guesses, and lock nobody out for good.

An attempt is reserved before it is judged, and given back where it was right: so simultaneous guesses get not one try
more than a single client. Counters are rows, so they outlive a restart. There is one for each of these:

- an address and a network together, an address, a network: for sign-ins from a device that the account does not know;
- a known device, for sign-ins to its account: somebody else's guesses do not slow its owner down;
- the second factor of an account.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete, func, select, text

from authapp.core import clock
from authapp.core.errors import ApiError
from authapp.core.request_context import client_network
from authapp.db import transaction
from authapp.models import AttemptCounter
from authapp.web.application import current_app

FORGOTTEN_AFTER = timedelta(hours=24)  # without an attempt


class TooManyAttempts(ApiError):
    status = 429
    code = "too_many_attempts"
    detail = "Too many attempts have failed. Wait as long as Retry-After says, then try again."


class Budget(NamedTuple):
    """How many attempts may fail before each further one has to wait: 1 second, 2, 4 and so on."""

    free: int
    longest_wait: int  # seconds


PAIR = Budget(10, 900)
ADDRESS = Budget(30, 300)
NETWORK = Budget(200, 300)
DEVICE = Budget(10, 900)
SECOND_FACTOR = Budget(5, 900)


class Counter(NamedTuple):
    """What an attempt counts for."""

    key: bytes
    subject: bytes | None
    budget: Budget


# Of a row that exists: it has this many failures with the attempt, and the next one is due in so many seconds.
_FAILURES = "CASE WHEN c.updated_at < :now - :forgotten THEN 1 ELSE c.failures + 1 END"
_WAIT = "CASE WHEN n < :free THEN 0 ELSE least(:longest, power(2, least(n - :free, 20))) END"
_RESERVE = text(
    f"INSERT INTO attempt_counters AS c (key, subject, failures, next_at, updated_at) "  # noqa: S608
    f"VALUES (:key, :subject, 1, :now, :now) ON CONFLICT (key) DO UPDATE SET (failures, next_at, updated_at) = "
    f"(SELECT n, CAST(:now AS timestamptz) + make_interval(secs => {_WAIT}), :now FROM (SELECT {_FAILURES}) AS f (n)) "
    f"WHERE c.failures < :free OR c.next_at <= :now RETURNING c.key"
)
# Rows are locked in one order, so that two requests never wait for each other.
_GIVE_BACK = text(
    "WITH mine AS (SELECT key FROM attempt_counters WHERE key = ANY(:keys) ORDER BY key FOR UPDATE) "
    "UPDATE attempt_counters AS c SET failures = greatest(c.failures - 1, 0), next_at = least(c.next_at, :now) "
    "FROM mine WHERE c.key = mine.key"
)


def of_password(email: str, device_id: UUID | None) -> list[Counter]:
    """What a password that is given for an address counts for.

    Args:
        email: in its canonical form, whether an account has it or not.
        device_id: the device, if it is a known one of that account.
    """
    key = current_app.digests.throttle_key
    subject = key("subject", email)
    if device_id is not None:
        return [Counter(key("device", str(device_id)), subject, DEVICE)]
    network = client_network()
    return [
        Counter(key("pair", email, network), subject, PAIR),
        Counter(key("address", email), subject, ADDRESS),
        Counter(key("network", network), None, NETWORK),
    ]


def of_second_factor(user_id: UUID) -> list[Counter]:
    """What a code counts for, whichever factor it is of and whatever it is given for."""
    return [Counter(current_app.digests.throttle_key("second factor", str(user_id)), None, SECOND_FACTOR)]


def reserve(counters: Iterable[Counter]) -> None:
    """Count an attempt before it is judged, in a transaction of its own: the request's transaction begins anew.

    Raises:
        TooManyAttempts: a counter asks to wait. Then nothing is counted.
    """
    ordered = sorted(counters)
    now = clock.now()
    with transaction.separate():
        if not all(_reserve_one(counter, now) for counter in ordered):
            raise TooManyAttempts(retry_after=_wait(ordered, now))


def give_back(counters: Iterable[Counter]) -> None:
    """Uncount an attempt that was right, or that was not judged, in a transaction of its own, as `reserve`."""
    with transaction.separate():
        uncount(counters)


def uncount(counters: Iterable[Counter]) -> None:
    """Uncount an attempt in the request's transaction, for one that has changed something there: both stay, or none."""
    transaction.execute(_GIVE_BACK, {"keys": [counter.key for counter in counters], "now": clock.now()})


def forget(email: str) -> None:
    """Forget the failed attempts for an address, because its owner has set a new password."""
    subject = current_app.digests.throttle_key("subject", email)
    transaction.execute(delete(AttemptCounter).where(AttemptCounter.subject == subject))


def _reserve_one(counter: Counter, now: datetime) -> bool:
    parameters = {
        "key": counter.key,
        "subject": counter.subject,
        "now": now,
        "forgotten": FORGOTTEN_AFTER,
        "free": counter.budget.free,
        "longest": counter.budget.longest_wait,
    }
    return transaction.execute(_RESERVE, parameters).one_or_none() is not None


def _wait(counters: list[Counter], now: datetime) -> int:
    """Seconds until the last of the counters is due."""
    keys = [counter.key for counter in counters]
    latest = select(func.max(AttemptCounter.next_at)).where(AttemptCounter.key.in_(keys))
    due: datetime = transaction.scalar(latest)
    return max(1, math.ceil((due - now).total_seconds()))
