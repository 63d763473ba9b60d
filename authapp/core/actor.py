"""The caller of a request: an account, an API key or a workload. A guard looks it up; views pass it to services."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, cast
from uuid import UUID

from flask import g
from werkzeug.local import LocalProxy

from authapp.core.enums import ActorType
from authapp.core.errors import ApiKeyNotAllowed, WorkloadNotAllowed
from authapp.core.permissions import held_permissions, holds_permission
from authapp.core.roles import Role


class UserRecord(NamedTuple):
    """An account as it is in the database: what guards and replies need of it, and so never the hash."""

    id: UUID
    email: str
    email_verified: bool
    first_name: str | None
    last_name: str | None
    is_active: bool
    mfa_enabled: bool
    has_password: bool
    is_operator: bool
    last_login_at: datetime | None
    created_at: datetime
    updated_at: datetime


class OrganizationRecord(NamedTuple):
    """An organization as it is in the database, and the role in it of the caller that asked."""

    id: UUID
    name: str
    slug: str
    plan: str
    subscription_status: str
    seats: int | None
    trial_ends_at: datetime | None
    suspended_at: datetime | None
    created_at: datetime
    updated_at: datetime
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """The caller of this request, as it was in the database when the guard looked it up.

    A person, an API key, or a workload: a job that has signed in as a trusted identity.

    Attributes:
        id: of the account, of the API key, or of the trusted identity.
        type: which of them it is.
        account: the account, None for others. `user` is the same and refuses others.
        session_id: the session whose access token was sent, or the `sid` of a workload's token. None for an API key.
        auth_time: when a person has last authenticated in this session, None for others.
        amr: how it did so, as RFC 8176 names it. Empty for others.
        organization: the organization of the route, None on other routes.
        memberships: what `GET /auth/me` shows, None on other routes.
        grants: the permissions that were granted to the API key itself, beside those of its role.
    """

    id: UUID
    type: ActorType
    account: UserRecord | None = None
    session_id: UUID | None = None
    auth_time: datetime | None = None
    amr: tuple[str, ...] = ()
    organization: OrganizationRecord | None = None
    memberships: list[dict[str, Any]] | None = None
    grants: tuple[str, ...] = ()

    @property
    def user(self) -> UserRecord:
        """The account of the person who calls.

        Raises:
            ApiKeyNotAllowed, WorkloadNotAllowed: it is an API key or a workload that calls.
        """
        if self.account is None:
            raise WorkloadNotAllowed if self.type is ActorType.WORKLOAD else ApiKeyNotAllowed
        return self.account

    @property
    def here(self) -> OrganizationRecord:
        """The organization of the route, in a view behind an organization's guard."""
        if self.organization is None:
            raise LookupError("this view is not behind a guard of an organization")
        return self.organization

    @property
    def role(self) -> Role | None:
        """The caller's role in the organization of the route."""
        return self.organization.role if self.organization else None

    @property
    def permissions(self) -> list[str]:
        """The names of the permissions that the caller holds in the organization of the route, sorted."""
        return held_permissions(self.role, self.grants)

    def has_permission(self, name: str) -> bool:
        """Whether the caller holds a permission in the organization of the route, by role or by grant."""
        return holds_permission(name, self.role, self.grants)


current_actor = cast("Actor", LocalProxy(lambda: g.actor))
"""The caller, in any view behind a guard other than `public`."""


def known_actor() -> Actor | None:
    """The caller, None where no guard has looked one up."""
    return cast("Actor | None", g.get("actor"))


def signing_in(user_id: UUID) -> Actor:
    """The actor of a request that signs an account in: no guard has looked it up."""
    return Actor(id=user_id, type=ActorType.USER)
