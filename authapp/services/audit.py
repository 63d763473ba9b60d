"""Writing down what happened, and reading it again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import insert, select
from structlog.contextvars import bind_contextvars

from authapp.core.extensions import db
from authapp.core.requests import current_client
from authapp.models import AuditAction, AuditEvent
from authapp.services.pages import Page, fetch


def record(
    action: AuditAction,
    *,
    user_id: UUID | None,
    actor_id: UUID | None = None,
    organization_id: UUID | None = None,
    session_id: UUID | None = None,
    **details: Any,
) -> None:
    """Add an event to the request's transaction, and its name to the request's log line."""
    client = current_client()
    bind_contextvars(audit=action, user_id=str(user_id) if user_id else None)
    db.session.execute(
        insert(AuditEvent).values(
            action=action,
            user_id=user_id,
            actor_id=actor_id,
            organization_id=organization_id,
            session_id=session_id,
            details=details,
            request_id=client.request_id,
            ip_address=client.ip_address,
            user_agent=client.user_agent,
        )
    )


def of_account(user_id: UUID, limit: int, cursor: UUID | None) -> Page:
    """What happened to an account, newest first."""
    statement = select(AuditEvent.__table__).where(AuditEvent.user_id == user_id)
    return fetch(statement, AuditEvent.id, limit, cursor, newest_first=True)
