"""Guards. A route without one is not registered; see `authapp.web.guard_marks`.

What a guard needs beyond its name is a parameter of it. `guard` makes further ones.
"""

from __future__ import annotations

from typing import overload

from authapp.core.errors import ApiKeyNotAllowed, PermissionMissing, RoleTooLow, WorkloadNotAllowed
from authapp.core.roles import Role
from authapp.decorators.access import (
    ACCOUNT_ERRORS,
    ORGANIZATION_ERRORS,
    check_permission,
    check_role,
    get_current_active_user,
    get_current_user,
    get_optional_user,
    require_active,
    require_conditions,
)
from authapp.decorators.authentication import authenticate
from authapp.decorators.guard import Guard, PathIds, guard, public
from authapp.services.admission import EmailNotVerified, ReauthenticationRequired
from authapp.web.browser_mode import OriginNotAllowed, removing_dead_cookie
from authapp.web.guard_marks import View

__all__ = [
    "ACCOUNT_ERRORS",
    "ORGANIZATION_ERRORS",
    "Guard",
    "PathIds",
    "check_permission",
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
    "require_permission",
]


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
        require_conditions(actor, recent=recent, verified=verified)

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
    """A member of the organization in the path may call, whatever the role, and so may its API keys and workloads.

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


def require_organization_role(role: str, *, recent: bool = False) -> Guard:
    """A member, an API key or a workload of the organization in the path may call that has this role or a higher one.

    Args:
        role: the lowest that passes. An application that does not declare it does not start.
        recent: only a person, within 5 minutes of a sign-in, with the second factor of an account that has one.
    """
    return guard(
        _named("require_organization_role", **{role: True}, recent=recent),
        lambda ids: check_role(ids, Role(role), recent=recent),
        *ORGANIZATION_ERRORS,
        RoleTooLow,
        *([ReauthenticationRequired, ApiKeyNotAllowed, WorkloadNotAllowed] if recent else []),
        path_ids=("organization_id",),
        needs=role,
    )


def require_organization_role_or_self(role: str) -> Guard:
    """The same, and whatever the role the member whose `user_id` is in the path."""
    return guard(
        f"require_organization_role_or_self({role})",
        lambda ids: check_role(ids, Role(role), or_self=True),
        *ORGANIZATION_ERRORS,
        RoleTooLow,
        path_ids=("organization_id", "user_id"),
        needs=role,
    )


def require_permission(permission: str, *, recent: bool = False) -> Guard:
    """A member or an API key of the organization in the path may call that holds this permission, by role or by grant.

    Args:
        permission: one that `create_app(permissions=…)` declares. An application without it does not start.
        recent: only a person, within 5 minutes of a sign-in, with the second factor of an account that has one.
    """
    return guard(
        _named("require_permission", **{permission: True}, recent=recent),
        lambda ids: check_permission(ids, permission, recent=recent),
        *ORGANIZATION_ERRORS,
        PermissionMissing,
        *([ReauthenticationRequired, ApiKeyNotAllowed, WorkloadNotAllowed] if recent else []),
        path_ids=("organization_id",),
        needs=permission,
    )


def _named(name: str, **conditions: bool) -> str:
    """The name of a guard with those of its conditions that hold."""
    held = ", ".join(condition for condition, holds in conditions.items() if holds)
    return f"{name}({held})" if held else name
