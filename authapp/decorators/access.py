"""The checks of the caller that guards are made of, and the errors that they raise."""

from __future__ import annotations

from flask import request

from authapp.core.actor import Actor, UserRecord, known_actor
from authapp.core.enums import ActorType, AuditAction
from authapp.core.errors import (
    ApiError,
    ApiKeyNotAllowed,
    ExpiredToken,
    InvalidToken,
    MissingToken,
    NotAMember,
    OrganizationSuspended,
    PermissionMissing,
    RevokedToken,
    RoleTooLow,
    WorkloadNotAllowed,
)
from authapp.core.roles import Role
from authapp.decorators.authentication import authenticate, authenticate_in
from authapp.decorators.guard import PathIds, require_well_formed
from authapp.services import audit
from authapp.services.admission import EmailNotVerified, require_recent, require_verified
from authapp.services.api_keys import InvalidApiKey

ACCOUNT_ERRORS: tuple[type[ApiError], ...] = (
    MissingToken,
    InvalidToken,
    ExpiredToken,
    RevokedToken,
    InvalidApiKey,
    ApiKeyNotAllowed,
    WorkloadNotAllowed,
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
        ApiKeyNotAllowed, WorkloadNotAllowed: an API key or the token of a workload was sent.
    """
    return (known_actor() or authenticate()).user


def get_current_active_user() -> UserRecord:
    """The account whose access token was sent.

    Raises:
        Unauthorized: no token, or one that is not live, or the account has been deactivated.
        ApiKeyNotAllowed, WorkloadNotAllowed: an API key or the token of a workload was sent.
    """
    return require_active(get_current_user())


def get_optional_user() -> UserRecord | None:
    """The same for a public view, None where the request has no header Authorization. Declare `ACCOUNT_ERRORS`."""
    return get_current_active_user() if "Authorization" in request.headers else None


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
        the errors of `ORGANIZATION_ERRORS`, RoleTooLow; if recent, ReauthenticationRequired, ApiKeyNotAllowed,
            WorkloadNotAllowed.
    """
    actor = _authenticate_member(ids, autocommit=autocommit)
    is_self = or_self and actor.type is ActorType.USER and ids["user_id"] == actor.id
    if not is_self and not actor.here.role.includes(role):
        _record_denial(actor, role)
        raise RoleTooLow(f"{actor.here.role} where {role} is needed", keeps_writes=True)
    require_conditions(actor, recent=recent)
    return actor


def check_permission(ids: PathIds, permission: str, *, recent: bool = False) -> Actor:
    """Look the caller up in the organization of the path, for a guard.

    Args:
        ids: of the path, `organization_id` among them.
        permission: that the caller has to hold, by role or by grant.
        recent: only a person who has signed in within 5 minutes passes.

    Raises:
        the errors of `ORGANIZATION_ERRORS`, PermissionMissing; if recent, as `check_role`.
    """
    actor = _authenticate_member(ids)
    if not actor.has_permission(permission):
        _record_denial(actor, permission)
        raise PermissionMissing(f"{actor.here.role} without {permission}", keeps_writes=True)
    require_conditions(actor, recent=recent)
    return actor


def _authenticate_member(ids: PathIds, *, autocommit: bool = False) -> Actor:
    """The caller, who belongs to the organization of the path."""
    actor = authenticate_in(ids["organization_id"], autocommit=autocommit)
    if actor.account:
        require_active(actor.account)
    require_conditions(actor, verified=actor.account is not None)
    require_well_formed(ids)
    require_in_organization(actor)
    return actor


def _record_denial(actor: Actor, needed: str) -> None:
    audit.record_denial(
        AuditAction.ACCESS_REFUSED,
        actor,
        actor.here.id,
        tried=f"{request.method} {request.url_rule}",
        needed=needed,
        held=actor.here.role,
    )


def require_conditions(actor: Actor, *, recent: bool = False, verified: bool = False) -> None:
    """Pass if the caller meets the conditions that a guard has as parameters.

    Raises:
        EmailNotVerified, ReauthenticationRequired: whichever it does not meet.
    """
    if verified:
        require_verified(actor.user)
    if recent:
        require_recent(actor)


def require_in_organization(actor: Actor) -> None:
    """Pass if the organization that was asked for is one of the caller's, and not suspended.

    Raises:
        NotAMember, OrganizationSuspended: whichever it is.
    """
    if actor.organization is None:
        raise NotAMember
    if actor.here.suspended_at:
        raise OrganizationSuspended


def require_active(user: UserRecord) -> UserRecord:
    """Give the account back if it is active, for a guard.

    Raises:
        RevokedToken: it is not.
    """
    if not user.is_active:
        raise RevokedToken("inactive account")  # ASVS v5.0.0-7.4.2
    return user
