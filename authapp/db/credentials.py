"""The look-ups of credentials. Each sets the tenant context that its credential is good for, in the same statement.

They are functions of the database, see `credentials.sql`: there PostgreSQL keeps their plans, which would cost more
than the reading itself, and psycopg2 has no way to prepare a statement that every pooler lets through.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from authapp.core.actor import OrganizationRecord, UserRecord
from authapp.core.permissions import held_permissions
from authapp.core.roles import Role, role_of_program
from authapp.db import transaction


def _columns(row: str, record: type[UserRecord | OrganizationRecord]) -> str:
    return ", ".join(f"({row}).{name}" for name in record._fields if name != "role")


_ACCOUNT = _columns("account", UserRecord)
_ORGANIZATION = _columns("organization", OrganizationRecord)
_AUTHENTICATED = "authenticated_at, amr"
_FROM_SESSION = "FROM authapp_session(%(session_id)s, %(user_id)s, %(now)s)"

_SESSION = f"SELECT {_ACCOUNT}, {_AUTHENTICATED} {_FROM_SESSION}"
_SESSION_WITH_MEMBERSHIPS = f"SELECT {_ACCOUNT}, {_AUTHENTICATED}, authapp_memberships((account).id) {_FROM_SESSION}"
_SESSION_IN_ORGANIZATION = (
    f"SELECT {_ACCOUNT}, {_AUTHENTICATED}, {_ORGANIZATION}, role "  # noqa: S608
    "FROM authapp_session_in(%(session_id)s, %(user_id)s, %(now)s, %(organization_id)s)"
)
_API_KEY = (
    f"SELECT (key).id, (key).last_used_at, (key).organization_id, (key).permissions, {_ORGANIZATION}, (key).role "  # noqa: S608
    "FROM authapp_api_key(%(api_key_id)s, %(digest)s, %(now)s, %(organization_id)s)"
)
_API_KEY_AT_HOME = _API_KEY.replace("%(organization_id)s", "authapp_organization_of_key(%(api_key_id)s)")
_WORKLOAD = (
    f"SELECT (identity).organization_id, {_ORGANIZATION}, (identity).role "  # noqa: S608
    "FROM authapp_workload(%(identity_id)s, %(organization_id)s, %(or_own)s)"
)
_USER_COLUMNS = len(UserRecord._fields)


class SessionFound(NamedTuple):
    """A live session's account, when and how it has authenticated, and what else was asked for."""

    account: UserRecord
    auth_time: datetime
    amr: tuple[str, ...]
    organization: OrganizationRecord | None = None  # None: no member of it, or it does not exist
    memberships: list[dict[str, Any]] | None = None


class ApiKeyFound(NamedTuple):
    """A live API key."""

    id: UUID
    last_used_at: datetime | None
    organization_id: UUID
    permissions: tuple[str, ...]  # that it was granted beside those of its role
    organization: OrganizationRecord | None  # None: another was asked for, or it is deleted


class WorkloadFound(NamedTuple):
    """A trusted identity."""

    organization_id: UUID
    organization: OrganizationRecord | None  # None: another was asked for, or it is deleted


def find_session(
    session_id: UUID,
    user_id: UUID,
    now: datetime,
    *,
    memberships: bool = False,
    autocommit: bool = False,
) -> SessionFound | None:
    """Find a live session. Makes visible where its account is a member.

    Args:
        session_id: from the access token.
        user_id: from the access token.
        now: the time at which it has to be live.
        memberships: give the account's organizations as well, oldest first, 101 at most.
        autocommit: nothing else is sent in this request, see `transaction.fetch_autocommit`.
    """
    statement = _SESSION_WITH_MEMBERSHIPS if memberships else _SESSION
    row = _fetch(statement, {"session_id": session_id, "user_id": user_id, "now": now}, autocommit)
    return _session(row, memberships=_memberships(row[-1]) if memberships else None) if row else None


def find_session_in(
    organization_id: UUID | None, session_id: UUID, user_id: UUID, now: datetime, *, autocommit: bool = False
) -> SessionFound | None:
    """The same, with one organization and the role in it. Sets that tenant where the account is a member."""
    parameters = {"session_id": session_id, "user_id": user_id, "now": now, "organization_id": organization_id}
    row = _fetch(_SESSION_IN_ORGANIZATION, parameters, autocommit)
    return _session(row, organization=_organization(row[_USER_COLUMNS + 2 :])) if row else None


def find_api_key(
    organization_id: UUID | None,
    api_key_id: UUID,
    digest: bytes,
    now: datetime,
    *,
    or_own: bool = False,
    autocommit: bool = False,
) -> ApiKeyFound | None:
    """Find a live API key by its id and the hash of its token. Sets the tenant where that is the key's own.

    Args:
        organization_id: the one that is asked for.
        api_key_id: from the key.
        digest: the hash of the key.
        now: the time at which it has to be live.
        or_own: without an `organization_id`, the key's own is meant.
        autocommit: nothing else is sent in this request, see `transaction.fetch_autocommit`.
    """
    parameters = {"api_key_id": api_key_id, "digest": digest, "now": now, "organization_id": organization_id}
    row = _fetch(_API_KEY_AT_HOME if or_own and organization_id is None else _API_KEY, parameters, autocommit)
    if row is None:
        return None
    key_id, last_used_at, home_id, permissions, *fields = row
    return ApiKeyFound(key_id, last_used_at, home_id, tuple(permissions), _organization_of_program(fields))


def find_workload(
    organization_id: UUID | None, identity_id: UUID, *, or_own: bool = False, autocommit: bool = False
) -> WorkloadFound | None:
    """Find a trusted identity by its id, from a workload's token. Sets the tenant where that is its own.

    Args:
        organization_id: the one that is asked for.
        identity_id: from the token.
        or_own: without an `organization_id`, its own is meant.
        autocommit: nothing else is sent in this request, see `transaction.fetch_autocommit`.
    """
    parameters = {"identity_id": identity_id, "organization_id": organization_id, "or_own": or_own}
    row = _fetch(_WORKLOAD, parameters, autocommit)
    return WorkloadFound(row[0], _organization_of_program(row[1:])) if row else None


def _fetch(statement: str, parameters: dict[str, Any], autocommit: bool) -> Sequence[Any] | None:
    return (transaction.fetch_autocommit if autocommit else transaction.fetch_one)(statement, parameters)


def _session(row: Sequence[Any], **found: Any) -> SessionFound:
    account = UserRecord._make(row[:_USER_COLUMNS])
    auth_time, amr = row[_USER_COLUMNS : _USER_COLUMNS + 2]
    return SessionFound(account, auth_time, tuple(amr), **found)


def _memberships(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The memberships with their permissions, which the application knows and the database does not."""
    held = {role: held_permissions(Role(role)) for role in {membership["role"] for membership in found}}
    return [{**membership, "permissions": held[membership["role"]]} for membership in found]


def _organization(fields: Sequence[Any]) -> OrganizationRecord | None:
    """The organization that was found, None if there is none: then its columns are NULL."""
    *own, role = fields
    return OrganizationRecord._make((*own, Role(role))) if own[0] else None


def _organization_of_program(fields: Sequence[Any]) -> OrganizationRecord | None:
    """The same for an API key or a workload."""
    found = _organization(fields)
    return found and found._replace(role=role_of_program(found.role))
