"""Guards. A route without one is not registered; see `authapp.web.guard_marks`.

What a guard needs beyond its name is a parameter of it. `guard` makes further ones.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Protocol, overload
from uuid import UUID

from flask import current_app, request

from authapp.core.actor import Actor, UserRecord, known_actor
from authapp.core.enums import ActorType, AuditAction, Role
from authapp.core.errors import (
    ApiError,
    ApiKeyNotAllowed,
    ExpiredToken,
    InvalidToken,
    MissingToken,
    NotAMember,
    NotFound,
    RevokedToken,
    RoleTooLow,
    ValidationFailed,
)
from authapp.decorators.authentication import authenticate, authenticate_in
from authapp.schemas.fields import parse_uuid
from authapp.services import audit
from authapp.services.api_keys import InvalidApiKey
from authapp.web.blueprint import raises, takes_no_query
from authapp.web.browser_mode import OriginNotAllowed, removing_dead_cookie
from authapp.web.guard_marks import View, mark_guarded
from authapp.web.parsing import refuse_query

PathIds = dict[str, UUID | None]
"""The ids of the path by name, None where one is malformed."""


class Guard(Protocol):
    """A decorator of views."""

    def __call__(self, view: View, /) -> View: ...


ACCOUNT_ERRORS: tuple[type[ApiError], ...] = (
    MissingToken,
    InvalidToken,
    ExpiredToken,
    RevokedToken,
    InvalidApiKey,
    ApiKeyNotAllowed,
)
ORGANIZATION_ERRORS: tuple[type[ApiError], ...] = (
    MissingToken,
    InvalidToken,
    ExpiredToken,
    RevokedToken,
    InvalidApiKey,
    NotAMember,
)


def get_current_user() -> UserRecord:
    """The account whose access token was sent, active or not.

    Raises:
        Unauthorized: no token, or one that is not live.
        ApiKeyNotAllowed: an API key was sent.
    """
    return (known_actor() or authenticate()).user


def get_current_active_user() -> UserRecord:
    """The account whose access token was sent.

    Raises:
        Unauthorized: no token, or one that is not live, or the account has been deactivated.
        ApiKeyNotAllowed: an API key was sent.
    """
    return _require_active(get_current_user())


def guard(
    name: str, check: Callable[[PathIds], object], *errors: type[ApiError], path_ids: tuple[str, ...] = ()
) -> Guard:
    """Make a guard: the check first, then the ids of the path as UUIDs, then the view.

    Args:
        name: as `flask guards` and the OpenAPI document show it.
        check: called before the view. It returns if the caller may call, and raises an `ApiError` if not.
        errors: those that the check raises, for the OpenAPI document.
        path_ids: the ids that the check needs. A route without them is not registered.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            ids = {key: parse_uuid(str(value)) for key, value in kwargs.items() if key.endswith("_id")}
            check(ids)
            _require_well_formed(ids)
            if takes_no_query(guarded):
                refuse_query(request)
            if any("\x00" in value for value in kwargs.values() if isinstance(value, str)):
                raise NotFound  # PostgreSQL cannot store it, so nothing has such a name
            return current_app.ensure_sync(view)(*args, **{**kwargs, **ids})

        return raises(*errors)(mark_guarded(guarded, name, path_ids))  # type: ignore[return-value]

    return decorate


public: Guard = guard("public", lambda ids: None)
"""Anyone may call."""


@overload
def require_active_user(view: View) -> View: ...
@overload
def require_active_user(*, memberships: bool = False, or_refresh_token: bool = False) -> Guard: ...
def require_active_user(
    view: View | None = None, *, memberships: bool = False, or_refresh_token: bool = False
) -> View | Guard:
    """An account that is active may call, with an access token.

    Args:
        view: the view, where the guard is written without parentheses.
        memberships: fill `current_actor.memberships`, for a view that sends no statement of its own.
        or_refresh_token: without an access token, or with an expired one, a `refresh_token` in the body serves, and in
            browser mode that of the cookie.
    """

    def check(ids: PathIds) -> UserRecord:
        return _require_active(authenticate(memberships=memberships, or_refresh_token=or_refresh_token).user)

    if or_refresh_token:
        name, errors = "require_active_user(or_refresh_token)", (*ACCOUNT_ERRORS, OriginNotAllowed)
        made = guard(name, removing_dead_cookie()(check), *errors)
    else:
        made = guard("require_active_user", check, *ACCOUNT_ERRORS)
    return made(view) if view else made


@overload
def require_organization_access(view: View) -> View: ...
@overload
def require_organization_access(*, autocommit: bool = False) -> Guard: ...
def require_organization_access(view: View | None = None, *, autocommit: bool = False) -> View | Guard:
    """A member of the organization in the path may call, whatever the role, and so may its API keys.

    Args:
        view: the view, where the guard is written without parentheses.
        autocommit: for a view that sends no statement: all that it needs is in `current_actor`.
    """
    made = guard(
        "require_organization_access",
        lambda ids: check_role(ids, Role.VIEWER, autocommit=autocommit),
        *ORGANIZATION_ERRORS,
        path_ids=("organization_id",),
    )
    return made(view) if view else made


def require_organization_role(role: Role) -> Guard:
    """A member or an API key of the organization in the path may call that has this role or a higher one."""
    return guard(
        f"require_organization_role({role})",
        lambda ids: check_role(ids, role),
        *ORGANIZATION_ERRORS,
        RoleTooLow,
        path_ids=("organization_id",),
    )


def require_organization_role_or_self(role: Role) -> Guard:
    """The same, and whatever the role the member whose `user_id` is in the path."""
    return guard(
        f"require_organization_role_or_self({role})",
        lambda ids: check_role(ids, role, or_self=True),
        *ORGANIZATION_ERRORS,
        RoleTooLow,
        path_ids=("organization_id", "user_id"),
    )


def check_role(ids: PathIds, role: Role, *, or_self: bool = False, autocommit: bool = False) -> Actor:
    """Look the caller up in the organization of the path, for a guard.

    Args:
        ids: of the path, `organization_id` among them.
        role: the lowest that passes.
        or_self: the account with the `user_id` of the path passes whatever its role.
        autocommit: nothing else is sent in this request.

    Raises:
        the errors of `ORGANIZATION_ERRORS`, and RoleTooLow.
    """
    actor = authenticate_in(ids["organization_id"], autocommit=autocommit)
    if actor.account:
        _require_active(actor.account)
    _require_well_formed(ids)
    if actor.organization is None:
        raise NotAMember
    is_self = or_self and actor.type is ActorType.USER and ids["user_id"] == actor.id
    if not is_self and not actor.here.role.includes(role):
        audit.record_denial(
            AuditAction.ACCESS_REFUSED,
            actor,
            actor.here.id,
            tried=f"{request.method} {request.url_rule}",
            needed=role,
            held=actor.here.role,
        )
        raise RoleTooLow(f"{actor.here.role} where {role} is needed", keeps_writes=True)
    return actor


def _require_active(user: UserRecord) -> UserRecord:
    if not user.is_active:
        raise RevokedToken("inactive account")  # ASVS v5.0.0-7.4.2
    return user


def _require_well_formed(ids: PathIds) -> None:
    malformed = [name for name, value in ids.items() if value is None]
    if malformed:
        raise ValidationFailed(errors={"path": {name: ["Not a valid UUID."] for name in malformed}})
