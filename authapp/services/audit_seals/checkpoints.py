"""Signed checkpoints of the trees: what the audit log was, for others to keep."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import distinct_on, insert

from authapp.core import clock
from authapp.db import transaction
from authapp.models import AuditCheckpoint, AuditTree
from authapp.models.columns import is_one_of
from authapp.security.checkpoints import Checkpoint, CheckpointKey
from authapp.web.application import current_app

BATCH = 500


def sign_batch() -> int:
    """Sign checkpoints of trees that have grown since their last one, `BATCH` of them at most. Returns how many.

    The last one of each day is kept.
    """
    grown = (
        select(AuditTree.id, AuditTree.size, AuditTree.root)
        .where(AuditTree.size > AuditTree.checkpointed_size)
        .order_by(AuditTree.id)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    trees = transaction.execute(grown).all()
    if not trees:
        return 0
    made = insert(AuditCheckpoint)
    values = {name: made.excluded[name] for name in ("size", "root", "public_key", "note", "signed_at")}
    transaction.connection().execute(
        made.on_conflict_do_update(index_elements=["tree_id", "day"], set_=values),
        [_signed(id_, size, root) for id_, size, root in trees],
    )
    signed = update(AuditTree).where(is_one_of(AuditTree.id, [tree.id for tree in trees]))
    transaction.execute(signed.values(checkpointed_size=AuditTree.size))
    return len(trees)


def latest(tree_ids: Sequence[UUID] | None = None) -> Any:
    """The statement for the last checkpoint of each of these trees, or of all, in the order of their ids."""
    statement = (
        select(AuditCheckpoint.__table__)
        .ext(distinct_on(AuditCheckpoint.tree_id))
        .order_by(AuditCheckpoint.tree_id, AuditCheckpoint.day.desc())
    )
    return statement if tree_ids is None else statement.where(is_one_of(AuditCheckpoint.tree_id, tree_ids))


def origin_of(tree_id: UUID) -> str:
    """The name of a tree for others: the address of this service and the tree's id."""
    url = urlsplit(current_app.settings.public_url)
    return f"{url.netloc}{url.path}/audit/{tree_id}"


def public_keys(others: Iterable[bytes] = ()) -> list[bytes]:
    """The keys that may have signed: those of SECRET_KEY and SECRET_KEY_PREVIOUS, and others."""
    previous = current_app.settings.secret_key_previous
    before = [CheckpointKey.of(previous)] if previous else []
    return [*(key.public_key for key in (current_app.checkpoint_key, *before)), *others]


def tree_of(checkpoint: Checkpoint) -> UUID | None:
    """The id of the tree that a checkpoint is of, None where it is none of ours."""
    try:
        return UUID(checkpoint.origin.rpartition("/audit/")[2])
    except ValueError:
        return None


def _signed(tree_id: UUID, size: int, root: bytes) -> dict[str, Any]:
    key, now = current_app.checkpoint_key, clock.now()
    return {
        "tree_id": tree_id,
        "day": now.date(),
        "size": size,
        "root": root,
        "public_key": key.public_key,
        "note": key.sign(origin_of(tree_id), size, root),
        "signed_at": now,
    }
