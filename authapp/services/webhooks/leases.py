"""Leases what is due, each webhook in its turn, and stores how attempts end. The caller sees all organizations."""

from __future__ import annotations

import random
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from sqlalchemy import Row, func, null, select, text, update

from authapp.core import clock
from authapp.core.enums import AuditAction, DeliveryStatus, DisabledReason
from authapp.db import transaction
from authapp.models import AuditEvent, Organization, Webhook, WebhookDelivery
from authapp.services import audit
from authapp.services.webhooks.attempts import Outcome

LEASE = timedelta(seconds=30)  # a webhook whose worker died is free again after it; an attempt takes 10 at most
WAITS = [
    timedelta(**wait)
    for wait in (
        {"seconds": 10}, {"minutes": 1}, {"minutes": 5}, {"minutes": 30}, {"hours": 2}, {"hours": 6}, {"hours": 12},
        {"hours": 20},
    )
]  # fmt: skip
MOST_ATTEMPTS = len(WAITS) + 1
JITTER = 0.2  # each wait is so much shorter or longer at most
PENDING_AT_MOST = timedelta(hours=72)
FAILING_AT_MOST = timedelta(days=3)
LONGEST_REST = timedelta(minutes=5)  # of a webhook whose attempts fail one after the other
GONE = 410

# The webhooks in the order of their ids that have something due, without reading more than a row of the index for each
# webhook: one that has thousands of them costs as little as any other.
_FREE = text("""
WITH RECURSIVE waiting AS (
    (SELECT webhook_id FROM webhook_deliveries WHERE due_at IS NOT NULL AND webhook_id > :after
     ORDER BY webhook_id LIMIT 1)
    UNION ALL
    SELECT (SELECT d.webhook_id FROM webhook_deliveries d WHERE d.due_at IS NOT NULL AND d.webhook_id > w.webhook_id
            ORDER BY d.webhook_id LIMIT 1)
    FROM waiting w WHERE w.webhook_id IS NOT NULL
)
SELECT webhooks.id FROM waiting JOIN webhooks ON webhooks.id = waiting.webhook_id
WHERE free_at <= :now AND organization_id <> ALL(CAST(:busy AS uuid[]))
    AND EXISTS (SELECT FROM webhook_deliveries d WHERE d.webhook_id = webhooks.id AND d.due_at <= :now)
LIMIT 1 FOR NO KEY UPDATE OF webhooks SKIP LOCKED
""")
_OLDEST = text("""
UPDATE webhook_deliveries SET attempts = attempts + 1, due_at = :until
WHERE id = (SELECT id FROM webhook_deliveries WHERE webhook_id = :webhook_id AND due_at <= :now ORDER BY due_at LIMIT 1)
RETURNING id, webhook_id, event_id, attempts, queued_at
""")

log = structlog.get_logger("authapp")


class Taken(NamedTuple):
    """A webhook that is leased, with the delivery that is to be tried, None where there is none to be tried now.

    `event`: None where the audit log has it no more.
    """

    webhook: Row[*tuple[Any, ...]]
    delivery: Any = None
    event: Row[*tuple[Any, ...]] | None = None


def take(after: UUID, busy: Collection[UUID]) -> Taken | None:
    """Lease the next webhook that has something due. Any number of workers may do so at the same time.

    Args:
        after: the webhook that was taken last; the next one has a greater id.
        busy: organizations to pass over.
    """
    now = clock.now()
    webhook_id = transaction.scalar(_FREE.bindparams(after=after, now=now, busy=list(map(str, busy))))
    if webhook_id is None:
        return None
    webhook = transaction.execute(_leased(webhook_id, now + LEASE)).one()
    if webhook.silent:
        _give_up_all(webhook_id, now)
        return Taken(webhook)
    of_webhook = {"webhook_id": webhook_id, "now": now, "until": now + LEASE}
    delivery = transaction.execute(_OLDEST, of_webhook).one_or_none()
    if delivery is None:  # another worker has finished it since
        _free(webhook_id, now)
        return Taken(webhook)
    event = select(AuditEvent.__table__).where(AuditEvent.id == delivery.event_id)
    return Taken(webhook, delivery, transaction.execute(event).one_or_none())


def finish(taken: Taken, outcome: Outcome) -> None:
    """Store how an attempt has ended, unless the lease has run out and another worker has the delivery by now."""
    now = clock.now()
    status, wait = _after(taken.delivery, outcome, now)
    if not _store(taken, status, now, now + wait if wait else None, outcome):
        return
    if outcome.error is None:
        _free(taken.webhook.id, now, failures=0, failing_since=null())
        return
    failing_since = _rest(taken.webhook.id, outcome, now)
    if outcome.status == GONE:
        _disable(taken.webhook, DisabledReason.GONE)
    elif status is DeliveryStatus.DEAD and failing_since <= now - FAILING_AT_MOST:
        _disable(taken.webhook, DisabledReason.FAILING)


