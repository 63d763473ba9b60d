"""API keys: create, rename, rotate, revoke. A key belongs to its organization and acts in it with its own role."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, case, func, insert, literal, null, select, text, update
from uuid_utils.compat import uuid7

from authapp.core import clock
from authapp.core.actor import Actor
from authapp.core.enums import AuditAction
from authapp.core.errors import InvalidToken, LimitReached, NotFound, ValidationFailed
from authapp.core.roles import Role
from authapp.db import transaction
from authapp.db.pagination import Page, fetch
from authapp.db.tenancy import set_account
from authapp.models import ApiKey
from authapp.services import audit, key_uses, locks
from authapp.web.application import current_app

PREFIX = "ak"
MOST_LIVE = 100  # of an organization

# One round trip, its own transaction, and no waiting: whoever finds the row locked leaves it to the other.
_RECORD_USE = text(
    "SELECT set_config('authapp.organization_id', :organization_id, true); "
    "UPDATE api_keys SET last_used_at = :now WHERE id = (SELECT id FROM api_keys WHERE id = :id "
    "AND (last_used_at IS NULL OR last_used_at <= :stale) FOR UPDATE SKIP LOCKED)"
)


class InvalidApiKey(InvalidToken):
    code = "invalid_api_key"
    detail = "This API key is not valid: mistyped, expired, replaced or revoked. Ask an admin for another."


class ApiKeyNotFound(NotFound):
    code = "api_key_not_found"
    detail = "This organization has no live API key with this id."


def of_organization(organization_id: UUID, limit: int, cursor: UUID | None) -> Page:
    """The keys of an organization that are not revoked, newest first."""
    statement = select(*_shown()).where(ApiKey.organization_id == organization_id, ApiKey.revoked_at.is_(None))
    return fetch(statement, ApiKey.id, limit, cursor, newest_first=True)


def names_created_by(user_id: UUID, most: int) -> list[str]:
    """The names of the first live keys that an account has created, and no more of them. Unsets the tenant."""
    set_account(user_id)
    mine = select(ApiKey.name).where(ApiKey.created_by == user_id, ApiKey.live_at(clock.now()))
    return list(transaction.execute(mine.order_by(ApiKey.id).limit(most)).scalars())


def create(
    actor: Actor,
    organization_id: UUID,
    name: str,
    role: Role,
    expires_at: datetime | None,
    permissions: Sequence[str] = (),
) -> dict[str, Any]:
    """Create a key, and grant it permissions beside those of its role. Only what this returns ever has the whole of it.

    Raises:
        ValidationFailed: `expires_at` has passed.
        LimitReached: the organization has as many live keys as it may.
    """
    if expires_at is not None and expires_at <= clock.now():
        raise ValidationFailed(errors={"json": {"expires_at": ["Give a moment in the future."]}})
    locks.lock_as_admin(
        actor, organization_id
    )  # and count only then: of simultaneous requests each counts those before it
    live = select(func.count()).where(ApiKey.organization_id == organization_id, ApiKey.live_at(clock.now()))
    if transaction.scalar(live) >= MOST_LIVE:
        raise LimitReached(detail=f"This organization has {MOST_LIVE} live API keys, the most it may. Revoke one.")
    key_id = uuid7()
    key, secret_hash = current_app.opaque_tokens.make(PREFIX, key_id)
    row = transaction.execute(
        insert(ApiKey)
        .values(
            id=key_id,
            organization_id=organization_id,
            name=name,
            role=role,
            permissions=sorted(permissions),
            secret_hash=secret_hash,
            created_by=actor.id,
            expires_at=expires_at,
        )
        .returning(*_shown())
    ).one()
    granted = {"permissions": row.permissions} if permissions else {}
    _record(AuditAction.API_KEY_CREATED, actor, organization_id, key_id, name=name, role=role, **granted)
    return {**row._mapping, "key": key}


def rename(actor: Actor, organization_id: UUID, api_key_id: UUID, name: str) -> Row[*tuple[Any, ...]]:
    """Give a key another name. The same name again is not a change.

    Raises:
        ApiKeyNotFound: there is none, or it is revoked.
    """
    locks.lock_as_admin(actor, organization_id)
    listed = _is_listed(organization_id, api_key_id)
    before = transaction.scalar(select(ApiKey.name).where(listed))
    if before is None:
        raise ApiKeyNotFound
    row = transaction.execute(update(ApiKey).where(listed).values(name=name).returning(*_shown())).one()
    if name != before:
        _record(AuditAction.API_KEY_RENAMED, actor, organization_id, api_key_id, name=name, before=before)
    return row


def rotate(actor: Actor, organization_id: UUID, api_key_id: UUID, overlap: timedelta) -> dict[str, Any]:
    """Give a key a new secret. The one before stays valid for the overlap; any older one is dead.

    Raises:
        ApiKeyNotFound: there is none that is live.
    """
    locks.lock_as_admin(actor, organization_id)
    now = clock.now()
    key, secret_hash = current_app.opaque_tokens.make(PREFIX, api_key_id)
    row = transaction.execute(
        update(ApiKey)
        .where(_is_live(organization_id, api_key_id))
        .values(
            previous_secret_hash=ApiKey.secret_hash if overlap else null(),
            previous_expires_at=func.least(now + overlap, ApiKey.expires_at) if overlap else null(),
            secret_hash=secret_hash,
        )
        .returning(*_shown())
    ).one_or_none()
    if row is None:
        raise ApiKeyNotFound
    seconds = int(overlap.total_seconds())
    _record(AuditAction.API_KEY_ROTATED, actor, organization_id, api_key_id, name=row.name, overlap_seconds=seconds)
    return {**row._mapping, "key": key}


def revoke(actor: Actor, organization_id: UUID, api_key_id: UUID) -> None:
    """End a key and every secret of it.

    Raises:
        ApiKeyNotFound: there is none, or it is revoked already.
    """
    locks.lock_as_admin(actor, organization_id)
    name = transaction.scalar(
        update(ApiKey)
        .where(_is_listed(organization_id, api_key_id))
        .values(revoked_at=clock.now())
        .returning(ApiKey.name)
    )
    if name is None:
        raise ApiKeyNotFound
    _record(AuditAction.API_KEY_REVOKED, actor, organization_id, api_key_id, name=name)


def record_use(api_key_id: UUID, organization_id: UUID, last_used_at: datetime | None, now: datetime) -> None:
    """Record that a key was used, once a minute at most, after the request's transaction."""
    key_uses.record(_RECORD_USE, last_used_at, now, id=api_key_id, organization_id=str(organization_id))


def _record(action: AuditAction, actor: Actor, organization_id: UUID, api_key_id: UUID, **details: Any) -> None:
    audit.record(action, actor, target_id=api_key_id, organization_id=organization_id, **details)


def _is_listed(organization_id: UUID, api_key_id: UUID) -> Any:
    return and_(ApiKey.organization_id == organization_id, ApiKey.id == api_key_id, ApiKey.revoked_at.is_(None))


def _is_live(organization_id: UUID, api_key_id: UUID) -> Any:
    return and_(ApiKey.organization_id == organization_id, ApiKey.id == api_key_id, ApiKey.live_at(clock.now()))


def _shown() -> tuple[Any, ...]:
    """The columns of a key, without its secret."""
    overlapping = case((ApiKey.previous_expires_at > literal(clock.now()), ApiKey.previous_expires_at))
    columns = (ApiKey.id, ApiKey.name, ApiKey.role, ApiKey.permissions, ApiKey.created_by, ApiKey.created_at)
    return (*columns, ApiKey.expires_at, ApiKey.last_used_at, overlapping.label("previous_secret_expires_at"))
