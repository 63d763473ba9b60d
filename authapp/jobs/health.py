"""How the service is: its jobs, and what waits for them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import func, select

from authapp.core.errors import ServiceUnavailable
from authapp.db import readiness, transaction
from authapp.jobs.registry import JOBS
from authapp.models import JobRun
from authapp.services import monitoring
from authapp.web.application import current_app

LATE = timedelta(minutes=2)  # beyond the interval of a job


class JobHealth(NamedTuple):
    """A job, and its last run. `is_late`: none has succeeded within its interval and `LATE`."""

    name: str
    interval: float
    finished_at: datetime | None
    succeeded_at: datetime | None
    error: str | None
    is_late: bool


def of_jobs() -> list[JobHealth]:
    """The jobs of the worker, in their order."""
    age = (func.clock_timestamp() - JobRun.succeeded_at).label("age")
    runs = {run.name: run for run in transaction.execute(select(JobRun.__table__, age))}
    return [_health(job.name, job.interval, runs.get(job.name)) for job in JOBS]


def of_service() -> dict[str, Any]:
    """All that is known without asking another service: migrations, jobs, emails that wait, the seals.

    Raises:
        ServiceUnavailable: the database does not answer.
    """
    state = monitoring.read_state()
    if state is None:
        raise ServiceUnavailable("the database is away")
    return {
        "version": current_app.config["API_VERSION"],
        "migrated": _is_migrated(),
        "jobs": of_jobs(),
        **state._asdict(),
    }


def _health(name: str, interval: float, run: Any) -> JobHealth:
    if run is None:
        return JobHealth(name, interval, None, None, None, is_late=True)
    is_late = run.age is None or run.age > LATE + timedelta(seconds=interval)
    return JobHealth(name, interval, run.finished_at, run.succeeded_at, run.error, is_late)


def _is_migrated() -> bool:
    try:
        readiness.check()
    except ServiceUnavailable:
        return False
    return True
