"""Writing down what happened, and reading it again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, case, func, insert, null, select
from uuid_utils.compat import uuid7

from authapp.core import ids, transaction
from authapp.core.actor import ActorType, known_actor
from authapp.core.logging import facts
from authapp.core.requests import current_client
from authapp.models import AuditAction, AuditEvent
from authapp.services.pages import Page, fetch

MOST_REFUSALS = 10
REFUSAL_WINDOW = timedelta(hours=1)
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
    note(action, actor_id, organization_id)
    event = _event(action, target_id=target_id, user_id=user_id, actor_id=actor_id, organization_id=organization_id)
    transaction.execute(_RECORD, {**event, "details": details})


def record_in_each(organization_ids: list[UUID], action: AuditAction, *, target_id: UUID, user_id: UUID) -> None:
    """Add the same event to each of these organizations, in one statement for a thousand of them."""
    if not organization_ids:
        return
    note(action)
    event = _event(action, target_id=target_id, user_id=user_id, details={})
    transaction.connection().execute(
        _RECORD, [{**event, **_new_id(), "organization_id": organization_id} for organization_id in organization_ids]
    )


def record_refusal(
    action: AuditAction, *, target_id: UUID | None = None, organization_id: UUID | None = None, **details: Any
) -> None:
    """Add the event of a refusal, at most `MOST_REFUSALS` of an actor in an organization within `REFUSAL_WINDOW`.

    So nobody fills the audit log by asking again and again. The last one says that those after it are not recorded.
    """
    event = _event(action, target_id=target_id, organization_id=organization_id)
    if _recent_refusals(event) == MOST_REFUSALS:
        return  # who goes on asking waits for no lock
    of_actor = f"{event['organization_id']} {event['actor_id']} {action}"
    transaction.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(of_actor, 0))))
    event |= _new_id()  # not before those that it has waited for
    recorded = _recent_refusals(event)
    if recorded == MOST_REFUSALS:
        return
    if recorded == MOST_REFUSALS - 1:
        details["further"] = "not recorded within the hour"
    note(action, organization_id=organization_id)
    transaction.execute(_RECORD, {**event, "details": details})


def _recent_refusals(event: dict[str, Any]) -> int:
    """How many refusals like this one are recorded, as far as that matters."""
    found = (
        select(AuditEvent.id)
        .where(*(AuditEvent.__table__.c[name] == event[name] for name in ("organization_id", "actor_id", "action")))
        .where(AuditEvent.id >= ids.first_id_at(event["created_at"] - REFUSAL_WINDOW))
        .limit(MOST_REFUSALS)
    )
    return int(transaction.scalar(select(func.count()).select_from(found.subquery())))


def _event(action: AuditAction, *, actor_id: UUID | None = None, **known: Any) -> dict[str, Any]:
    """The columns of an event: what is known of it, who did it and where the request came from."""
    actor = known_actor()
    here = actor.organization.id if actor and actor.organization else None
    return {
        **known,
        **_new_id(),
        "action": action,
        "actor_type": actor.type if actor else (ActorType.USER if actor_id else None),
        "actor_id": actor.id if actor else actor_id,
        "organization_id": known.get("organization_id") or here,
        "session_id": actor.session_id if actor else None,
        **current_client()._asdict(),
    }


def _new_id() -> dict[str, Any]:
    """An id, and the time that is in it: filters compare the id, and people see the time."""
    event_id = uuid7()
    return {"id": event_id, "created_at": ids.moment_of(event_id)}


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
        statement = statement.where(AuditEvent.id >= ids.first_id_at(since))
    if until is not None:
        statement = statement.where(AuditEvent.id < ids.first_id_at(until))
    return fetch(statement, AuditEvent.id, limit, cursor, newest_first=True)
