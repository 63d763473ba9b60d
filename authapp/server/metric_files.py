"""The metrics of several processes: each worker counts in files of its own, and a scrape adds them up.

A worker counts in the files of a slot, and the worker that replaces it goes on in the same ones. So files are as few as
workers, however many have been replaced. Import this before anything that counts.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable
from itertools import count

from prometheus_client import values
from prometheus_client.multiprocess import mark_process_dead

_FOLDER = tempfile.mkdtemp(prefix="authapp-metrics-")
_slot = 0  # of the master, which serves nothing

os.environ["PROMETHEUS_MULTIPROC_DIR"] = _FOLDER  # where prometheus-client looks for it
values.ValueClass = values.MultiProcessValue(lambda: _slot)  # type: ignore[no-untyped-call]


def free_slot(taken: Iterable[int]) -> int:
    """The first slot that no worker has, without the gauges of the worker that had it."""
    occupied = set(taken)
    slot = next(number for number in count(1) if number not in occupied)
    release(slot)
    return slot


def use(slot: int) -> None:
    """Count in the files of this slot from now on, in this process."""
    global _slot
    _slot = slot


def release(slot: int) -> None:
    """Remove the gauges of a worker that has ended. Its counters stay."""
    mark_process_dead(slot)  # type: ignore[no-untyped-call]


def remove() -> None:
    """Remove the files."""
    shutil.rmtree(_FOLDER, ignore_errors=True)
