"""Shows that an event is in the audit log that a checkpoint was signed for."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import or_, select

from authapp.core.errors import Conflict, NotFound
from authapp.db import transaction
from authapp.models import AuditEvent, AuditLeaf, AuditNode
from authapp.security import audit_leaves, checkpoints, merkle
from authapp.security.merkle import Span, Subtree
from authapp.services.audit_seals.checkpoints import latest, origin_of


class AuditEventNotFound(NotFound):
    code = "audit_event_not_found"
    detail = "There is no such event in this organization."


class AuditEventNotSealed(Conflict):
    code = "audit_event_not_sealed"
    detail = "This event is not sealed yet. It is within a few seconds: try again."


def of_event(organization_id: UUID, event_id: UUID, from_size: int | None = None) -> dict[str, Any]:
    """The leaf of an event, the path to the root of its tree, and the signed checkpoint of that root.

    Args:
        organization_id: to which the event belongs.
        event_id: of the event.
        from_size: of an earlier checkpoint; the consistency path from it is added.

    Raises:
        AuditEventNotFound: in this organization there is none with this id.
        AuditEventNotSealed: its leaf is missing, or no checkpoint has it yet.
    """
    of_leaf = (AuditLeaf.position, AuditLeaf.salt, AuditLeaf.personal_hash, AuditLeaf.leaf_hash)
    joined = select(AuditEvent.__table__, *of_leaf).outerjoin(AuditLeaf, AuditLeaf.event_id == AuditEvent.id)
    here = (AuditEvent.id == event_id, AuditEvent.organization_id == organization_id)
    found = transaction.execute(joined.where(*here)).one_or_none()
    if found is None:
        raise AuditEventNotFound
    event = found._asdict()
    checkpoint = transaction.execute(latest([organization_id])).one_or_none()
    if event["position"] is None or checkpoint is None or event["position"] >= checkpoint.size:
        raise AuditEventNotSealed
    size, position = checkpoint.size, event["position"]
    before = from_size if from_size and from_size <= size else None
    needed = {*merkle.needed_for(position, size), *(merkle.needed_for(before - 1, size) if before else ())}
    stored = _stored(organization_id, needed)
    return {
        "fields": audit_leaves.fields_of(event),
        "personal": audit_leaves.personal_of(event) if event["salt"] else None,
        "salt": event["salt"] and event["salt"].hex(),
        **{name: event[name].hex() for name in ("personal_hash", "leaf_hash")},
        "position": position,
        "size": size,
        "inclusion_path": [node.hex() for node in merkle.inclusion_path(position, size, stored)],
        "consistency_path": before and [node.hex() for node in merkle.consistency_path(before, size, stored)],
        "checkpoint": checkpoint.note,
        "verifier_key": checkpoints.verifier_key(origin_of(organization_id), checkpoint.public_key),
    }


def _stored(tree_id: UUID, spans: set[Span]) -> Subtree:
    """Read these nodes of a tree, and give what makes the others of them."""
    leaves = _in(AuditLeaf, tree_id, [span for span in spans if span.level == 0])
    found = {(0, leaf.position): leaf.leaf_hash for leaf in transaction.execute(leaves)}
    if above := [span for span in spans if span.level > 0]:
        nodes = transaction.execute(_in(AuditNode, tree_id, above))
        found |= {(node.level, node.position): node.hash for node in nodes}
    return merkle.subtrees_of(found)


def _in(model: type[AuditLeaf | AuditNode], tree_id: UUID, spans: list[Span]) -> Any:
    columns = model.__table__.c
    within = (
        (columns.position >= span.first) & (columns.position < span.end) & (columns.level == span.level)
        if span.level
        else (columns.position >= span.first) & (columns.position < span.end)
        for span in sorted(spans)
    )
    return select(model.__table__).where(columns.tree_id == tree_id, or_(*within))
