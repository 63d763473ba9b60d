"""Who acts, and as what. A guard finds it out; everything else asks here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, cast
from uuid import UUID

from flask import g, has_app_context
from werkzeug.local import LocalProxy

from authapp.core.errors import ApiKeyNotAllowed


class Role(StrEnum):
    """What a member may do in an organization, highest first."""

    ADMIN = "admin"
    DEVELOPER = "developer"
    VIEWER = "viewer"

    def includes(self, other: Role) -> bool:
        """Whether this role may do all that the other may."""
        return _RANKS[self] <= _RANKS[other]


_RANKS = {role: rank for rank, role in enumerate(Role)}


class ActorType(StrEnum):
    """What kind of thing acts."""

    USER = "user"
    API_KEY = "api_key"


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
    """An organization as it stands in the database, and the role in it of the user or key that asked."""

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
    """The caller of this request, as the database knew it when the guard asked: a person, or an API key.

    Attributes:
        id: of the account, or of the API key.
        type: which of the two it is.
        account: the account, None for an API key. `user` is the same and refuses API keys.
        session_id: the session whose access token was sent, None for an API key.
        auth_time: when the password was last given in this session, None for an API key.
        organization: the organization of the route, None on other routes.
        memberships: what `GET /auth/me` shows, None on other routes.
    """

    id: UUID
    type: ActorType
    account: UserRecord | None = None
    session_id: UUID | None = None
    auth_time: datetime | None = None
    organization: OrganizationRecord | None = None
    memberships: list[dict[str, Any]] | None = None

    @property
    def user(self) -> UserRecord:
        """The account of the person who calls.

        Raises:
            ApiKeyNotAllowed: it is an API key that calls.
        """
        if self.account is None:
            raise ApiKeyNotAllowed
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


current_actor = cast("Actor", LocalProxy(lambda: g.actor))
"""The caller, in any view behind a guard other than `public`."""


def known_actor() -> Actor | None:
    """The caller, None where no guard has asked for one: in a public view, in a command."""
    return g.get("actor") if has_app_context() else None