def give_up(taken: Taken, why: str) -> None:
    """Give up a delivery that cannot be tried."""
    now = clock.now()
    if _store(taken, DeliveryStatus.DEAD, now, None, Outcome(None, why)):
        _free(taken.webhook.id, now)


def _store(taken: Taken, status: DeliveryStatus, now: datetime, due_at: datetime | None, outcome: Outcome) -> bool:
    """Store the state of a delivery. Returns whether the lease still held."""
    delivery = taken.delivery
    ids = {"delivery_id": str(delivery.id), "webhook_id": str(taken.webhook.id)}
    log.info("webhook.tried", **ids, status=status, status_code=outcome.status, error=outcome.error)
    # the webhook first, as whoever takes it does: it may be taken before the lease runs out, once its address changes
    transaction.execute(select(Webhook.id).where(Webhook.id == taken.webhook.id).with_for_update(key_share=True))
    of_lease = (
        WebhookDelivery.id == delivery.id,
        WebhookDelivery.status == DeliveryStatus.PENDING,
        WebhookDelivery.attempts == delivery.attempts,
        WebhookDelivery.queued_at == delivery.queued_at,
    )
    values = {"status": status, "due_at": due_at, "finished_at": None if due_at else now}
    tried = {"last_status_code": outcome.status, "last_error": outcome.error}
    stored = update(WebhookDelivery).where(*of_lease).values(**values, **tried).returning(WebhookDelivery.id)
    return transaction.scalar(stored) is not None


def _after(delivery: Any, outcome: Outcome, now: datetime) -> tuple[DeliveryStatus, timedelta | None]:
    """The state of a delivery after an attempt, and how long it then waits, None where it has finished."""
    if outcome.error is None:
        return DeliveryStatus.DELIVERED, None
    age = now - delivery.queued_at
    if outcome.status == GONE or delivery.attempts >= MOST_ATTEMPTS or age > PENDING_AT_MOST:
        return DeliveryStatus.DEAD, None
    wait = WAITS[delivery.attempts - 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
    return DeliveryStatus.PENDING, max(wait, outcome.retry_after)


def _rest(webhook_id: UUID, outcome: Outcome, now: datetime) -> datetime:
    """Let a webhook rest after a failed attempt, the longer the more have failed. Returns since when they have."""
    seconds = func.least(func.power(2, func.least(Webhook.failures + 1, 20)), LONGEST_REST.total_seconds())
    rest = func.greatest(func.make_interval(0, 0, 0, 0, 0, 0, seconds), outcome.retry_after)
    failed = {
        "failures": Webhook.failures + 1,
        "failing_since": func.coalesce(Webhook.failing_since, now),
        "free_at": now + rest,
    }
    of_this = update(Webhook).where(Webhook.id == webhook_id).values(failed)
    return transaction.scalar(of_this.returning(Webhook.failing_since))  # type: ignore[no-any-return]


def _disable(webhook: Row[*tuple[Any, ...]], reason: DisabledReason) -> None:
    disabled = update(Webhook).where(Webhook.id == webhook.id, Webhook.is_enabled()).values(disabled_reason=reason)
    if transaction.scalar(disabled.returning(Webhook.id)) is None:
        return
    target = {"target_id": webhook.id, "organization_id": webhook.organization_id}
    audit.record(AuditAction.WEBHOOK_DISABLED, None, **target, reason=reason)
    log.warning("webhook.disabled", webhook_id=str(webhook.id), reason=reason)


def _leased(webhook_id: UUID, until: datetime) -> Any:
    """The statement that leases a webhook. `silent`: nothing is sent to it."""
    columns = (Webhook.id, Webhook.organization_id, Webhook.url, Webhook.encrypted_secret, Webhook.previous_expires_at)
    silent = ~(Webhook.is_enabled() & Organization.is_live())
    return (
        update(Webhook)
        .where(Webhook.id == webhook_id, Organization.id == Webhook.organization_id)
        .values(free_at=until)
        .returning(*columns, Webhook.encrypted_previous_secret, silent.label("silent"))
    )


def _give_up_all(webhook_id: UUID, now: datetime) -> None:
    """Give up all that waits for a webhook to which nothing is sent."""
    why = "the webhook is disabled or deleted, or its organization suspended or deleted"
    dead = {"status": DeliveryStatus.DEAD, "due_at": None, "finished_at": now, "last_error": why}
    waiting = (WebhookDelivery.webhook_id == webhook_id, WebhookDelivery.due_at.is_not(None))
    transaction.execute(update(WebhookDelivery).where(*waiting).values(dead))
    _free(webhook_id, now)


def _free(webhook_id: UUID, now: datetime, **values: Any) -> None:
    transaction.execute(update(Webhook).where(Webhook.id == webhook_id).values(free_at=now, **values))
