"""Runs the jobs, each in a thread of its own, so that none waits for another."""

from __future__ import annotations

from threading import Event, Thread

import structlog
from flask import Flask
from redis import RedisError
from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from authapp.core import clock
from authapp.core.error_reports import report
from authapp.db import transaction
from authapp.jobs.registry import JOBS, Job
from authapp.models import JobRun

SECONDS_BETWEEN_RECORDS = 10
_LONGEST_ERROR = 500

log = structlog.get_logger("authapp")


def run_until(stopped: Event, app: Flask) -> None:
    """Run all jobs until the event is set, and then until each has returned."""
    threads = [Thread(target=repeat, args=(job, stopped, app), name=f"job-{job.name}", daemon=True) for job in JOBS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def run_in_background(app: Flask) -> None:
    """Run all jobs in this process, so that development needs no second one."""
    Thread(target=run_until, args=(Event(), app), name="jobs", daemon=True).start()


def repeat(job: Job, stopped: Event, app: Flask) -> None:
    """Run a job again and again, also after an error and after the database was away."""
    recorded_at = None
    while not stopped.is_set():
        error = _run(job, stopped, app)
        now = clock.now()
        is_due = recorded_at is None or (now - recorded_at).total_seconds() >= SECONDS_BETWEEN_RECORDS
        if (error or is_due) and _record(job, error, app):
            recorded_at = now
        stopped.wait(job.interval)


def _run(job: Job, stopped: Event, app: Flask) -> str | None:
    """Run a job once. Returns what has gone wrong, None if nothing has."""
    try:
        with app.app_context():
            job.run(stopped)
    except (OperationalError, RedisError) as error:  # away, or slow: without a traceback each second
        log.warning("job.failed", job=job.name, error=(text := _text_of(error)))
    except Exception as error:
        log.exception("job.failed", job=job.name, error=(text := _text_of(error)))
        with app.app_context():
            report(error, job=job.name)
    else:
        return None
    return text


def _record(job: Job, error: str | None, app: Flask) -> bool:
    """Store when a job has run, so that an operator sees that it does. Returns whether the database took it."""
    finished = {"error": error, "finished_at": func.now(), **({} if error else {"succeeded_at": func.now()})}
    statement = insert(JobRun).values(name=job.name, **finished)
    try:
        with app.app_context():
            transaction.execute(statement.on_conflict_do_update(index_elements=["name"], set_=finished))
            transaction.commit()
    except SQLAlchemyError as failure:
        log.warning("job.not_recorded", job=job.name, error=_text_of(failure))
        return False
    return True


def _text_of(error: Exception) -> str:
    cause = error.__cause__ or error
    return f"{type(cause).__name__}: {cause}".strip().replace("\x00", "")[:_LONGEST_ERROR]
