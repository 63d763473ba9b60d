"""Webhooks of organizations, and the deliveries of events to them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, ColumnElement, Index, LargeBinary, String, Text, and_, func, text
from sqlalchemy.orm import Mapped, mapped_column

from authapp.core import lengths
from authapp.core.enums import DeliveryStatus, DisabledReason
from authapp.db.tenant_model import TenantModel, within
from authapp.models.columns import Created, Identified, enum_column, timestamp

_PENDING: dict[str, Any] = {"postgresql_where": text("due_at IS NOT NULL")}


class Webhook(Identified, Created, TenantModel):
    """An address that events of an organization are sent to.

    `actions` are those that are sent, None: all. Its secrets are encrypted, because messages are signed with them;
    `key_id` names the key. They are erased when it is deleted.

    `free_at` is when it may be sent to next: a worker that sends to it moves it ahead, as a lease, and so does a failed
    attempt. `failures` counts the failed ones since one has succeeded, and `failing_since` is when the first was.
    """

    __tablename__ = "webhooks"

    index_organization_id = False

    url: Mapped[str] = mapped_column(String(lengths.ADDRESS))
    actions: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    description: Mapped[str | None] = mapped_column(String(lengths.WEBHOOK_DESCRIPTION))
    encrypted_secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    encrypted_previous_secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    key_id: Mapped[str] = mapped_column(String(16))
    previous_expires_at: Mapped[datetime | None] = mapped_column(timestamp())
    disabled_reason: Mapped[DisabledReason | None] = mapped_column(enum_column(DisabledReason, "disabled_reason"))
    failures: Mapped[int] = mapped_column(default=0, server_default="0")
    failing_since: Mapped[datetime | None] = mapped_column(timestamp())
    free_at: Mapped[datetime] = mapped_column(timestamp(), server_default=func.now())
    deleted_at: Mapped[datetime | None] = mapped_column(timestamp())

    __table_args__ = (
        CheckConstraint("cardinality(actions) > 0", name="some_actions"),
        CheckConstraint("deleted_at IS NOT NULL OR encrypted_secret IS NOT NULL", name="has_secret"),
        Index(
            "ix_webhooks_organization_id_id_undeleted",
            "organization_id",
            "id",
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index("ix_webhooks_deleted_at", "deleted_at", postgresql_where=text("deleted_at IS NOT NULL")),
    )

    @classmethod
    def is_enabled(cls) -> ColumnElement[bool]:
        """The condition under which events are sent to a webhook."""
        return and_(cls.deleted_at.is_(None), cls.disabled_reason.is_(None))


class WebhookDelivery(Identified, Created, TenantModel):
    """An event that is sent to a webhook. It has no text: that is made of the event at each attempt.

    The first half of `id`, which is the `webhook-id` of the message, is that of the event's, so that it sorts by age.
    `due_at` is when it may be tried next, None once it has finished. `queued_at` is since when it has been pending.
    """

    __tablename__ = "webhook_deliveries"

    index_organization_id = False

    webhook_id: Mapped[UUID] = within("webhooks", ondelete="CASCADE", index=False)
    event_id: Mapped[UUID]
    action: Mapped[str] = mapped_column(String(lengths.AUDIT_ACTION))
    status: Mapped[DeliveryStatus] = mapped_column(
        enum_column(DeliveryStatus, "status"), default=DeliveryStatus.PENDING, server_default="pending"
    )
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    queued_at: Mapped[datetime] = mapped_column(timestamp(), server_default=func.now())
    due_at: Mapped[datetime | None] = mapped_column(timestamp(), server_default=func.now())
    finished_at: Mapped[datetime | None] = mapped_column(timestamp())
    last_status_code: Mapped[int | None]
    last_error: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        CheckConstraint("(status = 'pending') = (due_at IS NOT NULL)", name="due_while_pending"),
        CheckConstraint("(status = 'pending') = (finished_at IS NULL)", name="finished_unless_pending"),
        Index("ix_webhook_deliveries_organization_id_webhook_id_id", "organization_id", "webhook_id", "id"),
        Index(
            "ix_webhook_deliveries_organization_id_webhook_id_status_id",
            "organization_id",
            "webhook_id",
            "status",
            "id",
        ),
        Index("ix_webhook_deliveries_webhook_id_due_at_pending", "webhook_id", "due_at", **_PENDING),
        Index("ix_webhook_deliveries_finished_at", "finished_at", postgresql_where=text("finished_at IS NOT NULL")),
    )
