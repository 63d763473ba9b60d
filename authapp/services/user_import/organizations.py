"""The organizations of a batch. An organization must have an active admin, so each waits for its first one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from uuid_utils.compat import uuid7

from authapp.core.enums import AuditAction
from authapp.db import transaction
from authapp.models import Organization
from authapp.models.columns import as_table, is_one_of
from authapp.services import audit
from authapp.services.user_import.lines import OrganizationLine
from authapp.services.user_import.outcome import Outcome

_COLUMNS = ("id", "slug", "name", "seats", "created_at")


class Known(NamedTuple):
    """An organization that is in the database, and locked."""

    id: UUID
    slug: str
    seats: int | None


def await_admins(lines: Sequence[OrganizationLine], outcome: Outcome) -> None:
    """Let the organizations wait that are missing."""
    slugs = [line.columns["slug"] for line in lines]
    present = select(Organization.slug).where(is_one_of(Organization.slug, slugs), Organization.deleted_at.is_(None))
    taken = set(transaction.execute(present).scalars()) if slugs else set()
    for line in lines:
        if (slug := line.columns["slug"]) in taken or slug in outcome.waiting:
            outcome.counts["organizations_present"] += 1
        else:
            outcome.waiting[slug] = line


def create(slugs: Iterable[str], outcome: Outcome) -> None:
    """Create those of the waiting organizations whose first admin follows in this transaction."""
    rows = [{"id": uuid7(), **outcome.waiting.pop(slug).columns} for slug in slugs]
    if not rows:
        return
    given = as_table(Organization, _COLUMNS, rows)
    values = [func.coalesce(each, func.now()) if each.name == "created_at" else each for each in given.c]
    created = transaction.execute(
        insert(Organization)
        .from_select(_COLUMNS, select(*values).order_by(given.c.slug))
        .on_conflict_do_nothing(index_elements=["slug"], index_where=text("deleted_at IS NULL"))
        .returning(Organization.id, Organization.name)
    ).all()
    outcome.counts["organizations_created"] += len(created)
    outcome.counts["organizations_present"] += len(rows) - len(created)
    audit.record_all(
        AuditAction.ORGANIZATION_CREATED,
        [{"target_id": row.id, "organization_id": row.id, "details": {"name": row.name}} for row in created],
    )


def lock(slugs: Iterable[str]) -> dict[str, Known]:
    """The organizations with these slugs, whose members and seats stay as they are until the transaction ends."""
    rows = transaction.execute(
        select(Organization.id, Organization.slug, Organization.seats)
        .where(is_one_of(Organization.slug, set(slugs)), Organization.deleted_at.is_(None))
        .order_by(Organization.id)
        .with_for_update(key_share=True)
    )
    return {row.slug: Known._make(row) for row in rows}
