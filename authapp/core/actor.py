"""Who acts, and as what. A guard finds it out; everything else asks here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, cast
from uuid import UUID

from flask import g
from werkzeug.local import LocalProxy


class Role(StrEnum):
    """What a member may do in an organization, highest first."""

    ADMIN = "admin"
    DEVELOPER = "developer"
    VIEWER = "viewer"

    def includes(self, other: Role) -> bool:
        """Whether this role may do all that the other may."""
        ranking = list(Role)
        return ranking.index(self) <= ranking.index(other)


class UserRecord(NamedTuple):
    """An account as it stands in the database: what a guard or a reply may know of it, so never the hash."""

    id: UUID
    email: str
    email_verified: bool
    first_name: str | None
    last_name: str | None
    is_active: bool
    mfa_enabled: bool
    last_login_at: datetime | None
    created_at: datetime
    updated_at: datetime


class OrganizationRecord(NamedTuple):
    """An organization as it stands in the database, and the role in it of the user who asked."""

    id: UUID
    name: str
    slug: str
    plan: str
    subscription_status: str
    seats: int | None
    trial_ends_at: datetime | None
    created_at: datetime
    updated_at: datetime
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """The caller of this request, as the database knew it when the guard asked.

    Attributes:
        user: the account.
        session_id: the session whose access token was sent.
        auth_time: when the password was last given in this session.
        organization: the organization of the route, None on other routes.
        memberships: what `GET /auth/me` shows, None on other routes.
    """

    user: UserRecord
    session_id: UUID
    auth_time: datetime
    organization: OrganizationRecord | None = None
    memberships: list[dict[str, Any]] | None = None

    @property
    def role(self) -> Role | None:
        """The caller's role in the organization of the route."""
        return self.organization.role if self.organization else None


current_actor = cast("Actor", LocalProxy(lambda: g.actor))
"""The caller, in any view behind a guard other than `public`."""
