"""The worker runs each job again and again, and the table `jobs` tells when it has."""

from __future__ import annotations

import json
from collections.abc import Callable
from threading import Event

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from authapp.db import transaction
from authapp.jobs.registry import JOBS, Job
from authapp.jobs.runner import repeat
from tests.factories import World

RUNS = "SELECT name, error, succeeded_at IS NOT NULL FROM jobs"


def run(world: World, *outcomes: Callable[[], object]) -> list[tuple[object, ...]]:
    """Run a job once for each outcome, and give the rows of `jobs`."""
    left = list(outcomes)

    def work(stopped: Event) -> None:
        outcome = left.pop(0)
        if not left:
            stopped.set()
        outcome()

    repeat(Job("example", 0, work), Event(), world.app)
    assert not left
    return [tuple(row) for row in world.sql(RUNS)]


def fail() -> None:
    raise ValueError("a\x00b")


def lose_the_database() -> None:
    raise OperationalError("", None, ConnectionError("gone"))


def leave_a_transaction_open() -> None:
    transaction.execute(text("SELECT no_such_column"))


def test_a_job_that_has_run_is_recorded(world: World) -> None:
    assert run(world, int) == [("example", None, True)]


def test_a_job_runs_again_after_an_error_which_is_recorded(world: World) -> None:
    assert run(world, fail) == [("example", "ValueError: ab", False)]
    assert run(world, int) == [("example", None, True)]
    assert run(world, fail, int) == [("example", "ValueError: ab", True)]  # the success is recorded seconds later


def test_a_failed_statement_does_not_end_the_job(world: World) -> None:
    [(_, error, _)] = run(world, leave_a_transaction_open, int)
    assert str(error).startswith("UndefinedColumn: ")


@pytest.mark.parametrize(("outcome", "level"), [(fail, "error"), (lose_the_database, "warning")])
def test_the_log_tells_of_a_failed_job_and_gives_a_traceback_of_a_defect_only(
    world: World, capfd: pytest.CaptureFixture[str], outcome: Callable[[], object], level: str
) -> None:
    run(world, outcome)
    [line] = [json.loads(line) for line in capfd.readouterr().out.splitlines() if "job.failed" in line]
    assert (line["level"], line["job"], "exception" in line) == (level, "example", level == "error")


def test_each_job_has_a_name_of_its_own() -> None:
    assert len({job.name for job in JOBS}) == len(JOBS)
