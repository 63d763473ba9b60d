"""Verifies the audit log: computes each tree anew from the events and compares it with what was sealed and signed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import exists, func, select

from authapp.core import ids
from authapp.db import transaction
from authapp.models import AuditCheckpoint, AuditEvent, AuditLeaf, AuditNode, AuditTree, UnsealedEvent
from authapp.models.audit_seals import OUTSIDE
from authapp.security import audit_leaves
from authapp.security.checkpoints import Checkpoint, is_signed_by, read_all
from authapp.security.merkle import Frontier, Node
from authapp.services.audit_seals import erased, leaves
from authapp.services.audit_seals.checkpoints import public_keys, tree_of
from authapp.services.audit_seals.pruned import Pruned

LATE = timedelta(hours=1)  # so much older than one before it in the tree may an event be: it was committed late
_BEGINNING = datetime.min.replace(tzinfo=UTC)


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
        erased_by_address: how many of those concern no erased account, and so must have named an address.
        beyond_retention: leaves whose events were deleted with their month.
        unsealed: events that wait to be sealed.
        checkpoints: how many were compared.
        foreign: how many of those were signed by none of the known keys, and say nothing of who has signed them.
    """

    trees: int = 0
    events: int = 0
    erased: int = 0
    erased_by_address: int = 0
    beyond_retention: int = 0
    unsealed: int = 0
    checkpoints: int = 0
    foreign: int = 0
    findings: list[Finding] = field(default_factory=list)


def verify(
    organization_id: UUID | None,
    outside: Iterable[Checkpoint],
    previous_keys: Iterable[bytes] = (),
    advance: Callable[[int], object] = lambda _: None,
) -> Report:
    """Verify all trees, or that of an organization. The caller sees all organizations.

    Args:
        organization_id: None: all, and what happened outside of them.
        outside: checkpoints that were kept where nobody can change them who can change the database.
        previous_keys: public keys that have signed before, besides that of SECRET_KEY_PREVIOUS.
        advance: is called with 1 for each leaf.
    """
    report, kept = Report(), dict[UUID | None, list[Checkpoint]]()
    for checkpoint in outside:
        kept.setdefault(tree_of(checkpoint), []).append(checkpoint)
    pruned, keys = Pruned(), public_keys(previous_keys)
    for tree_id in leaves.tree_ids(organization_id):
        report.trees += 1
        tree = _Tree(tree_id, kept.get(tree_id, []), pruned, keys, report)
        report.findings += tree.verify(advance)
    _compare_receipts(organization_id, report)
    report.unsealed = transaction.scalar(select(func.count()).select_from(UnsealedEvent))
    return report


