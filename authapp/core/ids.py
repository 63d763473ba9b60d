"""Ids that sort by age: a UUIDv7 begins with the millisecond in which it was made (RFC 9562 section 5.7)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_BITS_BELOW = 80  # of random bits, version and variant


def moment_of(id_: UUID) -> datetime:
    """When an id was made, to the millisecond."""
    return _EPOCH + (id_.int >> _BITS_BELOW) * _MILLISECOND


def first_id_at(moment: datetime) -> UUID:
    """The bound between the ids that were made before a moment and those made at it or later.

    A moment between two milliseconds is rounded up: an id whose `moment_of` is the earlier one was made before it.
    """
    milliseconds = -((_EPOCH - moment) // _MILLISECOND)
    return UUID(int=max(milliseconds, 0) << _BITS_BELOW)
