"""The partitions of the audit log, one for each month: made ahead, and dropped when their events are old enough."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from sqlalchemy import Exists, and_, exists, func, or_, select, text

from authapp.core import clock, ids
from authapp.core.enums import AuditAction
from authapp.db import transaction
from authapp.models import AuditEvent, AuditLeaf, AuditTree, UnsealedEvent
from authapp.services import audit

MONTHS_AHEAD = 3
_PREFIX = "audit_events_"
_LOCK_TIMEOUT = text("SET LOCAL lock_timeout = '500ms'")  # requests wait behind it; it is tried again later
_MONTHS = text(
    "SELECT relid::regclass::text FROM pg_partition_tree('audit_events') "
    "WHERE isleaf AND relid <> 'audit_events_default'::regclass ORDER BY 1"
)


def months_ahead() -> list[date]:
    """The months of which there has to be a partition: this one and the next."""
    first = clock.now().date().replace(day=1)
    found = [first]
    for _ in range(MONTHS_AHEAD):
        found.append(next_month(found[-1]))
    return found


def add(month: date) -> bool:
    """Add the partition of a month. Returns False where it is there. Only one process at a time does so."""
    transaction.execute(_LOCK_TIMEOUT)
    return bool(transaction.scalar(select(func.authapp_add_audit_partition(month))))


def older_than(days: int) -> list[date]:
    """The months whose events are all older than this, the oldest first, as far as they have a partition."""
    limit = clock.now() - timedelta(days=days)
    months = (_month_of(name) for name in transaction.execute(_MONTHS).scalars())
    return [month for month in months if _start(next_month(month)) <= limit]


def drop(month: date) -> bool:
    """Drop the partition of a month, and record it. Returns False where an event of it is under no checkpoint yet.

    The leaves of the events stay, so the trees can still be verified.
    """
    bounds = ids.first_id_at(_start(month)), ids.first_id_at(_start(next_month(month)))
    in_month = and_(AuditEvent.id >= bounds[0], AuditEvent.id < bounds[1])
    count = transaction.scalar(select(func.count()).select_from(AuditEvent).where(in_month))
    partition = f"{_PREFIX}{month:%Y_%m}"
    transaction.execute(_LOCK_TIMEOUT)
    # first what requests lock first, so that neither waits for the other
    transaction.execute(text(f"LOCK TABLE users, organizations, audit_events, {partition} IN ACCESS EXCLUSIVE MODE"))
    if transaction.scalar(select(or_(*_open(*bounds)))):
        return False
    transaction.execute(text(f"ALTER TABLE audit_events DETACH PARTITION {partition}"))
    transaction.execute(text(f"DROP TABLE {partition}"))
    audit.record(AuditAction.AUDIT_LOG_PRUNED, None, before=f"{next_month(month)}", count=count)
    return True


def _open(first: UUID, end: UUID) -> tuple[Exists, Exists]:
    """Whether an event of a range is not sealed, or sealed under no checkpoint."""
    under_none = AuditLeaf.position >= AuditTree.checkpointed_size
    grown = (AuditTree.size > AuditTree.checkpointed_size) & (AuditTree.id == AuditLeaf.tree_id)
    return (
        exists().where(UnsealedEvent.event_id >= first, UnsealedEvent.event_id < end),
        exists().where(grown, under_none, AuditLeaf.event_id >= first, AuditLeaf.event_id < end),
    )


def next_month(month: date) -> date:
    """The first day of the month after this one."""
    return (month + timedelta(days=31)).replace(day=1)


def _start(month: date) -> datetime:
    return datetime(month.year, month.month, 1, tzinfo=UTC)


def _month_of(partition: str) -> date:
    year, month = partition.removeprefix(_PREFIX).split("_")
    return date(int(year), int(month), 1)
