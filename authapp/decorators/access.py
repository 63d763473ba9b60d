"""Every way in. A route without one of these does not start; see `authapp.core.application`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from flask import current_app, g

from authapp.core.actor import Role, UserRecord
from authapp.core.application import View, mark_guarded
from authapp.core.errors import (
    ExpiredToken,
    InvalidToken,
    MissingToken,
    NotAMember,
    Refusal,
    RevokedToken,
    RoleTooLow,
    ValidationFailed,
)
from authapp.core.openapi import refuses
from authapp.decorators.identity import identify, identify_in
from authapp.schemas.fields import parse_uuid

_Ids = dict[str, UUID | None]

_ACCOUNT: tuple[type[Refusal], ...] = (MissingToken, InvalidToken, ExpiredToken, RevokedToken)


def get_current_user() -> UserRecord:
    """The account whose access token was sent, active or not.

    Raises:
        Unauthorized: no token, or one that is not live.
    """
    actor = g.get("actor") or identify()
    user: UserRecord = actor.user
    return user


def get_current_active_user() -> UserRecord:
    """The account whose access token was sent.

    Raises:
        Unauthorized: no token, or one that is not live, or the account has been deactivated.
    """
    user = get_current_user()
    if not user.is_active:
        raise RevokedToken("inactive account")  # ASVS v5.0.0-7.4.2
    return user


def public(view: View) -> View:
    """Anyone may call."""
    return _guarded(view, "public", lambda _: None)


def require_active_user(view: View) -> View:
    """An account that is active may call, with an access token."""

    def check(ids: _Ids) -> None:
        identify()
        get_current_active_user()

    return _guarded(view, "require_active_user", check, _ACCOUNT)


def require_active_user_with_memberships(view: View) -> View:
    """The same; `current_actor.memberships` is filled by the same statement."""

    def check(ids: _Ids) -> None:
        identify(memberships=True)
        get_current_active_user()

    return _guarded(view, "require_active_user", check, _ACCOUNT)


def require_organization_access(view: View) -> View:
    """A member of the organization in the path may call, whatever the role."""
    return _guarded_by_membership(view, "require_organization_access", Role.VIEWER, NotAMember)


def require_organization_role(role: Role) -> Callable[[View], View]:
    """A member of the organization in the path may call who has this role or a higher one."""
    return lambda view: _guarded_by_membership(view, f"require_organization_role({role})", role, NotAMember, RoleTooLow)


def _guarded_by_membership(view: View, name: str, role: Role, *refusals: type[Refusal]) -> View:
    return _guarded(
        view, name, lambda ids: _require_member(ids, role), (*_ACCOUNT, *refusals), path_id="organization_id"
    )


def _require_member(ids: _Ids, role: Role) -> None:
    actor = identify_in(ids["organization_id"])
    get_current_active_user()
    _refuse_malformed(ids)
    if actor.role is None:
        raise NotAMember
    if not actor.role.includes(role):
        raise RoleTooLow(f"{actor.role} where {role} is needed")


def _guarded(
    view: View,
    name: str,
    check: Callable[[_Ids], None],
    refusals: tuple[type[Refusal], ...] = (),
    path_id: str | None = None,
) -> View:
    """The guard: the check first, then the ids of the path as UUIDs, then the view."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        ids = {key: parse_uuid(str(value)) for key, value in kwargs.items() if key.endswith("_id")}
        check(ids)
        _refuse_malformed(ids)
        return current_app.ensure_sync(view)(*args, **{**kwargs, **ids})

    return refuses(*refusals)(mark_guarded(guarded, name, path_id))  # type: ignore[return-value]


def _refuse_malformed(ids: _Ids) -> None:
    malformed = [name for name, value in ids.items() if value is None]
    if malformed:
        raise ValidationFailed(errors={"path": {name: ["Not a valid UUID."] for name in malformed}})
