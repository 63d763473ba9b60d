"""Service keys: with which other services ask. The operator creates, rotates and revokes them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row, bindparam, case, null, select, text, update
from sqlalchemy.dialects.postgresql import insert
from uuid_utils.compat import uuid7

from authapp.core import clock
from authapp.core.enums import AuditAction, ServiceRight
from authapp.core.errors import Forbidden, Unauthorized
from authapp.db import transaction
from authapp.models import ServiceKey
from authapp.security.opaque_tokens import Presented
from authapp.services import audit, key_uses
from authapp.web.application import current_app

PREFIX = "sk"
_BASIC = 'Basic realm="authapp", charset="UTF-8"'  # RFC 7617 section 2

_FIND = transaction.compiled(
    select(ServiceKey.id, ServiceKey.rights, ServiceKey.last_used_at).where(
        ServiceKey.id == bindparam("id"), ServiceKey.presented(bindparam("digest"), bindparam("now"))
    )
)
_RECORD_USE = text(
    "UPDATE service_keys SET last_used_at = :now WHERE id = (SELECT id FROM service_keys WHERE id = :id "
    "AND (last_used_at IS NULL OR last_used_at <= :stale) FOR UPDATE SKIP LOCKED)"
)


class MissingServiceKey(Unauthorized):
    code = "missing_service_key"
    detail = "Send a service key in the header: Authorization: Bearer <key>, or as the password of Basic."
    challenge = f'Bearer realm="authapp", {_BASIC}'


class InvalidServiceKey(Unauthorized):
    code = "invalid_service_key"
    detail = "This is no valid service key: mistyped, replaced, revoked or another kind of token. Ask an operator."
    challenge = f'Bearer error="invalid_token", {_BASIC}'


class RightMissing(Forbidden):
    code = "right_missing"
    detail = "This service key does not have the right that the route needs. Ask an operator for one that has it."


class FoundServiceKey(NamedTuple):
    """A live service key."""

    id: UUID
    rights: list[str]
    last_used_at: datetime | None


def read(credential: str) -> Presented | None:
    """What a credential presents, None where it cannot be a service key."""
    return current_app.opaque_tokens.read(credential, PREFIX)


def require(credential: str, right: ServiceRight) -> FoundServiceKey:
    """The live service key that a credential is, if it has this right. Records that it is used.

    Raises:
        InvalidServiceKey: it is none.
        RightMissing: it lacks the right.
    """
    presented = read(credential)
    if presented is None:
        raise InvalidServiceKey("not a service key")
    now = clock.now()
    row = transaction.fetch_one(_FIND, {**presented._asdict(), "now": now})
    if row is None:
        raise InvalidServiceKey
    found = FoundServiceKey._make(row)
    key_uses.record(_RECORD_USE, found.last_used_at, now, id=found.id)
    if right not in found.rights:
        raise RightMissing(f"{right} is not among {', '.join(found.rights)}")
    return found


def create(name: str, rights: Iterable[ServiceRight]) -> dict[str, Any] | None:
    """Create a key. Only what this returns ever has the whole of it. None where a live key has the name."""
    key_id = uuid7()
    key, secret_hash = current_app.opaque_tokens.make(PREFIX, key_id)
    values = {"id": key_id, "name": name, "rights": sorted(set(rights)), "secret_hash": secret_hash}
    unless_taken = insert(ServiceKey).on_conflict_do_nothing(
        index_elements=["name"], index_where=ServiceKey.revoked_at.is_(None)
    )
    row = transaction.execute(unless_taken.values(values).returning(*_shown())).one_or_none()
    if row is None:
        return None
    _record(AuditAction.SERVICE_KEY_CREATED, row, rights=row.rights)
    return {**row._mapping, "key": key}


def live() -> list[dict[str, Any]]:
    """The keys that are not revoked, by name."""
    statement = select(*_shown()).where(ServiceKey.revoked_at.is_(None)).order_by(ServiceKey.name)
    return [dict(row._mapping) for row in transaction.execute(statement)]


def rotate(name: str, overlap: timedelta) -> dict[str, Any] | None:
    """Give a live key a new secret. The one before stays valid for the overlap; any older one is dead.

    Returns:
        None: no live key has the name.
    """
    key_id = transaction.scalar(_live(select(ServiceKey.id), name).with_for_update())
    if key_id is None:
        return None
    key, secret_hash = current_app.opaque_tokens.make(PREFIX, key_id)
    row = transaction.execute(
        update(ServiceKey)
        .where(ServiceKey.id == key_id)
        .values(
            previous_secret_hash=ServiceKey.secret_hash if overlap else null(),
            previous_expires_at=clock.now() + overlap if overlap else null(),
            secret_hash=secret_hash,
        )
        .returning(*_shown())
    ).one()
    _record(AuditAction.SERVICE_KEY_ROTATED, row, overlap_seconds=int(overlap.total_seconds()))
    return {**row._mapping, "key": key}


def revoke(name: str) -> bool:
    """End a live key and every secret of it. Returns whether one has the name."""
    row = transaction.execute(
        _live(update(ServiceKey), name).values(revoked_at=clock.now()).returning(*_shown())
    ).one_or_none()
    if row is None:
        return False
    _record(AuditAction.SERVICE_KEY_REVOKED, row)
    return True


def _live(statement: Any, name: str) -> Any:
    return statement.where(ServiceKey.name == name, ServiceKey.revoked_at.is_(None))


def _record(action: AuditAction, key: Row[*tuple[Any, ...]], **details: Any) -> None:
    audit.record(action, None, target_id=key.id, name=key.name, **details)


def _shown() -> tuple[Any, ...]:
    """The columns of a key, without its secret."""
    overlapping = case((ServiceKey.previous_expires_at > clock.now(), ServiceKey.previous_expires_at))
    columns = (ServiceKey.id, ServiceKey.name, ServiceKey.rights, ServiceKey.created_at, ServiceKey.last_used_at)
    return (*columns, overlapping.label("previous_secret_expires_at"))
