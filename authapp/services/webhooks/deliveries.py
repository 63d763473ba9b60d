"""The deliveries of events to webhooks: made when events are sealed, listed, and made due again."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import Row, case, func, select, text, update

from authapp.core import clock
from authapp.core.actor import Actor
from authapp.core.enums import DeliveryStatus
from authapp.core.errors import Conflict, NotFound
from authapp.db import transaction
from authapp.db.pagination import Page, fetch
from authapp.models import Webhook, WebhookDelivery
from authapp.models.columns import is_one_of
from authapp.services import locks
from authapp.services.webhooks import subscriptions

# An event is sent to those webhooks that existed when it was recorded. The first half of a UUIDv7 is its time.
_ADD = text("""
INSERT INTO webhook_deliveries (id, organization_id, webhook_id, event_id, action, queued_at, due_at, created_at)
SELECT (left(e.id::text, 18) || right(gen_random_uuid()::text, 18))::uuid,
    w.organization_id, w.id, e.id, e.action, :now, :now, :now
FROM webhooks w JOIN audit_events e ON e.organization_id = w.organization_id
WHERE w.organization_id = ANY(CAST(:organization_ids AS uuid[])) AND e.id = ANY(CAST(:event_ids AS uuid[]))
    AND w.deleted_at IS NULL AND w.disabled_reason IS NULL AND w.created_at <= e.created_at
    AND (w.actions IS NULL OR e.action = ANY(w.actions))
""")


class DeliveryNotFound(NotFound):
    code = "delivery_not_found"
    detail = "This webhook has no delivery with this id."


class DeliveryPending(Conflict):
    code = "delivery_pending"
    detail = "This delivery is under way: it is tried until it has arrived or is given up."


class WebhookDisabled(Conflict):
    code = "webhook_disabled"
    detail = "This webhook is disabled, so nothing is sent to it. Enable it first."


def add(event_ids: Collection[UUID], organization_ids: Collection[UUID]) -> None:
    """Add the deliveries of events, as one statement. The caller sees all organizations.

    Args:
        event_ids: the events.
        organization_ids: those that they happened in.
    """
    having = select(Webhook.organization_id).distinct().where(Webhook.is_enabled())
    found = transaction.execute(having.where(is_one_of(Webhook.organization_id, organization_ids))).scalars().all()
    if found:
        values = {"event_ids": list(map(str, event_ids)), "organization_ids": list(map(str, found)), "now": clock.now()}
        transaction.execute(_ADD, values)


def of_webhook(
    organization_id: UUID, webhook_id: UUID, limit: int, cursor: UUID | None, status: DeliveryStatus | None = None
) -> Page:
    """The deliveries to a webhook, those of the newest events first.

    Raises:
        WebhookNotFound: there is none.
    """
    subscriptions.get(organization_id, webhook_id)
    statement = select(*_shown()).where(
        WebhookDelivery.organization_id == organization_id, WebhookDelivery.webhook_id == webhook_id
    )
    if status is not None:
        statement = statement.where(WebhookDelivery.status == status)
    return fetch(statement, WebhookDelivery.id, limit, cursor, newest_first=True)


def replay(actor: Actor, organization_id: UUID, webhook_id: UUID, delivery_id: UUID) -> Row[*tuple[Any, ...]]:
    """Make a delivery that has finished due again, with all its attempts. The message keeps its id.

    Raises:
        WebhookNotFound, DeliveryNotFound: there is none.
        DeliveryPending: it has not finished.
        WebhookDisabled: nothing is sent.
    """
    locks.lock_as_admin(actor, organization_id)
    if not subscriptions.get(organization_id, webhook_id).enabled:
        raise WebhookDisabled
    now = clock.now()
    this = (
        WebhookDelivery.organization_id == organization_id,
        WebhookDelivery.webhook_id == webhook_id,
        WebhookDelivery.id == delivery_id,
    )
    pending = {"status": DeliveryStatus.PENDING, "attempts": 0, "queued_at": now, "due_at": now, "finished_at": None}
    again = update(WebhookDelivery).where(*this, WebhookDelivery.status != DeliveryStatus.PENDING).values(pending)
    row = transaction.execute(again.returning(*_shown())).one_or_none()
    if row is not None:
        return row
    if transaction.scalar(select(func.count()).where(*this)):
        raise DeliveryPending
    raise DeliveryNotFound


def _shown() -> tuple[Any, ...]:
    columns = (WebhookDelivery.id, WebhookDelivery.event_id, WebhookDelivery.action, WebhookDelivery.status)
    delivered = case((WebhookDelivery.status == DeliveryStatus.DELIVERED, WebhookDelivery.finished_at))
    return (
        *columns,
        WebhookDelivery.attempts,
        WebhookDelivery.due_at.label("next_attempt_at"),
        WebhookDelivery.last_status_code,
        WebhookDelivery.last_error,
        WebhookDelivery.created_at,
        delivered.label("delivered_at"),
    )
