"""Erases what events say of a person. Their leaves, and so the roots and checkpoints of the trees, stay as they are."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ColumnElement, select, update

from authapp.db import transaction
from authapp.models import AuditEvent, AuditLeaf, UnsealedEvent
from authapp.security.audit_leaves import ERASED


def erase_personal(which: ColumnElement[bool], erasure_id: UUID) -> dict[str, int]:
    """Erase address, user agent and details of events, and forget their salts, so that nobody can guess them either.

    The caller sees all organizations, and ends the transaction. An event that is not sealed yet is sealed without them.

    Args:
        which: a condition on the columns of `AuditEvent`, such as `AuditEvent.user_id == user_id`.
        erasure_id: that the receipt has in its details, with what is returned: who forgets a salt without is found.

    Returns:
        how many rows were erased, by table.
    """
    ids = select(AuditEvent.id).where(which)
    # waits for whoever is sealing one of them with what is erased here, and keeps others from it
    transaction.execute(
        select(UnsealedEvent.event_id)
        .where(UnsealedEvent.event_id.in_(ids))
        .order_by(UnsealedEvent.event_id)
        .with_for_update()
    )
    erased = transaction.execute(update(AuditEvent).where(which).values(ERASED))
    of_them = AuditLeaf.event_id.in_(ids) & AuditLeaf.salt.is_not(None)
    leaves = transaction.execute(update(AuditLeaf).where(of_them).values(salt=None, erased_by=erasure_id))
    return {"audit_events": int(erased.rowcount), "audit_leaves": int(leaves.rowcount)}
