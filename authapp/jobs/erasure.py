"""Erases accounts, and purges organizations, whose deletion cannot be undone any more."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event

from authapp.db import tenancy, transaction
from authapp.services.personal_data import erasure, purge


def erase(stopped: Event) -> None:
    """Erase every account and purge every organization that is due, some at a time."""
    for step in (erasure.erase_due_batch, purge.purge_due, erasure.erase_late_events):
        _repeat(step, stopped)


def _repeat(step: Callable[[], object], stopped: Event) -> None:
    done: object = True
    while done and not stopped.is_set():
        tenancy.set_operator()
        done = step()
        transaction.commit()
