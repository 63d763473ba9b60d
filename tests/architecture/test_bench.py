"""The benchmark measures what it says. Whether authapp is fast is for `make bench` to show, not for a test."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from tests import bulk
from tests.bench import machine, readings
from tests.bench.charts import NAMES, charts, draw
from tests.bench.clients import always, closed_loop, open_loop, request, some
from tests.bench.operations import operations
from tests.bench.population import Population
from tests.bench.report import Figure, Report
from tests.bench.servers import Postgres, gunicorn
from tests.bench.sizes import Counts, sizes
from tests.pages import page

pytestmark = pytest.mark.xdist_group("live")

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


def test_every_operation_is_answered(postgres: Postgres, worker_id: str) -> None:
    population = Population(postgres, f"bench_{worker_id}", users=200, organizations=5, biggest=60, bcrypt_rounds=4)
    with (
        gunicorn("tests.bench.baselines:bare", population.url, 4, "/") as bare,
        gunicorn("tests.bench.baselines:fast", population.url, 4, "/") as fast,
        gunicorn("wsgi:app", population.url, 4, "/readyz") as service,
    ):
        report = Report()
        measured = operations(bare, fast, service, population)
        for operation in measured:
            report.statements[operation.name] = operation.statements or 0
            report.readings[operation.name] = [readings.of_operation(operation, postgres, 0.2)]
        report.compare(measured, hash_ms=0)
        assert all(reading.requests > 0 for [reading] in report.readings.values())
        assert report.ratios["baseline"] == 1
        assert machine.worker_pss(service.pid) > 1
    assert set(json.loads(json.dumps(report.as_dict()))["readings"]) == {operation.name for operation in measured}
    assert "page of 50 members" in "\n".join(report.lines())
    for chart in charts(json.loads(json.dumps(report.as_dict()))):
        assert [row.text for row in texts(draw(chart))].count("page of 50 members") == 1


def test_the_sizes_are_loaded_and_measured(postgres: Postgres, worker_id: str) -> None:
    counts = Counts(members=200, sessions=20, organizations=8, others=1000, events=2000, times=1)
    figures = sizes(postgres, counts, f"sizes_{worker_id}")
    assert [figure.name for figure in figures if "sessions" in figure.name] == ["sign out of 20 sessions, s"]
    assert len([figure for figure in figures if figure.name.startswith("audit log (2,000), ")]) == len(bulk.FILTERS)
    assert len([figure for figure in figures if figure.name.startswith("members, ")]) == 7


def texts(svg: str) -> list[ElementTree.Element]:
    return ElementTree.fromstring(svg).findall(".//{http://www.w3.org/2000/svg}text")


@pytest.mark.parametrize(
    ("chart", "columns", "between"), [("throughput", [0], ""), ("processor", [3, 5], " + "), ("latency", [1, 2], " / ")]
)
def test_the_charts_of_the_docs_show_the_figures_of_their_table(chart: str, columns: list[int], between: str) -> None:
    rows = [[cell.strip(" `") for cell in line.split("|")[1:-1]] for line in page("docs/performance.md").splitlines()]
    table = {row[0]: row[1:] for row in rows if len(row) == 8 and row[0] in NAMES.values()}
    shown = [text.text or "" for text in texts(page(f"docs/charts/{chart}.svg"))]
    bars = dict(zip(shown[-2 * len(NAMES) :: 2], shown[-2 * len(NAMES) + 1 :: 2], strict=True))
    told = {name: [float(figures[column]) for column in columns] for name, figures in table.items()}
    drawn = {
        name: [float(number) for number in (text.split(between) if between else [text])] for name, text in bars.items()
    }
    assert told == drawn


def test_closed_clients_ask_as_often_as_they_are_answered(server: int) -> None:
    outcome = closed_loop(server, [some(always(HEALTH), 5) for _ in range(3)], 60)
    assert outcome.statuses == {200: 15}
    assert len(outcome.latencies) == 15
    refused = closed_loop(server, [some(always(request("GET", "/auth/me", "junk")), 1)], 60)
    assert refused.statuses == {401: 1}


def test_an_open_client_asks_when_it_is_time_and_not_when_it_is_answered(server: int) -> None:
    outcome = open_loop(server, HEALTH, per_second=50, seconds=1)
    assert outcome.statuses == {200: 50}
    assert outcome.seconds >= 49 / 50
    assert outcome.quantile(0.5) <= outcome.quantile(0.99)


@pytest.mark.parametrize(
    ("figure", "reached", "in_bounds"),
    [
        (Figure("f", 1.2, target=1.25, bound=1.6), True, True),
        (Figure("f", 1.5, target=1.25, bound=1.6), False, True),
        (Figure("f", 1.7, target=1.25, bound=1.6), False, False),
        (Figure("f", 1.7, target=1.25), False, True),
        (Figure("f", 0.9, target=0.95, bound=0.8, at_least=True), False, True),
        (Figure("f", 0.7, target=0.95, bound=0.8, at_least=True), False, False),
    ],
)
def test_a_figure_is_held_against_its_target_and_its_bound(figure: Figure, reached: bool, in_bounds: bool) -> None:
    assert (figure.reached, figure.in_bounds) == (reached, in_bounds)
    assert ("missed" in figure.line()) is not reached
