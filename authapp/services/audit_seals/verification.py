"""Verifies the audit log: computes each tree anew from the events and compares it with what was sealed and signed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import exists, func, select

from authapp.core import ids
from authapp.core.enums import AuditAction
from authapp.db import transaction
from authapp.models import AuditCheckpoint, AuditEvent, AuditLeaf, AuditTree, UnsealedEvent
from authapp.models.audit_seals import OUTSIDE
from authapp.security import audit_leaves
from authapp.security.checkpoints import Checkpoint, is_signed_by, read_all
from authapp.security.merkle import EMPTY_ROOT, Frontier
from authapp.services.audit_seals import leaves
from authapp.services.audit_seals.checkpoints import tree_of
from authapp.web.application import current_app


class Finding(NamedTuple):
    """What is wrong in a tree, and the first event that it is wrong at, as far as that is known."""

    tree_id: UUID
    problem: str
    position: int | None = None
    event_id: UUID | None = None


@dataclass
class Report:
    """What a verification has found.

    Attributes:
        events: how many were compared with their leaves.
        erased: how many of them have lost their personal data.
        beyond_retention: leaves whose events were deleted with their month.
        unsealed: events that wait to be sealed.
        checkpoints: how many were compared.
        foreign: how many of those another key has signed, such as one of an earlier SECRET_KEY.
    """

    trees: int = 0
    events: int = 0
    erased: int = 0
    beyond_retention: int = 0
    unsealed: int = 0
    checkpoints: int = 0
    foreign: int = 0
    findings: list[Finding] = field(default_factory=list)


def verify(
    organization_id: UUID | None, outside: Iterable[Checkpoint], advance: Callable[[int], object] = lambda _: None
) -> Report:
    """Verify all trees, or that of an organization. The caller sees all organizations.

    Args:
        organization_id: None: all, and what happened outside of them.
        outside: checkpoints that were kept where nobody can change them who can change the database.
        advance: is called with 1 for each leaf.
    """
    report, kept = Report(), dict[UUID | None, list[Checkpoint]]()
    for checkpoint in outside:
        kept.setdefault(tree_of(checkpoint), []).append(checkpoint)
    pruned = _pruned()
    for tree_id in leaves.tree_ids(organization_id):
        report.trees += 1
        tree = _Tree(tree_id, kept.get(tree_id, []), pruned, report)
        if finding := tree.verify(advance) or _without_leaf(tree_id):
            report.findings.append(finding)
    report.unsealed = transaction.scalar(select(func.count()).select_from(UnsealedEvent))
    return report


class _Tree:
    """A tree that is computed anew.

    Args:
        tree_id: of the tree.
        outside: checkpoints of it that were kept elsewhere.
        pruned: events before this id were deleted with their month.
        report: what is counted goes in here.
    """

    def __init__(self, tree_id: UUID, outside: list[Checkpoint], pruned: UUID, report: Report) -> None:
        self._id, self._pruned, self._report = tree_id, pruned, report
        self._tree = Frontier()
        self._roots: dict[int, set[bytes]] = {}  # what the checkpoints say, by size
        self._doubted: tuple[int, UUID] | None = None  # the first event behind the last checkpoint that was right
        for checkpoint in [*self._own(), *outside]:
            self._roots.setdefault(checkpoint.size, set()).add(checkpoint.root)
            report.checkpoints += 1
            report.foreign += not is_signed_by(current_app.checkpoint_key.public_key, checkpoint)

    def verify(self, advance: Callable[[int], object]) -> Finding | None:
        """What is wrong, the first of it."""
        for leaf in leaves.of_tree(self._id):
            advance(1)
            if problem := self._problem_of(leaf):
                return Finding(self._id, problem, self._tree.size, leaf.event_id)
            self._doubted = self._doubted or (self._tree.size, leaf.event_id)
            self._tree.append(leaf.leaf_hash)
            if roots := self._roots.get(self._tree.size):
                if roots != {self._tree.root}:
                    return Finding(
                        self._id, f"not what the checkpoint of {self._tree.size} events says", *self._doubted
                    )
                self._doubted = None
        return self._end()

    def _problem_of(self, leaf: Any) -> str | None:
        if leaf.position != self._tree.size:
            return "the leaves before this event are missing"
        if leaf.id is None:
            self._report.beyond_retention += leaf.event_id < self._pruned
            return None if leaf.event_id < self._pruned else "the event was deleted"
        event = leaf._asdict()
        personal = audit_leaves.personal_of(event)
        self._report.events += 1
        self._report.erased += leaf.salt is None
        if leaf.salt is None and personal != audit_leaves.ERASED:
            return "address, user agent or details were added to an event that was erased"
        if leaf.salt is not None and audit_leaves.personal_hash(leaf.salt, personal) != leaf.personal_hash:
            return "address, user agent or details of the event were changed"
        if audit_leaves.leaf_of(audit_leaves.fields_of(event), leaf.personal_hash) != leaf.leaf_hash:
            return "the event, or its leaf, was changed"
        return None

    def _end(self) -> Finding | None:
        """What is wrong with the tree as a whole."""
        size, found = self._tree.size, select(AuditTree.size, AuditTree.root).where(AuditTree.id == self._id)
        stored = transaction.execute(found).one_or_none()
        longest = max([*self._roots, stored.size if stored else 0])
        if longest > size:
            return Finding(self._id, f"there were {longest} events, and those from this position on are missing", size)
        if (stored.root if stored else EMPTY_ROOT) != self._tree.root and (stored or size):
            return Finding(self._id, "the stored root is another", *(self._doubted or ()))
        return None

    def _own(self) -> list[Checkpoint]:
        """The checkpoints in the database, with what the signed text says, which the columns repeat."""
        notes = select(AuditCheckpoint.note).where(AuditCheckpoint.tree_id == self._id)
        return [checkpoint for note in transaction.execute(notes).scalars() for checkpoint in read_all(note)]


def _without_leaf(tree_id: UUID) -> Finding | None:
    """The first event that was added past the trigger."""
    here = AuditEvent.organization_id.is_(None) if tree_id == OUTSIDE else AuditEvent.organization_id == tree_id
    known = (exists().where(table.event_id == AuditEvent.id) for table in (AuditLeaf, UnsealedEvent))
    statement = select(AuditEvent.id).where(here, *(~each for each in known)).order_by(AuditEvent.id).limit(1)
    event_id = transaction.scalar(statement)
    return event_id and Finding(tree_id, "the event was added without being sealed", None, event_id)


def _pruned() -> UUID:
    """The id that the first event has at the earliest that no retention has deleted."""
    before = AuditEvent.details["before"].astext
    newest = select(func.max(before)).where(
        AuditEvent.action == AuditAction.AUDIT_LOG_PRUNED, AuditEvent.organization_id.is_(None)
    )
    day = transaction.scalar(newest)
    return ids.first_id_at(datetime.fromisoformat(day).replace(tzinfo=UTC)) if day else UUID(int=0)
