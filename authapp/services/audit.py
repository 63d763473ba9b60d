"""The audit log: the one writer of events, and their lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, case, func, insert, null, select
from uuid_utils.compat import uuid7

from authapp.core import ids
from authapp.core.actor import Actor
from authapp.core.enums import Action, ActorType
from authapp.core.logging import log_context
from authapp.core.request_context import request_info
from authapp.db import transaction
from authapp.db.pagination import Page, fetch
from authapp.models import AuditEvent
from authapp.services import hooks

MOST_DENIALS = 10
DENIAL_WINDOW = timedelta(hours=1)
_INSERT = insert(AuditEvent)
_UNKNOWN = {"target_id": None, "user_id": None, "organization_id": None}
_ORIGIN = ("session_id", "request_id", "ip_address", "user_agent")
_BY_OPERATOR = {"by": "operator"}
_OF_AN_OPERATOR = {"session_id": None, "ip_address": None, "user_agent": None}


def record(
    action: Action,
    actor: Actor | None,
    *,
    target_id: UUID | None = None,
    user_id: UUID | None = None,
    organization_id: UUID | None = None,
    **details: Any,
) -> None:
    """Add an event to the request's transaction, and its name to the request's log line.

    Args:
        action: what happened: an `AuditAction`, or an `Action` of your own.
        actor: who did it, None for an operator and for somebody who is not signed in.
        target_id: to what; the first word of the action says of which kind.
        user_id: the account that it concerns and that may read of it.
        organization_id: where it happened, None outside of organizations.
        details: what else to know. Never a secret.
    """
    _add_to_log(action, actor, organization_id)
    known = {"target_id": target_id, "user_id": user_id, "organization_id": organization_id, "details": details}
    event = _event(action, actor, **known)
    transaction.execute(_INSERT, event)
    hooks.run(action, actor, [event])


def record_in_each(
    organization_ids: list[UUID],
    action: Action,
    actor: Actor | None,
    *,
    target_id: UUID | None = None,
    user_id: UUID | None = None,
    **details: Any,
) -> None:
    """Add the same event to each of these organizations, in one statement for a thousand of them.

    Args:
        organization_ids: where it happened.
        action, actor, user_id, details: as in `record`.
        target_id: to what. Default: to the organization itself.
    """
    if not organization_ids:
        return
    _add_to_log(action, actor)
    event = _event(action, actor, user_id=user_id, details=details)
    rows = [
        {**event, **_new_id(), "organization_id": each, "target_id": target_id or each} for each in organization_ids
    ]
    transaction.connection().execute(_INSERT, rows)
    hooks.run(action, actor, rows)


def record_all(action: Action, events: Iterable[Mapping[str, Any]]) -> None:
    """Add an event for each of these, as an operator, in one statement for a thousand of them.

    Args:
        action: what happened, each time.
        events: the other columns that are known, as `record` takes them, with `details`.
    """
    if rows := [_event(action, None, **{**_UNKNOWN, **event}) for event in events]:
        _add_to_log(action, None)
        transaction.connection().execute(_INSERT, rows)
        hooks.run(action, None, rows)


def record_denial(
    action: Action,
    actor: Actor | None,
    organization_id: UUID,
    *,
    target_id: UUID | None = None,
    **details: Any,
) -> None:
    """Add the event of a denied request, at most `MOST_DENIALS` of an actor in an organization within `DENIAL_WINDOW`.

    So nobody fills the audit log by asking again and again. The last one says that those after it are not recorded.
    """
    event = _event(action, actor, target_id=target_id, organization_id=organization_id)
    if _recent_denials(event) == MOST_DENIALS:
        return  # without waiting for a lock
    lock = f"{organization_id} {event['actor_id']} {action}"
    transaction.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(lock, 0))))
    event |= _new_id()  # later than those of the requests that it has waited for
    recorded = _recent_denials(event)
    if recorded == MOST_DENIALS:
        return
    if recorded == MOST_DENIALS - 1:
        details["further"] = "not recorded within the hour"
    _add_to_log(action, actor, organization_id)
    event |= {"details": details}
    transaction.execute(_INSERT, event)
    hooks.run(action, actor, [event])


def by_operator(actor: Actor | None) -> dict[str, Any]:
    """The detail that marks what an operator has done by a route, where the actor is an account like any other.

    An event with it does not keep from where: others read it. The log lines of its `request_id` tell that.
    """
    return _BY_OPERATOR if actor else {}


def _recent_denials(event: dict[str, Any]) -> int:
    """How many events like this one are recorded within the window, `MOST_DENIALS` at most."""
    found = (
        select(AuditEvent.id)
        .where(*(AuditEvent.__table__.c[name] == event[name] for name in ("organization_id", "actor_id", "action")))
        .where(AuditEvent.id >= ids.first_id_at(event["created_at"] - DENIAL_WINDOW))
        .limit(MOST_DENIALS)
    )
    return int(transaction.scalar(select(func.count()).select_from(found.subquery())))


def _event(action: Action, actor: Actor | None, **known: Any) -> dict[str, Any]:
    """The columns of an event: what is known of it, who did it and, but for an operator, from where."""
    if not isinstance(action, Action):
        raise TypeError(f"{action!r} is no action: add it to an enum that derives from Action")
    is_by_operator = _BY_OPERATOR.items() <= known.get("details", {}).items()
    return {
        **known,
        **_new_id(),
        "action": action,
        "actor_type": actor.type if actor else None,
        "actor_id": actor.id if actor else None,
        "session_id": actor.session_id if actor else None,
        **request_info()._asdict(),
        **(_OF_AN_OPERATOR if is_by_operator else {}),
    }


def _new_id() -> dict[str, Any]:
    """An id, and the time that is in it: filters compare the id, and people see the time."""
    event_id = uuid7()
    return {"id": event_id, "created_at": ids.moment_of(event_id)}


def _add_to_log(action: Action, actor: Actor | None, organization_id: UUID | None = None) -> None:
    """Name an event in the request's log line."""
    context = log_context()
    context.setdefault("audit", []).append(action)
    if actor and not actor.session_id and actor.type is ActorType.USER:  # it is signing in: no guard has added it
        context["user_id"] = str(actor.id)
    if organization_id:
        context["organization_id"] = str(organization_id)


def of_account(user_id: UUID, limit: int, cursor: UUID | None) -> Page:
    """What happened to an account, newest first."""
    return fetch(about_account(user_id), AuditEvent.id, limit, cursor, newest_first=True)


def about_account(user_id: UUID) -> Select[*tuple[Any, ...]]:
    """What happened to an account. Only admins of the organization see from where another did it."""
    by_another = and_(AuditEvent.actor_id.is_not(None), AuditEvent.actor_id != user_id)
    shown = [
        case((by_another, null()), else_=column).label(column.name) if column.name in _ORIGIN else column
        for column in AuditEvent.__table__.c
    ]
    return select(*shown).where(AuditEvent.user_id == user_id)


def of_organization(
    organization_id: UUID,
    limit: int,
    cursor: UUID | None,
    action: Action | None = None,
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
