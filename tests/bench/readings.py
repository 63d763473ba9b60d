"""Readings: an operation or a baseline for a moment, and what that cost the processors."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import bcrypt
import psycopg2
from flask import Flask, Response

from authapp.db.counters import Counters
from authapp.decorators.rate_limits import Limit
from tests.bench.clients import Outcome, closed_loop, some
from tests.bench.machine import cpu_seconds
from tests.bench.operations import Operation
from tests.bench.servers import Postgres
from tests.factories import PASSWORD

COUNTED = 20  # requests on each connection
WARM_UP_SECONDS, LONG_ENOUGH = 0.3, 60.0
HASHES = 100
LIMITED = 2000  # requests
CORES = len(os.sched_getaffinity(0))
SELECT = (
    "SELECT id, email, password_hash, is_active FROM users WHERE email = 'user1@example.com' AND deleted_at IS NULL"
)
UPDATE = "UPDATE users SET last_login_at = now() WHERE email = 'user1@example.com' AND deleted_at IS NULL"


@dataclass(frozen=True)
class Reading:
    """What one round of one operation showed."""

    requests: int
    per_second: float
    p50_ms: float
    p99_ms: float
    server_ms: float  # of processor time for each request
    postgres_ms: float

    @property
    def all_ms(self) -> float:
        return self.server_ms + self.postgres_ms


def of_operation(operation: Operation, postgres: Postgres, seconds: float) -> Reading:
    """Measure an operation, on new connections."""
    scripts = list(operation.scripts())
    return _read(
        lambda: closed_loop(operation.server.port, scripts, seconds),
        lambda: cpu_seconds(operation.server.pid),
        postgres,
        operation.name,
    )


def of_statement(statement: str, url: str, postgres: Postgres, seconds: float) -> Reading:
    """Measure a statement, sent and committed over one connection of psycopg2."""
    connection = psycopg2.connect(url)
    connection.autocommit = True

    def work() -> Outcome:
        outcome = Outcome()
        started = time.perf_counter()
        with connection.cursor() as cursor:
            while (begun := time.perf_counter()) < started + seconds:
                cursor.execute(statement)
                outcome.latencies.append(time.perf_counter() - begun)
        outcome.seconds = time.perf_counter() - started
        return outcome

    reading = _read(work, time.process_time, postgres, statement)
    connection.close()
    return reading


def hashes_per_second(bcrypt_rounds: int, seconds: float) -> float:
    """How many passwords bcrypt checks on all cores with nothing around it."""
    stored = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(bcrypt_rounds))
    until = time.perf_counter() + seconds

    def check(_: int) -> float:
        done, started = 0, time.perf_counter()
        while time.perf_counter() < until:
            bcrypt.checkpw(PASSWORD.encode(), stored)
            done += 1
        return done / (time.perf_counter() - started)

    with ThreadPoolExecutor(CORES) as pool:
        return sum(pool.map(check, range(CORES)))


def hash_ms(bcrypt_rounds: int) -> float:
    """Processor time of checking one password."""
    stored = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(bcrypt_rounds))
    started = time.process_time()
    for _ in range(HASHES):
        bcrypt.checkpw(PASSWORD.encode(), stored)
    return (time.process_time() - started) / HASHES * 1000


def rate_limit_ms() -> float:
    """Processor time of counting a request, in memory, and of the headers that say so."""
    app, limit, counters = Flask(__name__), Limit("login", LIMITED, 60), Counters(None)
    spent = 0.0
    for _ in range(LIMITED):
        with app.test_request_context("/", environ_base={"REMOTE_ADDR": "192.0.2.1"}):
            started = time.process_time()
            limit.count(counters)
            app.process_response(Response())
            spent += time.process_time() - started
    return spent / LIMITED * 1000


def statements(operation: Operation, postgres: Postgres) -> float:
    """How many statements reach the database for each request, once its connections are made."""
    closed_loop(operation.server.port, operation.scripts(), WARM_UP_SECONDS)
    scripts = [some(script, COUNTED) for script in operation.scripts()]
    with postgres.overheard() as heard:
        closed_loop(operation.server.port, scripts, LONG_ENOUGH)
    return len(heard) / (COUNTED * len(scripts))


def _read(work: Callable[[], Outcome], cpu: Callable[[], float], postgres: Postgres, name: str) -> Reading:
    own, database = cpu(), cpu_seconds(postgres.pid)
    outcome = work()
    own, database = cpu() - own, cpu_seconds(postgres.pid) - database
    failed = {status: number for status, number in outcome.statuses.items() if not 200 <= status < 300}
    done = len(outcome.latencies)
    if failed or not done:
        raise RuntimeError(f"{name}: {done} answers, among them {failed}")
    return Reading(
        requests=done,
        per_second=done / outcome.seconds,
        p50_ms=outcome.quantile(0.5),
        p99_ms=outcome.quantile(0.99),
        server_ms=own / done * 1000,
        postgres_ms=database / done * 1000,
    )
