"""The jobs, and how often each of them runs."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from typing import NamedTuple

from authapp.jobs import audit, emails, erasure, retention, revocations, webhooks


class Job(NamedTuple):
    """Work that is repeated.

    Attributes:
        name: as the table `jobs` and the log have it.
        interval: seconds between the end of one run and the start of the next.
        run: does what is due, in transactions of its own, and returns early once the event is set.
    """

    name: str
    interval: float
    run: Callable[[Event], object]


JOBS = (
    Job("emails", 1, emails.send),
    Job("audit-seals", 2, audit.seal),
    Job("webhooks", 1, webhooks.send),
    Job("audit-partitions", 3_600, audit.keep_partitions),
    Job("revocations-mirror", 0.5, revocations.mirror),
    Job("revocations-prune", 60, revocations.prune),
    Job("retention", 60, retention.prune),
    Job("erasure", 3_600, erasure.erase),
)
