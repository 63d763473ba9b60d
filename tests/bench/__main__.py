"""`python -m tests.bench`: measure authapp beside its baselines, on this machine, in these minutes."""

from __future__ import annotations

import dataclasses
import json
import sys
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import click

from tests.bench import machine, readings
from tests.bench.growth import growth
from tests.bench.operations import operations
from tests.bench.population import Population
from tests.bench.report import Figure, Report
from tests.bench.servers import Postgres, gunicorn, postgres
from tests.bench.sizes import Counts, sizes
from tests.bench.storms import Storm, beside_slow_clients, sign_ins, storm
from tests.live import SLOW_CLIENTS

SIZE = {"users": 1000, "organizations": 10, "biggest": 100}
CHEAP, DEAR = 4, 12  # cost of bcrypt: next to nothing, and as in production
MOMENT = 0.4  # seconds: the machine changes its pace within a few, and new connections may all meet one worker
STARTS = 3
STORMS = (0, 16, 64)  # clients


@click.command()
@click.option("--check", is_flag=True, help="Fewer rounds, no growth; fail where a figure leaves its bound.")
@click.option("--json", "path", type=click.Path(path_type=Path), help="Write everything that was found to this file.")
def bench(check: bool, path: Path | None) -> None:
    """Measure authapp beside its baselines. Takes some 15 minutes, and 4 with --check."""
    report = Report()
    with ExitStack() as stack:
        database = stack.enter_context(postgres())
        cheap = Population(database, "cheap", **SIZE, bcrypt_rounds=CHEAP)
        _measure_operations(report, database, cheap, rounds=10 if check else 40)
        _measure_storms(report, database, rounds=1 if check else 3)
        _say("An account and an organization of many ...")
        report.figures += sizes(database, Counts(events=100_000) if check else Counts())
        if not check:
            _say("From 1,000 to 1,000,000 users ...")
            report.growth, report.read_whole = growth(database, cheap, rounds=5, seconds=1.0)
            report.figures += [Figure(f"{name}: CPU at 1M users, × 1k", by, 1.15) for name, by in report.growth.items()]
            report.figures.append(Figure("tables read whole", len(report.read_whole), 0))
    click.echo("\n".join(report.lines()))
    if path:
        path.write_text(json.dumps(report.as_dict(), indent=2))
    if check and (outside := [figure for figure in report.figures if not figure.in_bounds]):
        sys.exit("Out of bounds:\n" + "\n".join(f"  {figure.line()}" for figure in outside))


def _measure_operations(report: Report, database: Postgres, population: Population, rounds: int) -> None:
    with ExitStack() as stack:
        bare = stack.enter_context(gunicorn("tests.bench.baselines:bare", population.url, CHEAP, "/"))
        fast = stack.enter_context(gunicorn("tests.bench.baselines:fast", population.url, CHEAP, "/"))
        starts = []
        for _ in range(STARTS - 1):
            with gunicorn("wsgi:app", population.url, CHEAP, "/readyz") as service:
                starts.append(service.seconds_to_first_answer)
        service = stack.enter_context(gunicorn("wsgi:app", population.url, CHEAP, "/readyz"))
        starts.append(service.seconds_to_first_answer)
        measured = operations(bare, fast, service, population)
        for operation in measured:
            report.statements[operation.name] = readings.statements(operation, database)
        for number in range(rounds):
            _say(f"Operations, round {number + 1} of {rounds} ...")
            for operation in measured:
                _add(report, operation.name, readings.of_operation(operation, database, MOMENT))
            for name, statement in (("raw SELECT", readings.SELECT), ("raw UPDATE + COMMIT", readings.UPDATE)):
                _add(report, name, readings.of_statement(statement, population.url, database, MOMENT))
        report.compare(measured, readings.hash_ms(CHEAP))
        report.figures += [
            Figure("PSS of a worker, MiB", machine.worker_pss(service.pid), 75),
            Figure("a rate limit in memory, ms of CPU", readings.rate_limit_ms(), 0.1, 0.3),
            Figure("start to first answer, seconds", median(starts), 1.5),
        ]


def _measure_storms(report: Report, database: Postgres, rounds: int) -> None:
    population = Population(database, "dear", **SIZE, bcrypt_rounds=DEAR)
    with gunicorn("wsgi:app", population.url, DEAR, "/readyz") as service:
        alone: list[float] = []
        weather: dict[int, list[Storm]] = {clients: [] for clients in STORMS}
        for number in range(rounds):
            _say(f"Storms, round {number + 1} of {rounds} ...")
            alone.append(sign_ins(service, population))
            for clients in STORMS:
                weather[clients].append(storm(service, population, clients))
        report.storms = [_middle(found) for found in weather.values()]
        _say("Slow clients ...")
        for kind in SLOW_CLIENTS:
            worst = max(beside_slow_clients(service, population, kind).latencies) * 1000
            report.figures.append(Figure(f"150 slow clients, {kind}: worst me, ms", worst, 100, 1000))
        rest, *stormy = report.storms
        report.figures.append(Figure("login, hash cost 12, of bcrypt's rate", median(alone), 0.95, 0.8, at_least=True))
        for one in stormy:
            name = f"{one.clients} clients signing in"
            report.figures += [
                Figure(f"{name}: p99 of me, ms", one.read_p99_ms, 30, 250),
                Figure(f"{name}: p99 of me, × at rest", one.read_p99_ms / rest.read_p99_ms, 3),
                Figure(f"{name}: reads failed", one.reads_failed, 0, 0),
                Figure(f"{name}: of bcrypt's rate", one.share_of_bcrypt, 0.9, 0.7, at_least=True),
            ]


def _middle(storms: list[Storm]) -> Storm:
    """The median of each number; of what went wrong, all."""
    first = storms[0]
    numbers = {
        name: median(getattr(storm, name) for storm in storms)
        for name in ("read_p50_ms", "read_p99_ms", "sign_ins_per_second", "share_of_bcrypt", "longest_sign_in")
    }
    refused: dict[int, int] = {}
    for one in storms:
        refused = {status: refused.get(status, 0) + one.refused.get(status, 0) for status in {*refused, *one.refused}}
    failed = sum(storm.reads_failed for storm in storms)
    return dataclasses.replace(first, **numbers, reads_failed=failed, refused=refused)


def _add(report: Report, name: str, reading: readings.Reading) -> None:
    report.readings.setdefault(name, []).append(reading)


def _say(what: str) -> None:
    click.echo(what, err=True)


if __name__ == "__main__":
    bench()
