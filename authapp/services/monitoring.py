"""What `GET /metrics` tells beside what was counted: the database, the outbox, the jobs, the pools and the version."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator
from datetime import datetime
from threading import Lock
from typing import NamedTuple

import structlog
from prometheus_client import Metric
from prometheus_client.metrics_core import GaugeMetricFamily
from sqlalchemy.exc import SQLAlchemyError

from authapp.core import clock, metrics
from authapp.db import tenancy, transaction
from authapp.db.engine import POOLS
from authapp.web.application import current_app

SECONDS_KEPT = 5.0  # what was read serves further scrapes of this process
MOST_MESSAGES = 10_000  # that are counted
_STATE = """
WITH unsent AS (  -- in the order of an index, which holds those alone
    SELECT due_at, dead_at FROM outbox WHERE sent_at IS NULL ORDER BY subject_id LIMIT %(most)s
)
SELECT
    (SELECT count(due_at) FROM unsent),
    (SELECT count(dead_at) FROM unsent),
    (SELECT min(due_at) FROM outbox WHERE due_at <= %(now)s),
    (SELECT recorded_at FROM audit_unsealed ORDER BY event_id LIMIT 1),
    (SELECT count(*) FROM (SELECT FROM webhook_deliveries WHERE due_at IS NOT NULL LIMIT %(most)s) AS pending),
    (SELECT json_object_agg(name, extract(epoch FROM succeeded_at)) FROM jobs WHERE succeeded_at IS NOT NULL)
"""

log = structlog.get_logger("authapp")


class State(NamedTuple):
    """What the database tells of the worker process, which answers no requests."""

    waiting: int
    dead: int
    oldest_due_at: datetime | None
    unsealed_since: datetime | None  # the audit log
    undelivered: int  # events to webhooks
    succeeded_at: dict[str, float] | None  # by job, in seconds since 1970


class Monitor:
    """Reads the state, and keeps it for a moment."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._state: State | None = None
        self._kept_until = 0.0

    def state(self) -> State | None:
        """The state, None while the database is away."""
        with self._lock:
            if time.monotonic() >= self._kept_until:
                self._state = read_state()
                self._kept_until = time.monotonic() + SECONDS_KEPT
            return self._state


def exposition() -> bytes:
    """All metrics in the text format of Prometheus."""
    monitor: Monitor = current_app.extensions.setdefault("authapp.monitor", Monitor())
    return metrics.exposition([*_of_process(), *_of_database(monitor.state())])


def read_state() -> State | None:
    """The state as it is now, None while the database is away."""
    try:
        row = transaction.fetch_autocommit(tenancy.AS_OPERATOR + _STATE, {"most": MOST_MESSAGES, "now": clock.now()})
    except SQLAlchemyError as error:
        log.warning("database.away", error=str(error.__cause__ or error))
        return None
    return State(*row) if row else None


def _of_process() -> Iterator[Metric]:
    build = GaugeMetricFamily("authapp_build_info", "Always 1.", labels=("version", "python"))
    build.add_metric((current_app.config["API_VERSION"], platform.python_version()), 1)
    settings = current_app.settings
    processes = 1 if metrics.IS_ONE_PROCESS else settings.web_concurrency
    size = GaugeMetricFamily(
        "authapp_db_pool_size", "Database connections of all processes, at most.", labels=("pool",)
    )
    for pool in POOLS:
        size.add_metric((pool,), settings.web_threads * processes)
    yield from (build, size)


def _of_database(state: State | None) -> Iterator[Metric]:
    yield GaugeMetricFamily("authapp_database_up", "Whether the database answers.", value=state is not None)
    if state is None:
        return
    outbox = GaugeMetricFamily("authapp_outbox_messages", "Emails that are not sent.", labels=("state",))
    outbox.add_metric(("waiting",), state.waiting)
    outbox.add_metric(("dead",), state.dead)
    yield outbox
    overdue = _seconds_since(state.oldest_due_at)
    yield GaugeMetricFamily("authapp_outbox_overdue_seconds", "For how long an email has been due.", value=overdue)
    unsealed = _seconds_since(state.unsealed_since)
    yield GaugeMetricFamily(
        "authapp_audit_unsealed_seconds", "For how long an event of the audit log is not sealed.", value=unsealed
    )
    yield GaugeMetricFamily(
        "authapp_webhook_deliveries_pending", "Events that have not arrived at webhooks yet.", value=state.undelivered
    )
    jobs = GaugeMetricFamily(
        "authapp_job_last_success_timestamp_seconds", "When a job last went well, since 1970.", labels=("name",)
    )
    for name, moment in (state.succeeded_at or {}).items():
        jobs.add_metric((name,), moment)
    yield jobs


def _seconds_since(moment: datetime | None) -> float:
    return max((clock.now() - moment).total_seconds(), 0.0) if moment else 0.0