class _Tree:
    """A tree that is computed anew.

    Args:
        tree_id: of the tree.
        outside: checkpoints of it that were kept elsewhere.
        pruned: the months that were deleted.
        keys: the public keys whose checkpoints count.
        report: what is counted goes in here.
    """

    def __init__(
        self, tree_id: UUID, outside: list[Checkpoint], pruned: Pruned, keys: list[bytes], report: Report
    ) -> None:
        self._id, self._pruned, self._report = tree_id, pruned, report
        self._tree = Frontier()
        self._roots: dict[int, set[bytes]] = {}  # what the checkpoints say, by size
        self._doubted: tuple[int, UUID] | None = None  # the first event behind the last checkpoint that was right
        self._latest = _BEGINNING  # the time of the youngest event so far
        self._older: Finding | None = None  # the first that is too old for its position
        own = self._own()
        self._is_foreign = bool(own) and not _is_known(own[-1], keys)
        for checkpoint in [*own, *outside]:
            self._roots.setdefault(checkpoint.size, set()).add(checkpoint.root)
            report.checkpoints += 1
            report.foreign += not _is_known(checkpoint, keys)

    def verify(self, advance: Callable[[int], object]) -> Iterator[Finding]:
        """What is wrong: the first that was changed, deleted or added, and what else can be said of the tree."""
        if finding := self._compare(advance) or _without_leaf(self._id):
            yield finding
        if self._older:
            yield self._older
        if self._is_foreign:
            yield Finding(self._id, "an unknown key has signed the newest checkpoint")

    def _compare(self, advance: Callable[[int], object]) -> Finding | None:
        for leaf in leaves.of_tree(self._id):
            advance(1)
            if problem := self._problem_of(leaf):
                return Finding(self._id, problem, self._tree.size, leaf.event_id)
            self._compare_time(leaf)
            self._doubted = self._doubted or (self._tree.size, leaf.event_id)
            if not all(map(self._is_stored, self._tree.append(leaf.leaf_hash))):
                problem = "a stored node above this event was changed, so that no path leads to the root"
                return Finding(self._id, problem, self._tree.size - 1, leaf.event_id)
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
            is_pruned = self._pruned.has(leaf.event_id)
            self._report.beyond_retention += is_pruned
            return None if is_pruned else "the event was deleted"
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

    def _compare_time(self, leaf: Any) -> None:
        """Notice an event that is much older than one before it: it was added later than it says."""
        moment = ids.moment_of(leaf.event_id)
        moment = min(moment, leaf.created_at) if leaf.id else moment
        if self._latest - moment > LATE and not self._older:
            problem = "the event is more than an hour older than one that was sealed before it"
            self._older = Finding(self._id, problem, leaf.position, leaf.event_id)
        self._latest = max(self._latest, moment)

    def _is_stored(self, node: Node) -> bool:
        columns = AuditNode.__table__.c
        here = (columns.tree_id == self._id, columns.level == node.level, columns.position == node.position)
        return bool(transaction.scalar(select(columns.hash).where(*here)) == node.hash)

    def _end(self) -> Finding | None:
        """What is wrong with the tree as a whole."""
        columns = (AuditTree.size, AuditTree.root, AuditTree.frontier)
        size, found = self._tree.size, select(*columns).where(AuditTree.id == self._id)
        stored = transaction.execute(found).one_or_none()
        longest = max([*self._roots, stored.size if stored else 0])
        if longest > size:
            return Finding(self._id, f"there were {longest} events, and those from this position on are missing", size)
        kept = (stored.root, stored.frontier) if stored else (Frontier().root, b"")
        if kept != (self._tree.root, self._tree.roots):
            return Finding(self._id, "the stored root is another", *(self._doubted or ()))
        return None

    def _own(self) -> list[Checkpoint]:
        """The checkpoints in the database, the newest last, as the signed text has them."""
        notes = select(AuditCheckpoint.note).where(AuditCheckpoint.tree_id == self._id).order_by(AuditCheckpoint.day)
        return [checkpoint for note in transaction.execute(notes).scalars() for checkpoint in read_all(note)]


def _without_leaf(tree_id: UUID) -> Finding | None:
    """The first event that was added past the trigger."""
    here = AuditEvent.organization_id.is_(None) if tree_id == OUTSIDE else AuditEvent.organization_id == tree_id
    known = (exists().where(table.event_id == AuditEvent.id) for table in (AuditLeaf, UnsealedEvent))
    statement = select(AuditEvent.id).where(here, *(~each for each in known)).order_by(AuditEvent.id).limit(1)
    event_id = transaction.scalar(statement)
    return event_id and Finding(tree_id, "the event was added without being sealed", None, event_id)


def _compare_receipts(organization_id: UUID | None, report: Report) -> None:
    """Add what was erased without a receipt."""
    for tree in erased.by_tree(organization_id):
        report.erased_by_address += tree.by_address
        if tree.uncovered:
            problem = f"no sealed receipt covers events that were erased, of which there are {tree.uncovered}"
            report.findings.append(Finding(tree.tree_id, problem, tree.position, tree.event_id))


def _is_known(checkpoint: Checkpoint, keys: list[bytes]) -> bool:
    return any(is_signed_by(key, checkpoint) for key in keys)
