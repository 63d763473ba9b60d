"""Seals the events of the audit log, and keeps its partitions."""

from __future__ import annotations

from threading import Event

from authapp.db import tenancy, transaction
from authapp.services import audit_partitions
from authapp.services.audit_seals import checkpoints, sealing
from authapp.web.application import current_app


def seal(stopped: Event) -> None:
    """Seal every event that waits, a batch in a transaction, then sign what has changed."""
    for step in (sealing.seal_batch, checkpoints.sign_batch):
        done = 1
        while done and not stopped.is_set():
            tenancy.set_operator()
            done = step()
            transaction.commit()


def keep_partitions(stopped: Event) -> None:
    """Add the partitions of this month and the next, and drop those whose events are older than AUDIT_RETENTION_DAYS.

    A partition whose tables are busy is tried again at the next run.
    """
    for month in audit_partitions.months_ahead():
        tenancy.set_operator()
        audit_partitions.add(month)
        transaction.commit()
    if not current_app.settings.audit_retention_days:
        return
    for month in audit_partitions.older_than(current_app.settings.audit_retention_days):
        if stopped.is_set():
            return
        tenancy.set_operator()
        audit_partitions.drop(month)
        transaction.commit()
