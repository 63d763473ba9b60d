"""Writing down what happened, and reading it again."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, case, insert, null, select

from authapp.core import transaction
from authapp.core.actor import ActorType, known_actor
from authapp.core.logging import facts
from authapp.core.requests import current_client
from authapp.models import AuditAction, AuditEvent
from authapp.services.pages import Page, fetch

_RECORD = insert(AuditEvent)
_WHEREABOUTS = ("session_id", "request_id", "ip_address", "user_agent")


def record(
    action: AuditAction,
    *,
    target_id: UUID | None = None,
    user_id: UUID | None = None,
    actor_id: UUID | None = None,
    organization_id: UUID | None = None,
    **details: Any,
) -> None:
    """Add an event to the request's transaction, and its name to those in the request's log line.

    Args:
        action: what happened.
        target_id: to what; the first word of the action says of which kind.
        user_id: the account that it concerns and that may read of it.
        actor_id: the account that did it, where the request has no actor: it is signing in, or is made just now.
        organization_id: default: the one that the actor acts in.
        details: what else to know. Never a secret.
    """
    actor = known_actor()
    note(action, actor_id, organization_id)
    event = {
        "action": action,
        "target_id": target_id,
        "user_id": user_id,
        "actor_type": actor.type if actor else (ActorType.USER if actor_id else None),
        "actor_id": actor.id if actor else actor_id,
        "organization_id": organization_id or (actor.organization.id if actor and actor.organization else None),
        "session_id": actor.session_id if actor else None,
        "details": details,
        **current_client()._asdict(),
    }
    transaction.execute(_RECORD, event)


def note(action: AuditAction, actor_id: UUID | None = None, organization_id: UUID | None = None) -> None:
    """Name an event in the request's log line."""
    facts().setdefault("audit", []).append(action)
    if actor_id:
        facts().update(user_id=str(actor_id))
    if organization_id:
        facts().update(organization_id=str(organization_id))


def of_account(user_id: UUID, limit: int, cursor: UUID | None) -> Page:
    """What happened to an account, newest first. From where somebody else did it is for the organization's admins."""
    by_another = and_(AuditEvent.actor_id.is_not(None), AuditEvent.actor_id != user_id)
    shown = [
        case((by_another, null()), else_=column).label(column.name) if column.name in _WHEREABOUTS else column
        for column in AuditEvent.__table__.c
    ]
    statement = select(*shown).where(AuditEvent.user_id == user_id)
    return fetch(statement, AuditEvent.id, limit, cursor, newest_first=True)


def of_organization(
    organization_id: UUID,
    limit: int,
    cursor: UUID | None,
    action: str | None = None,
    actor_id: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Page:
    """What happened in an organization, newest first: one action, one actor, between two moments."""
    statement = select(AuditEvent.__table__).where(AuditEvent.organization_id == organization_id)
    if action is not None:
        statement = statement.where(AuditEvent.action == action)
    if actor_id is not None:
        statement = statement.where(AuditEvent.actor_id == actor_id)
    if since is not None:
        statement = statement.where(AuditEvent.created_at >= since)
    if until is not None:
        statement = statement.where(AuditEvent.created_at < until)
    return fetch(statement, AuditEvent.id, limit, cursor, newest_first=True)
