"""Every way in. A route without one of these does not start; see `authapp.core.application`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from flask import current_app, request

from authapp.core.actor import ActorType, Role, UserRecord, known_actor
from authapp.core.application import View, mark_guarded
from authapp.core.errors import (
    ApiKeyNotAllowed,
    ExpiredToken,
    InvalidApiKey,
    InvalidToken,
    MissingToken,
    NotAMember,
    NotFound,
    RevokedToken,
    RoleTooLow,
    ValidationFailed,
)
from authapp.core.openapi import refuses
from authapp.core.refusal import Refusal
from authapp.decorators.identity import identify, identify_in, identify_with_memberships
from authapp.models import AuditAction
from authapp.schemas.fields import parse_uuid
from authapp.services import audit

_Ids = dict[str, UUID | None]

_TOKEN: tuple[type[Refusal], ...] = (MissingToken, InvalidToken, ExpiredToken, RevokedToken)
_ACCOUNT = (*_TOKEN, ApiKeyNotAllowed)
_ORGANIZATION = (*_TOKEN, InvalidApiKey, NotAMember)


def get_current_user() -> UserRecord:
    """The account whose access token was sent, active or not.

    Raises:
        Unauthorized: no token, or one that is not live.
        ApiKeyNotAllowed: an API key was sent.
    """
    return (known_actor() or identify()).user


def get_current_active_user() -> UserRecord:
    """The account whose access token was sent.

    Raises:
        Unauthorized: no token, or one that is not live, or the account has been deactivated.
        ApiKeyNotAllowed: an API key was sent.
    """
    return _refuse_inactive(get_current_user())


def _refuse_inactive(user: UserRecord) -> UserRecord:
    if not user.is_active:
        raise RevokedToken("inactive account")  # ASVS v5.0.0-7.4.2
    return user


def public(view: View) -> View:
    """Anyone may call."""
    return _guarded(view, "public", lambda _: None)


def require_active_user(view: View) -> View:
    """An account that is active may call, with an access token."""

    def check(ids: _Ids) -> None:
        _refuse_inactive(identify().user)

    return _guarded(view, "require_active_user", check, _ACCOUNT)


def require_active_user_with_memberships(view: View) -> View:
    """The same; `current_actor.memberships` is filled by the same statement."""

    def check(ids: _Ids) -> None:
        _refuse_inactive(identify_with_memberships().user)

    return _guarded(view, "require_active_user", check, _ACCOUNT)


def require_organization_access(view: View) -> View:
    """A member of the organization in the path may call, whatever the role, and so may its API keys."""
    return _guarded_by_role(view, "require_organization_access", Role.VIEWER, _ORGANIZATION)


def require_organization_access_alone(view: View) -> View:
    """The same, for a view that asks the database nothing more: all that it needs is in `current_actor`."""
    return _guarded_by_role(view, "require_organization_access", Role.VIEWER, _ORGANIZATION, alone=True)


def require_organization_role(role: Role) -> Callable[[View], View]:
    """A member or an API key of the organization in the path may call that has this role or a higher one."""
    return lambda view: _guarded_by_role(view, f"require_organization_role({role})", role, (*_ORGANIZATION, RoleTooLow))


def require_organization_role_or_self(role: Role) -> Callable[[View], View]:
    """The same, and whatever the role the member whose `user_id` is in the path."""
    name = f"require_organization_role_or_self({role})"
    return lambda view: _guarded_by_role(view, name, role, (*_ORGANIZATION, RoleTooLow), or_self=True)


def _guarded_by_role(
    view: View,
    name: str,
    role: Role,
    refusals: tuple[type[Refusal], ...],
    *,
    or_self: bool = False,
    alone: bool = False,
) -> View:
    def check(ids: _Ids) -> None:
        actor = identify_in(ids["organization_id"], alone=alone)
        if actor.account:
            _refuse_inactive(actor.account)
        _refuse_malformed(ids)
        if actor.role is None:
            raise NotAMember
        is_self = or_self and actor.type is ActorType.USER and ids["user_id"] == actor.id
        if not is_self and not actor.role.includes(role):
            tried = f"{request.method} {request.url_rule}"
            audit.record_refusal(AuditAction.ACCESS_REFUSED, tried=tried, needed=role, held=actor.role)
            raise RoleTooLow(f"{actor.role} where {role} is needed", keeps_writes=True)

    path_ids = ("organization_id", "user_id") if or_self else ("organization_id",)
    return _guarded(view, name, check, refusals, path_ids)


def _guarded(
    view: View,
    name: str,
    check: Callable[[_Ids], None],
    refusals: tuple[type[Refusal], ...] = (),
    path_ids: tuple[str, ...] = (),
) -> View:
    """The guard: the check first, then the ids of the path as UUIDs, then the view."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        ids = {key: parse_uuid(str(value)) for key, value in kwargs.items() if key.endswith("_id")}
        check(ids)
        _refuse_malformed(ids)
        if any("\x00" in value for value in kwargs.values() if isinstance(value, str)):
            raise NotFound  # PostgreSQL cannot store it, so nothing has such a name
        return current_app.ensure_sync(view)(*args, **{**kwargs, **ids})

    return refuses(*refusals)(mark_guarded(guarded, name, path_ids))  # type: ignore[return-value]


def _refuse_malformed(ids: _Ids) -> None:
    malformed = [name for name, value in ids.items() if value is None]
    if malformed:
        raise ValidationFailed(errors={"path": {name: ["Not a valid UUID."] for name in malformed}})
