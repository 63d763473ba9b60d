"""Appends events to their trees, after they were recorded, so that no request waits for it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import delete, extract, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from authapp.db import transaction
from authapp.models import AuditEvent, AuditLeaf, AuditNode, AuditTree, UnsealedEvent
from authapp.models.columns import is_one_of
from authapp.security import audit_leaves
from authapp.security.merkle import Frontier
from authapp.services.webhooks import deliveries

BATCH = 5_000
_ONE_AT_A_TIME = select(func.pg_advisory_xact_lock(func.hashtextextended("authapp audit seals", 0)))


def seal_batch() -> int:
    """Seal events that wait, `BATCH` of them at most. The caller sees all organizations. Returns how many they were.

    One process at a time does so, so that a tree has its events by age, but for those that were committed late or are
    being erased. Their rows are skipped until then. Each event is sent to the webhooks of its organization from here,
    so that it neither is forgotten nor costs the request that records it anything.
    """
    transaction.execute(_ONE_AT_A_TIME)
    waiting = (
        select(UnsealedEvent.event_id, UnsealedEvent.tree_id)
        .order_by(UnsealedEvent.event_id)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    tree_of = {row.event_id: row.tree_id for row in transaction.execute(waiting)}
    if not tree_of:
        return 0
    trees = _lock_trees(sorted(set(tree_of.values())))
    already = set(transaction.execute(_leaves_of(tree_of)).scalars())  # an event that was deleted and came again
    new = {event_id: tree_id for event_id, tree_id in tree_of.items() if event_id not in already}
    _append(trees, new)
    deliveries.add(new, set(new.values()))
    transaction.execute(delete(UnsealedEvent).where(is_one_of(UnsealedEvent.event_id, tree_of)))
    return len(tree_of)


def unsealed_age() -> float | None:
    """For how many seconds the oldest event waits that is not sealed yet. None if none waits."""
    age = extract("epoch", func.clock_timestamp() - UnsealedEvent.recorded_at)
    found = transaction.scalar(select(age).order_by(UnsealedEvent.event_id).limit(1))
    return None if found is None else float(found)


def _leaves_of(event_ids: Iterable[UUID]) -> Any:
    return select(AuditLeaf.event_id).where(is_one_of(AuditLeaf.event_id, event_ids))


def _lock_trees(tree_ids: list[UUID]) -> dict[UUID, Frontier]:
    """Lock these trees, in one order everywhere, and make those that do not exist."""
    made = upsert(AuditTree).on_conflict_do_nothing()
    transaction.connection().execute(made, [{"id": tree_id} for tree_id in tree_ids])
    locked = (
        select(AuditTree.id, AuditTree.size, AuditTree.frontier)
        .where(is_one_of(AuditTree.id, tree_ids))
        .order_by(AuditTree.id)
        .with_for_update()
    )
    return {id_: Frontier(size, frontier) for id_, size, frontier in transaction.execute(locked)}


def _append(trees: dict[UUID, Frontier], tree_of: dict[UUID, UUID]) -> None:
    """Give each event a leaf in its tree."""
    if not tree_of:
        return
    found = transaction.execute(select(AuditEvent.__table__).where(is_one_of(AuditEvent.id, tree_of))).mappings()
    events = {event["id"]: event for event in found}
    leaves, nodes = [], []
    for event_id, tree_id in tree_of.items():
        leaf = _leaf(event_id, events.get(event_id))
        leaves.append({"tree_id": tree_id, "position": trees[tree_id].size, **leaf})
        nodes += [{"tree_id": tree_id, **node._asdict()} for node in trees[tree_id].append(leaf["leaf_hash"])]
    connection = transaction.connection()
    connection.execute(insert(AuditLeaf), leaves)
    if nodes:
        connection.execute(insert(AuditNode), nodes)
    grown = upsert(AuditTree)
    values = {name: grown.excluded[name] for name in ("size", "frontier", "root")}
    connection.execute(
        grown.on_conflict_do_update(index_elements=["id"], set_=values),
        [
            {"id": id_, "size": tree.size, "frontier": tree.roots, "root": tree.root, "checkpointed_size": 0}
            for id_, tree in trees.items()
        ],
    )


def _leaf(event_id: UUID, event: Any) -> dict[str, Any]:
    """The leaf of an event. One that is gone gets a leaf all the same, which tells that there was one."""
    fields = audit_leaves.fields_of(event) if event else audit_leaves.fields_of_missing(event_id)
    salt = audit_leaves.new_salt()
    personal_hash = audit_leaves.personal_hash(salt, audit_leaves.personal_of(event) if event else {})
    leaf_hash = audit_leaves.leaf_of(fields, personal_hash)
    return {"event_id": event_id, "salt": salt, "personal_hash": personal_hash, "leaf_hash": leaf_hash}
