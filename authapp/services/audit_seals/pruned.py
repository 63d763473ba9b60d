"""Tells events that were deleted with their month, as AUDIT_RETENTION_DAYS wants, from those that somebody deleted."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import takewhile
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Text, cast, exists, func, or_, select

from authapp.core import ids
from authapp.core.enums import AuditAction
from authapp.db import transaction
from authapp.models import AuditEvent, AuditLeaf, UnsealedEvent

_FIRST_MONTH = ids.first_id_at(datetime(2020, 1, 1, tzinfo=UTC))  # no partition is of an earlier one


class Month(NamedTuple):
    """The ids of a month, from the first to the end, which is excluded."""

    first: UUID
    end: UUID


class Pruned:
    """The months that were deleted, as sealed events say and as the tables show."""

    def __init__(self) -> None:
        self._months = sorted(month for month, count in _recorded() if _is_gone(month, count))
        # what was deleted before is recorded by events that were deleted themselves since then
        self._oldest = self._months[0].first if self._months else UUID(int=0)

    def has(self, event_id: UUID) -> bool:
        """Whether an event that is gone was deleted with its month."""
        if event_id < self._oldest:
            return True
        return any(event_id < month.end for month in takewhile(lambda month: month.first <= event_id, self._months))


def _recorded() -> list[tuple[Month, int]]:
    """The months that sealed events say were deleted, and how many events they had."""
    sealed = or_(
        exists().where(AuditLeaf.event_id == AuditEvent.id, AuditLeaf.salt.is_not(None)),
        exists().where(UnsealedEvent.event_id == AuditEvent.id),  # it waits for it
    )
    columns = (AuditEvent.id, AuditEvent.created_at, AuditEvent.details)
    events = select(*columns).where(
        AuditEvent.action == AuditAction.AUDIT_LOG_PRUNED, AuditEvent.organization_id.is_(None), sealed
    )
    found = (_read(event) for event in transaction.execute(events))
    return [each for each in found if each]


def _read(event: Any) -> tuple[Month, int] | None:
    """What such an event says, None where no worker has written it: the month was not over."""
    try:
        before, count = date.fromisoformat(event.details["before"]), int(event.details["count"])
    except (KeyError, TypeError, ValueError):
        return None
    if before.day != 1 or before > min(event.created_at.astimezone(UTC), ids.moment_of(event.id)).date():
        return None
    first = (before - timedelta(days=1)).replace(day=1)
    return Month(_first_id(first), _first_id(before)), count


def _is_gone(month: Month, count: int) -> bool:
    """Whether no event of a month, or before it, is left, and as many leaves of it as it had events."""
    is_made_here = func.substr(cast(AuditEvent.id, Text), 15, 1) == "7"
    left = exists().where(AuditEvent.id >= _FIRST_MONTH, AuditEvent.id < month.end, is_made_here)
    leaves = select(func.count()).where(AuditLeaf.event_id >= month.first, AuditLeaf.event_id < month.end)
    gone, number = transaction.execute(select(~left, leaves.scalar_subquery())).one()
    return bool(gone) and number == count


def _first_id(day: date) -> UUID:
    return ids.first_id_at(datetime(day.year, day.month, day.day, tzinfo=UTC))
