"""What is counted for `GET /metrics`.

Labels have closed sets of values: routes, methods, error codes and the like, and nothing that a request has sent. Each
combination of labels is looked up in the library once, because that takes longer than counting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, generate_latest, values
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

UNMATCHED = "unmatched"  # the route of a request that has none
OTHER = "other"  # a method that no route has
STARTED = "started"  # the outcome of a sign-in that has succeeded
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
SIGN_INS = {
    "/api/v1/auth/login": "password",
    "/api/v1/auth/login/mfa": "second_factor",
    "/api/v1/auth/login/passkey": "passkey",
    "/api/v1/auth/sso/exchange": "provider",
}
"""The routes that start sessions, and how."""

IS_ONE_PROCESS = values.ValueClass is values.MutexValue  # else server/metric_files.py has changed it
_OWN = CollectorRegistry()  # of this process
_LIVE_SUM: Final = "livesum"  # over the processes that live

REQUESTS = Histogram(
    "authapp_http_request_duration_seconds",
    "Requests by route, method and class of the status, and how long they took.",
    ("route", "method", "status"),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15),
    registry=_OWN,
)
ERRORS = Counter("authapp_errors", "Requests that ended with an error, by its code.", ("code",), registry=_OWN)
SIGN_IN_OUTCOMES = Counter(
    "authapp_sign_ins", "Sign-ins by kind, started or with the code of the error.", ("kind", "outcome"), registry=_OWN
)
RATE_LIMITED = Counter("authapp_rate_limited", "Requests beyond a rate limit.", ("limit",), registry=_OWN)
HASH_QUEUE_DEPTH = Gauge(
    "authapp_hash_queue_depth",
    "Requests in the hash queues, the one that hashes included.",
    multiprocess_mode=_LIVE_SUM,
    registry=_OWN,
)
HASH_QUEUE_WAIT = Histogram(
    "authapp_hash_queue_wait_seconds",
    "How long requests waited before their password was hashed.",
    buckets=(0.01, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20),
    registry=_OWN,
)
POOL_IN_USE = Gauge(
    "authapp_db_pool_in_use",
    "Database connections in use.",
    ("pool",),
    multiprocess_mode=_LIVE_SUM,
    registry=_OWN,
)
POOL_WAIT = Histogram(
    "authapp_db_pool_wait_seconds",
    "How long requests waited for a database connection, those that had to wait.",
    ("pool",),
    buckets=(0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 1.5),
    registry=_OWN,
)


def count_request(route: str | None, method: str, status: int, seconds: float, code: str | None) -> None:
    """Count a request, with its error and as a sign-in where it is one.

    Args:
        route: the template of its path, None where no route matches.
        method: as it was sent.
        status: of the response.
        seconds: how long it took.
        code: of the error, if it ended with one.
    """
    _observer(route or UNMATCHED, method if method in METHODS else OTHER, status // 100)(seconds)
    if code:
        count_error(code)
    if method == "POST" and (kind := SIGN_INS.get(route or "")):
        SIGN_IN_OUTCOMES.labels(kind, code or STARTED).inc()


def count_error(code: str) -> None:
    """Count the error of a request that has not reached the application."""
    ERRORS.labels(code).inc()


@cache
def _observer(route: str, method: str, status_class: int) -> Callable[[float], None]:
    return REQUESTS.labels(route, method, f"{status_class}xx").observe


class _Everything(Collector):
    """What was counted, and further metrics."""

    def __init__(self, further: Iterable[Metric]) -> None:
        self._further = further

    def collect(self) -> Iterable[Metric]:
        counted = _OWN if IS_ONE_PROCESS else MultiProcessCollector(None)  # type: ignore[no-untyped-call]
        yield from counted.collect()
        yield from self._further


def exposition(further: Iterable[Metric]) -> bytes:
    """The text format of Prometheus: what was counted, by all processes of gunicorn, and further metrics."""
    registry = CollectorRegistry()
    registry.register(_Everything(further))
    return generate_latest(registry)
