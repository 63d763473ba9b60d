"""Guards. A route without one is not registered; see `authapp.web.guard_marks`.

What a guard needs beyond its name is a parameter of it. `guard` makes further ones.
"""

from __future__ import annotations

from typing import overload

from flask import request

from authapp.core.actor import Actor, UserRecord, known_actor
from authapp.core.enums import ActorType, AuditAction, Role
from authapp.core.errors import (
    ApiError,
    ApiKeyNotAllowed,
    ExpiredToken,
    InvalidToken,
    MissingToken,
    NotAMember,
    OrganizationSuspended,
    RevokedToken,
    RoleTooLow,
)
from authapp.decorators.authentication import authenticate, authenticate_in
from authapp.decorators.guard import Guard, PathIds, guard, public, require_well_formed
from authapp.services import audit
from authapp.services.admission import EmailNotVerified, ReauthenticationRequired, require_recent, require_verified
from authapp.services.api_keys import InvalidApiKey
from authapp.web.browser_mode import OriginNotAllowed, removing_dead_cookie
from authapp.web.guard_marks import View

__all__ = [
    "ACCOUNT_ERRORS",
    "ORGANIZATION_ERRORS",
    "Guard",
    "PathIds",
    "check_role",
    "get_current_active_user",
    "get_current_user",
    "get_optional_user",
    "guard",
    "public",
    "require_active",
    "require_active_user",
    "require_organization_access",
    "require_organization_role",
    "require_organization_role_or_self",
]

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
    EmailNotVerified,
    NotAMember,
    OrganizationSuspended,
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
    return require_active(get_current_user())


def get_optional_user() -> UserRecord | None:
    """The same for a public view, None where the request has no header Authorization. Declare `ACCOUNT_ERRORS`."""
    return get_current_active_user() if "Authorization" in request.headers else None


@overload
def require_active_user(view: View) -> View: ...
@overload
def require_active_user(
    *, memberships: bool = False, or_refresh_token: bool = False, recent: bool = False, verified: bool = False
) -> Guard: ...
def require_active_user(
    view: View | None = None,
    *,
    memberships: bool = False,
    or_refresh_token: bool = False,
    recent: bool = False,
    verified: bool = False,
) -> View | Guard:
    """An account that is active may call, with an access token.

    Args:
        view: the view, where the guard is written without parentheses.
        memberships: fill `current_actor.memberships`, for a view that sends no statement of its own.
        or_refresh_token: without an access token, or with an expired one, a `refresh_token` in the body serves, and in
            browser mode that of the cookie.
        recent: only within 5 minutes of a sign-in, with the second factor of an account that has one (RFC 9470).
        verified: only with a verified email address, where EMAIL_VERIFICATION asks for that.
    """

    def check(ids: PathIds) -> None:
        actor = authenticate(memberships=memberships, or_refresh_token=or_refresh_token)
        require_active(actor.user)
        _require(actor, recent=recent, verified=verified)

    made = guard(
        _named("require_active_user", or_refresh_token=or_refresh_token, recent=recent, verified=verified),
        removing_dead_cookie()(check) if or_refresh_token else check,
        *ACCOUNT_ERRORS,
        *([OriginNotAllowed] if or_refresh_token else []),
        *([ReauthenticationRequired] if recent else []),
        *([EmailNotVerified] if verified else []),
    )
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


def require_organization_role(role: Role, *, recent: bool = False) -> Guard:
    """A member or an API key of the organization in the path may call that has this role or a higher one.

    Args:
        role: the lowest that passes.
        recent: only a person, within 5 minutes of a sign-in, with the second factor of an account that has one.
    """
    return guard(
        _named("require_organization_role", **{role: True}, recent=recent),
        lambda ids: check_role(ids, role, recent=recent),
        *ORGANIZATION_ERRORS,
        RoleTooLow,
        *([ReauthenticationRequired, ApiKeyNotAllowed] if recent else []),
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


def check_role(
    ids: PathIds, role: Role, *, or_self: bool = False, autocommit: bool = False, recent: bool = False
) -> Actor:
    """Look the caller up in the organization of the path, for a guard.

    Args:
        ids: of the path, `organization_id` among them.
        role: the lowest that passes.
        or_self: the account with the `user_id` of the path passes whatever its role.
        autocommit: nothing else is sent in this request.
        recent: only a person who has signed in within 5 minutes passes.

    Raises:
        the errors of `ORGANIZATION_ERRORS`, RoleTooLow; if recent, ReauthenticationRequired and ApiKeyNotAllowed.
    """
    actor = authenticate_in(ids["organization_id"], autocommit=autocommit)
    if actor.account:
        require_active(actor.account)
    _require(actor, verified=actor.account is not None)
    require_well_formed(ids)
    if actor.organization is None:
        raise NotAMember
    if actor.here.suspended_at:
        raise OrganizationSuspended
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
    _require(actor, recent=recent)
    return actor


def _require(actor: Actor, *, recent: bool = False, verified: bool = False) -> None:
    if verified:
        require_verified(actor.user)
    if recent:
        require_recent(actor)


def _named(name: str, **conditions: bool) -> str:
    """The name of a guard with those of its conditions that hold."""
    held = ", ".join(condition for condition, holds in conditions.items() if holds)
    return f"{name}({held})" if held else name


def require_active(user: UserRecord) -> UserRecord:
    """Give the account back if it is active, for a guard.

    Raises:
        RevokedToken: it is not.
    """
    if not user.is_active:
        raise RevokedToken("inactive account")  # ASVS v5.0.0-7.4.2
    return user
