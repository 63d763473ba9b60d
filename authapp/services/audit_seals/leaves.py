"""Reads whole trees, leaf by leaf, with bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text, union

from authapp.db import transaction
from authapp.models import AuditEvent, AuditLeaf, AuditTree, Organization
from authapp.models.audit_seals import OUTSIDE
from authapp.security import audit_leaves

CHUNK = 2_000  # leaves that are read at once


def begin_snapshot() -> None:
    """Begin a transaction that sees the database as it is now, however long it takes."""
    transaction.rollback()
    transaction.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))


def tree_ids(organization_id: UUID | None) -> list[UUID]:
    """The tree of an organization, or all that there are or could be."""
    if organization_id:
        return [organization_id]
    found = transaction.execute(union(select(AuditTree.id), select(Organization.id))).scalars()
    return sorted({OUTSIDE, *found})


def count(organization_id: UUID | None) -> int:
    """How many leaves these trees have."""
    sizes = select(func.coalesce(func.sum(AuditTree.size), 0))
    return int(transaction.scalar(sizes.where(AuditTree.id == organization_id) if organization_id else sizes))


def of_tree(tree_id: UUID) -> Iterator[Any]:
    """The leaves of a tree, each with its event, whose columns are None where it is gone."""
    statement = (
        select(AuditLeaf.__table__, AuditEvent.__table__)
        .outerjoin(AuditEvent, AuditEvent.id == AuditLeaf.event_id)
        .where(AuditLeaf.tree_id == tree_id)
        .order_by(AuditLeaf.position)
        .limit(CHUNK)
    )
    rows = transaction.execute(statement).all()
    while rows:
        yield from rows
        rows = transaction.execute(statement.where(AuditLeaf.position > rows[-1].position)).all()


def as_exported(leaf: Any) -> dict[str, Any]:
    """A leaf and its event as JSON has them. An event that is gone, or erased, has none of what is missing."""
    event = leaf._asdict() if leaf.id else None
    return {
        "tree": leaf.tree_id,
        "position": leaf.position,
        "event_id": leaf.event_id,
        "fields": event and audit_leaves.fields_of(event),
        "personal": event and leaf.salt and audit_leaves.personal_of(event),
        "salt": leaf.salt and leaf.salt.hex(),
        "personal_hash": leaf.personal_hash.hex(),
        "leaf_hash": leaf.leaf_hash.hex(),
    }
