"""Removes what has ended, in small transactions, so that nobody waits for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from threading import Event

from authapp.db import tenancy, transaction
from authapp.services import retention


def prune(stopped: Event, tell: Callable[[int], object] = int) -> Counter[str]:
    """Remove all that is to be removed. Any number of workers may do so at the same time.

    Args:
        stopped: ends it after the present batch.
        tell: is called after each batch, with the number of its rows.

    Returns:
        how many rows, by table, and as `ended` how many expired sessions were marked as ended.
    """
    done: Counter[str] = Counter()
    for step in retention.steps():
        count = retention.BATCH
        while count == retention.BATCH and not stopped.is_set():
            _begin()
            count = step.run()
            transaction.commit()
            done[step.name] += count
            tell(count)
    return done


def due() -> int:
    """How many rows are to be removed or marked."""
    tenancy.set_operator()
    return sum(step.due() for step in retention.steps())


def _begin() -> None:
    transaction.limit_time()
    tenancy.set_operator()
