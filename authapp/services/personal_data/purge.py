"""Purges organizations that are deleted, and undoes a deletion before. The caller sees all organizations."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, TextClause, select, text, update
from sqlalchemy.exc import IntegrityError
from uuid_utils.compat import uuid7

from authapp.core import clock
from authapp.core.enums import AuditAction
from authapp.db import tenancy, transaction
from authapp.db.errors import api_error_of
from authapp.models import AuditEvent, Membership, Organization, User
from authapp.services import audit, audit_seals, organizations
from authapp.services.personal_data.inventory import Fate
from authapp.services.personal_data.receipts import Receipt
from authapp.services.personal_data.scan import search
from authapp.services.personal_data.tables import BY_NAME

_LISTED = (Organization.id, Organization.name, Organization.slug, Organization.deleted_at, Organization.purged_at)
_OF_INVITATIONS = "IN (SELECT id FROM invitations WHERE organization_id = :id)"
_DELETED_FIRST = {
    "one_time_tokens": f"DELETE FROM one_time_tokens WHERE owner_id {_OF_INVITATIONS}",  # noqa: S608
    "outbox": f"DELETE FROM outbox WHERE subject_id {_OF_INVITATIONS} OR subject_id = :id",  # noqa: S608
}
# Tables of somebody's own have the column too.
_TENANT_TABLES = text("""
SELECT relname AS name, format('%I.%I', nspname, relname) AS source
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace JOIN pg_attribute ON attrelid = pg_class.oid
WHERE relkind IN ('r', 'p') AND NOT relispartition AND NOT starts_with(nspname, 'pg_')
    AND attname = 'organization_id' AND NOT attisdropped ORDER BY source
""")


class NotDeleted(Exception):
    """Only an organization that was deleted longer ago than the grace is purged. `until`: the end of the grace."""

    def __init__(self, until: datetime | None) -> None:
        super().__init__(until)
        self.until = until


class NoAdmin(Exception):
    """No member is an active admin."""


def undelete(organization_id: UUID, slug: str | None = None) -> bool:
    """Undo the deletion of an organization that is not purged. Its members come back as they were.

    Args:
        organization_id: of the organization.
        slug: another one than it had.

    Returns:
        whether there was such a deletion.

    Raises:
        SlugTaken: another organization has the slug by now.
        NoAdmin: its admins have deleted their accounts, or are deactivated.
    """
    found = _lock(organization_id)
    if found is None or found.deleted_at is None:
        return False
    # an admin's account that is locked cannot be deleted or deactivated meanwhile
    admins = Membership.active_admins(organization_id).with_only_columns(User.id)
    locked = admins.limit(1).with_for_update(read=True, of=User)
    if transaction.scalar(locked) is None:
        raise NoAdmin
    new_slug = slug or found.slug
    live = update(Organization).where(Organization.id == organization_id).values(deleted_at=None, slug=new_slug)
    try:
        transaction.execute(live)
    except IntegrityError as error:
        raise api_error_of(error) or error from error
    audit.record(
        AuditAction.ORGANIZATION_UNDELETED, None, target_id=organization_id, organization_id=organization_id,
        slug=new_slug,
    )  # fmt: skip
    return True


def purge(
    organization_id: UUID, *, force: bool = False, advance: Callable[[int], object] = lambda _: None
) -> Receipt | None:
    """Delete all that an organization has. Its row, the ids in its audit log and the tree of that stay.

    Args:
        organization_id: of the organization.
        force: also within the grace.
        advance: is called with 1 for each table that is searched.

    Returns:
        the receipt, None where there is nothing to purge.

    Raises:
        NotDeleted: it is not deleted, or within the grace.
    """
    found = _lock(organization_id)
    if found is None:
        return None
    require_deleted(found, force=force)
    return _purge(found, advance)


def require_deleted(found: Row[Any], *, force: bool) -> None:
    """Pass if an organization may be purged. Before the row is locked, that may change.

    Raises:
        NotDeleted: as `purge`.
    """
    until = found.deleted_at and found.deleted_at + organizations.GRACE
    if until is None or (until > clock.now() and not force):
        raise NotDeleted(until)


def purge_due() -> bool:
    """Purge an organization that was deleted longer ago than the grace. Returns whether there was one."""
    is_due = Organization.deleted_at < clock.now() - organizations.GRACE
    due = select(*_LISTED).where(is_due, Organization.purged_at.is_(None)).order_by(Organization.deleted_at).limit(1)
    found = transaction.execute(due.with_for_update(skip_locked=True)).first()
    if found:
        _purge(found, lambda _: None)
    return found is not None


def _lock(organization_id: UUID) -> Row[Any] | None:
    one = select(*_LISTED).where(Organization.id == organization_id, Organization.purged_at.is_(None))
    return transaction.execute(one.with_for_update()).one_or_none()


def _purge(found: Row[Any], advance: Callable[[int], object]) -> Receipt:
    tenancy.set_tenant(found.id)  # tables of somebody's own have no policy for operators
    erased = {name: _rows(text(statement), found.id) for name, statement in _DELETED_FIRST.items()}
    erased |= _delete_tenant_rows(found.id)
    erasure_id = uuid7()
    erased |= audit_seals.erase_personal(AuditEvent.organization_id == found.id, erasure_id)
    values = {**BY_NAME["organizations"].purged, "slug": f"purged-{found.id.hex}", "purged_at": clock.now()}
    transaction.execute(update(Organization).where(Organization.id == found.id).values(values))
    left = search([str(found.id)], with_ids=True, in_tenant=True, advance=advance)
    names = search([found.name, found.slug], in_tenant=True, advance=advance)
    remaining = {column: count for column, count in left.columns.items() if not _is_kept(column)}
    counts = {name: count for name, count in erased.items() if count}
    receipt = Receipt(erasure_id, {**counts, "organizations": 1}, remaining, names.columns, left.hidden)
    audit.record(
        AuditAction.ORGANIZATION_PURGED, None, target_id=found.id, organization_id=found.id, **receipt.details()
    )
    return receipt


def _delete_tenant_rows(organization_id: UUID) -> dict[str, int]:
    """Delete the rows of every tenant table but the audit log, in one statement.

    So foreign keys between them are checked when all are gone, whatever their order.
    """
    tables = [table for table in transaction.execute(_TENANT_TABLES) if table.name != AuditEvent.__tablename__]
    deleted = ", ".join(
        f"t{number} AS (DELETE FROM {table.source} WHERE organization_id = :id RETURNING 1)"  # noqa: S608
        for number, table in enumerate(tables)
    )
    counts = ", ".join(f"(SELECT count(*) FROM t{number})" for number, _ in enumerate(tables))  # noqa: S608
    row = transaction.execute(text(f"WITH {deleted} SELECT {counts}"), {"id": organization_id}).one()
    return {table.name: count for table, count in zip(tables, row, strict=True)}


def _rows(statement: TextClause, organization_id: UUID) -> int:
    return int(transaction.execute(statement, {"id": organization_id}).rowcount)


def _is_kept(column: str) -> bool:
    """Whether the inventory says that a column keeps the id, or belongs to somebody else."""
    table, _, name = column.partition(".")
    return table in BY_NAME and BY_NAME[table].fates(name)[1] is Fate.KEPT
