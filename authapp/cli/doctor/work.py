"""The checks of `doctor` of what the worker does: its jobs, emails that wait, emails that were given up."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from authapp.cli.doctor.findings import Finding, ok, warning, wrong
from authapp.cli.listing import time_text
from authapp.config import Settings
from authapp.db import transaction
from authapp.jobs import health
from authapp.jobs.health import JobHealth
from authapp.jobs.registry import JOBS
from authapp.models import OutboxMessage
from authapp.services import audit_seals

LONGEST_WAIT = timedelta(minutes=5)  # of an email that is due
LONGEST_UNSEALED = timedelta(minutes=1)
_START = "Start it, or look into its log: flask --app wsgi worker"


def worker(settings: Settings) -> Finding:
    if late := [text for job in health.of_jobs() if (text := _lateness(job))]:
        return wrong(f"{' '.join(late)} {_START}")
    return ok(f"runs {', '.join(job.name for job in JOBS)}")


def _lateness(job: JobHealth) -> str | None:
    """What is wrong with the last run of a job, None if it was a moment ago."""
    if not job.is_late:
        return None
    if job.finished_at is None:
        return f"{job.name} has never run."
    return f"{job.name} has last succeeded: {time_text(job.succeeded_at)}{f' ({job.error})' if job.error else ''}."


def waiting_emails(settings: Settings) -> Finding:
    oldest = func.min(OutboxMessage.due_at)
    due_at, wait = transaction.execute(select(oldest, func.clock_timestamp() - oldest)).one()
    if wait is None or wait <= LONGEST_WAIT:
        return ok("none is late")
    return wrong(f"One is due since {time_text(due_at)}. Is the worker running? See: flask --app wsgi outbox list")


def dead_emails(settings: Settings) -> Finding:
    number = transaction.scalar(select(func.count()).where(OutboxMessage.dead_at.is_not(None)))
    if not number:
        return ok("none was given up")
    return warning(f"{number} given up. See: flask --app wsgi outbox list --dead; then: outbox retry --all")


def audit_log(settings: Settings) -> Finding:
    age = audit_seals.unsealed_age()
    if age is None or age <= LONGEST_UNSEALED.total_seconds():
        return ok("every event is sealed, or is about to be")
    return wrong(f"An event is not sealed for {age:.0f} seconds. Is the worker running? See its job audit-seals.")
