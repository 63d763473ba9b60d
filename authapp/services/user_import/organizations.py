"""The organizations of a batch. An organization must have an active admin, so each waits for its first one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select, exists, func, not_, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from uuid_utils.compat import uuid7

from authapp.core.enums import AuditAction
from authapp.db import transaction
from authapp.models import AuditEvent, Organization
from authapp.models.columns import as_table, is_one_of
from authapp.services import audit
from authapp.services.user_import.lines import OrganizationLine
from authapp.services.user_import.outcome import Outcome

_COLUMNS = ("id", "slug", "name", "seats", "created_at")
FOREIGN = (
    "There is an organization {slug} already, and no import has created it with this slug: anybody may have registered "
    "it. If these are its members, import with --into {slug}. If not, choose another slug."
)


class Known(NamedTuple):
    """An organization that is in the database.

    `is_foreign`: no import has created it with its slug, and the operator has not named it. Anybody may register a slug
    before the import, and the admins of an imported organization may change theirs to it.
    """

    id: UUID
    slug: str
    seats: int | None
    is_foreign: bool


def await_admins(lines: Sequence[OrganizationLine], into: Collection[str], outcome: Outcome) -> None:
    """Let the organizations wait that are missing.

    Args:
        lines: the organizations.
        into: the slugs of organizations that need not be imported ones.
        outcome: is added to.
    """
    present = _select([line.columns["slug"] for line in lines], into)
    is_foreign = {row.slug: row.is_foreign for row in transaction.execute(present)} if lines else {}
    for line in lines:
        slug = line.columns["slug"]
        if is_foreign.get(slug):
            outcome.refused.append((line.line, f"organization.slug: {FOREIGN.format(slug=slug)}"))
        elif slug in is_foreign or slug in outcome.waiting:
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
        .returning(Organization.id, Organization.name, Organization.slug)
    ).all()
    outcome.counts["organizations_created"] += len(created)
    outcome.counts["organizations_present"] += len(rows) - len(created)
    audit.record_all(
        AuditAction.ORGANIZATION_CREATED,
        [
            {"target_id": row.id, "organization_id": row.id, "details": {"name": row.name, "slug": row.slug}}
            for row in created
        ],
    )


def lock(slugs: Iterable[str], into: Collection[str]) -> dict[str, Known]:
    """The organizations with these slugs, whose members and seats stay as they are until the transaction ends."""
    found = _select(slugs, into).order_by(Organization.id).with_for_update(key_share=True)
    return {row.slug: Known._make(row) for row in transaction.execute(found)}


def _select(slugs: Iterable[str], into: Collection[str]) -> Select[tuple[Any, ...]]:
    """The columns of a `Known`."""
    was_imported = exists().where(
        AuditEvent.organization_id == Organization.id,
        AuditEvent.action == AuditAction.ORGANIZATION_CREATED,
        AuditEvent.actor_id.is_(None),
        AuditEvent.details["slug"].astext == Organization.slug,
    )
    is_foreign = not_(or_(is_one_of(Organization.slug, into), was_imported)).label("is_foreign")
    return select(Organization.id, Organization.slug, Organization.seats, is_foreign).where(
        is_one_of(Organization.slug, set(slugs)), Organization.deleted_at.is_(None)
    )
