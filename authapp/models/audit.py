"""What happened, and who did it. Rows are only ever added, and go with the partition of their month."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, func, text
from sqlalchemy.dialects.postgresql import INET, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from authapp.core import lengths
from authapp.core.enums import ActorType
from authapp.db.engine import Model
from authapp.models.columns import Identified, enum_column, timestamp

_OF_ORGANIZATION: dict[str, Any] = {"postgresql_where": text("organization_id IS NOT NULL")}


class AuditEvent(Identified, Model):
    """One thing that happened to `target_id`, which the first word of `action` says the kind of.

    `actor_id` is the account or API key that did it, `user_id` the account that it concerns and that may read of it.
    What happens outside of any organization, signing in say, has no `organization_id`.
    """

    __tablename__ = "audit_events"

    # a grammar, not a closed set: every feature adds actions, and old rows keep theirs
    action: Mapped[str] = mapped_column(String(lengths.AUDIT_ACTION))
    target_id: Mapped[UUID | None]
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    actor_type: Mapped[ActorType | None] = mapped_column(enum_column(ActorType, "actor_type"))
    actor_id: Mapped[UUID | None]
    organization_id: Mapped[UUID | None] = mapped_column(ForeignKey("organizations.id"))
    session_id: Mapped[UUID | None]
    # the time that is in `id`; the default is for events that somebody adds by hand
    created_at: Mapped[datetime] = mapped_column(timestamp(), server_default=func.clock_timestamp(), sort_order=1)
    details: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    request_id: Mapped[str | None] = mapped_column(String(lengths.REQUEST_ID))
    ip_address: Mapped[str | None] = mapped_column(INET)
    user_agent: Mapped[str | None] = mapped_column(String(lengths.USER_AGENT))

    __table_args__ = (
        CheckConstraint(r"action ~ '^[a-z_]+(\.[a-z_]+)+$'", name="action_grammar"),
        Index("ix_audit_events_user_id_id", "user_id", "id"),
        Index("ix_audit_events_organization_id_id", "organization_id", "id"),
        # one for each filter and one for both, because a filter that finds nothing must not read the whole log; signing
        # in is outside of organizations and writes to none of them
        Index("ix_audit_events_organization_id_action_id", "organization_id", "action", "id", **_OF_ORGANIZATION),
        Index("ix_audit_events_organization_id_actor_id_id", "organization_id", "actor_id", "id", **_OF_ORGANIZATION),
        Index(
            "ix_audit_events_organization_id_actor_id_action_id",
            "organization_id",
            "actor_id",
            "action",
            "id",
            **_OF_ORGANIZATION,
        ),
        {"postgresql_partition_by": "RANGE (id)"},  # a partition for each month: the id begins with the time
    )
