"""The one clock. Everything that compares times asks it, so that a test can hold time still."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta


class SystemClock:
    """The time of this machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class FrozenClock(SystemClock):
    """A clock that stands still until it is told to advance."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def advance(self, **duration: float) -> None:
        """Move on by a `timedelta` given in its own words: `clock.advance(minutes=31)`."""
        self._now += timedelta(**duration)


_clock = SystemClock()


def now() -> datetime:
    """The present moment, in UTC."""
    return _clock.now()


@contextmanager
def frozen(start: datetime | None = None) -> Iterator[FrozenClock]:
    """Hold the clock of this process at `start` (default: this very moment)."""
    global _clock
    before, _clock = _clock, FrozenClock(start or now())
    try:
        yield _clock
    finally:
        _clock = before
