"""What happened, and who did it. Rows are only ever added."""

from __future__ import annotations

from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.dialects.postgresql import INET, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from authapp.core.extensions import Model
from authapp.core.requests import LONGEST_USER_AGENT
from authapp.models.columns import Created, Identified


class AuditAction(StrEnum):
    """What can happen: subject, dot, what befell it, in the past tense."""

    USER_REGISTERED = "user.registered"
    USER_UPDATED = "user.updated"
    USER_ACTIVATED = "user.activated"
    USER_DEACTIVATED = "user.deactivated"
    SESSION_STARTED = "session.started"
    SESSION_REFUSED = "session.refused"
    SESSION_ENDED = "session.ended"
    SESSION_REFRESH_REUSED = "session.refresh.reused"
    ORGANIZATION_CREATED = "organization.created"


class AuditEvent(Identified, Created, Model):
    """One thing that happened. `user_id` is the account that it concerns, `actor_id` the account that did it."""

    __tablename__ = "audit_events"

    # a grammar, not a closed set: every story adds actions, and old rows keep theirs
    action: Mapped[str] = mapped_column(String(64))
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    actor_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    organization_id: Mapped[UUID | None] = mapped_column(ForeignKey("organizations.id"))
    session_id: Mapped[UUID | None]
    details: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    request_id: Mapped[str | None] = mapped_column(String(64))
    ip_address: Mapped[str | None] = mapped_column(INET)
    user_agent: Mapped[str | None] = mapped_column(String(LONGEST_USER_AGENT))

    __table_args__ = (
        CheckConstraint(r"action ~ '^[a-z]+(\.[a-z_]+)+$'", name="action_grammar"),
        Index("ix_audit_events_user_id_id", "user_id", "id"),
        Index("ix_audit_events_organization_id_id", "organization_id", "id"),
    )
