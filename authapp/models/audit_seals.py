"""The Merkle trees of the audit log: one for each organization, and one for what happens outside of them."""

from __future__ import annotations

import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, LargeBinary, SmallInteger, Text, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from authapp.db.engine import Model
from authapp.models.columns import timestamp

OUTSIDE = UUID(int=0)
"""The id of the tree of events that belong to no organization."""


class UnsealedEvent(Model):
    """An event that waits for its leaf. A trigger of `audit_events` adds the row, so that none is missed."""

    __tablename__ = "audit_unsealed"

    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    tree_id: Mapped[UUID]
    recorded_at: Mapped[datetime.datetime] = mapped_column(timestamp(), server_default=func.now())


class AuditTree(Model):
    """A tree. `frontier` are the roots of its perfect subtrees, the largest first, of which `root` follows."""

    __tablename__ = "audit_trees"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger, default=0)
    frontier: Mapped[bytes] = mapped_column(LargeBinary, default=b"")
    root: Mapped[bytes] = mapped_column(LargeBinary, default=b"")
    checkpointed_size: Mapped[int] = mapped_column(BigInteger, default=0)

    __table_args__ = (Index("ix_audit_trees_id_grown", "id", postgresql_where=text("size > checkpointed_size")),)


class AuditLeaf(Model):
    """The leaf of an event. It stays when the event is deleted with its partition; `salt` goes with personal data.

    `erased_by` is the `erasure_id` of the receipt that then counts the leaf.
    """

    __tablename__ = "audit_leaves"

    tree_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    event_id: Mapped[UUID]
    salt: Mapped[bytes | None] = mapped_column(LargeBinary)
    erased_by: Mapped[UUID | None]
    personal_hash: Mapped[bytes] = mapped_column(LargeBinary)
    leaf_hash: Mapped[bytes] = mapped_column(LargeBinary)

    __table_args__ = (UniqueConstraint("event_id"),)


class AuditNode(Model):
    """The root of a perfect subtree, of each eighth level, so that a path needs a few hundred hashes at most."""

    __tablename__ = "audit_nodes"

    tree_id: Mapped[UUID] = mapped_column(primary_key=True)
    level: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    hash: Mapped[bytes] = mapped_column(LargeBinary)


class AuditCheckpoint(Model):
    """The last signed checkpoint of a tree on a day."""

    __tablename__ = "audit_checkpoints"

    tree_id: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[datetime.date] = mapped_column(primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger)
    root: Mapped[bytes] = mapped_column(LargeBinary)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    note: Mapped[str] = mapped_column(Text)
    signed_at: Mapped[datetime.datetime] = mapped_column(timestamp())
