"""What `GET /metrics` tells, and to whom."""

from __future__ import annotations

import json
import re
import time as real_time
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

import pytest

from authapp.core import metrics
from authapp.core.clock import FrozenClock
from authapp.core.errors import catalogue
from authapp.core.metrics import METHODS, OTHER, SIGN_INS, STARTED, UNMATCHED
from authapp.db.engine import db
from authapp.services.monitoring import _STATE
from authapp.web.application import Application
from authapp.web.openapi import routes
from tests.factories import PASSWORD, AppWith, World, statements
from tests.features.system.test_system import NOWHERE
from tests.metrics import Samples, labels_by_name, read, value
from tests.pages import page
from tests.second_factors import enrol

TOKEN = "a-token-of-the-metrics-in-tests-that-is-long"
COUNT = "http_request_duration_seconds_count"


@pytest.fixture
def metered(world: World, app_with: AppWith) -> World:
    return world.with_app(app_with(metrics_token=TOKEN))


def scrape(world: World) -> Samples:
    response = world.caller(TOKEN).open("/metrics")
    assert response.status_code == 200
    assert response.content_type.startswith("text/plain; version=")
    return read(response.text)


@pytest.mark.parametrize(
    ("setting", "sent", "code"),
    [
        (TOKEN, None, "missing_service_key"),
        (TOKEN, "", "missing_service_key"),
        (TOKEN, f"Basic {TOKEN}", "invalid_service_key"),
        (TOKEN, f"Bearer {TOKEN}x", "invalid_service_key"),
        (TOKEN, f"Bearer {TOKEN[:-1]}", "invalid_service_key"),
        (TOKEN, f"Bearer {TOKEN} {TOKEN}", "invalid_service_key"),
        (TOKEN, "Bearer", "invalid_service_key"),
        (None, f"Bearer {TOKEN}", "invalid_service_key"),
        (None, "Bearer None", "invalid_service_key"),
    ],
)
def test_metrics_are_for_the_bearer_of_metrics_token_or_of_a_service_key_alone(
    world: World, app_with: AppWith, setting: str | None, sent: str | None, code: str
) -> None:
    caller = world.with_app(app_with(metrics_token=setting)).caller()
    response = caller.open("/metrics", headers={} if sent is None else {"Authorization": sent})
    assert (response.status_code, response.get_json()["code"]) == (401, code)
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_service_key_with_the_right_to_it_reads_metrics(world: World) -> None:
    assert world.caller(world.service_key("metrics")).open("/metrics").status_code == 200
    response = world.caller(world.service_key("introspect")).open("/metrics")
    assert (response.status_code, response.get_json()["code"]) == (403, "right_missing")


def test_a_request_is_counted_by_its_route_and_the_class_of_its_status(metered: World) -> None:
    person = metered.person("Acme")
    members = f"/organizations/{person.organization_id}/members"
    before = scrape(metered)
    for token in (None, person.session["access_token"], person.session["access_token"]):
        metered.caller(token).call("GET", members)
    after, labels = scrape(metered), {"route": "/api/v1/organizations/<organization_id>/members", "method": "GET"}
    for status, expected in (("2xx", 2), ("4xx", 1), ("5xx", 0)):
        assert value(after, COUNT, **labels, status=status) - value(before, COUNT, **labels, status=status) == expected
    assert value(after, "errors_total", code="missing_token") - value(before, "errors_total", code="missing_token") == 1


HOSTILE = [
    ("GET", "/nobody@example.com"),
    ("FOO", "/x"),
    ("FOO", "/healthz"),
    ("get", "/healthz"),
    ("PROPFIND", '/"} 1\nauthapp_up{x="'),
    ("GET", "/api/v1/organizations/019aab1c-7d3e-7a40-9a55-00000000beef/members"),
    ("GET", "/api/v1/auth/sessions/019aab1c-7d3e-7a40-9a55-00000000beef"),
    ("DELETE", "/api/v1/auth/sessions/not-an-id"),
    ("POST", "/api/v1/auth/login%2f"),
    ("GET", "/docs/assets/nobody.css"),
    ("GET", "/metrics?nobody@example.com"),
    ("OPTIONS", "/api/v1/auth/login"),
    ("HEAD", "/healthz"),
]


def test_labels_are_of_closed_sets_whatever_is_sent(metered: World) -> None:
    for method, path in HOSTILE:
        headers = {"X-Request-ID": "nobody-knows-this", "User-Agent": "nobody", "X-HTTP-Method-Override": "NOBODY"}
        metered.caller().open(path, method=method, headers=headers)
    metered.caller().call("POST", "/auth/login", {"email": "nobody@example.com", "password": "nobody"})
    samples = scrape(metered)
    codes = {error.code for error in catalogue()} | {status.name.lower() for status in HTTPStatus}
    views = {rule.endpoint.rpartition(".")[2] for rule, _, _ in routes(metered.app)}
    allowed: dict[str, set[str]] = {
        "route": {rule.rule for rule, _, _ in routes(metered.app)} | {UNMATCHED},
        "method": {*METHODS, OTHER},
        "status": {"2xx", "3xx", "4xx", "5xx"},
        "code": codes,
        "outcome": codes | {STARTED},
        "kind": set(SIGN_INS.values()),
        "limit": views,
        "pool": {"transaction", "autocommit"},
        "state": {"waiting", "dead"},
    }
    # other tests in this process have views of their own
    of_tests = {route for _, labels in samples for name, route in labels if name == "route"} - allowed["route"]
    for name, labels in samples:
        for label, found in labels:
            assert "nobody" not in found, name
            assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}", found), name
            assert label in {"le", "name", "version", "python"} or found in allowed[label] | of_tests, name
    assert value(samples, COUNT, route=UNMATCHED, method=OTHER, status="4xx") >= 1
    assert value(samples, COUNT, route=UNMATCHED, method="GET", status="4xx") >= 1


def test_the_routes_that_start_sessions_are_there(app: Application) -> None:
    assert SIGN_INS.keys() <= {rule.rule for rule, method, _ in routes(app) if method == "POST"}


def outcomes(samples: Samples) -> dict[str, float]:
    return {
        dict(labels)["outcome"]: number
        for (name, labels), number in samples.items()
        if name == "authapp_sign_ins_total" and ("kind", "password") in labels
    }


def sign_in_with_a_right_password(world: World) -> None:
    world.sign_in(world.person())


def sign_in_with_a_wrong_password(world: World) -> None:
    world.caller().call("POST", "/auth/login", {"email": world.person().email, "password": "wrong"})


def sign_in_with_a_second_factor(world: World) -> None:
    person = world.person()
    enrol(person)
    world.caller().call("POST", "/auth/login", {"email": person.email, "password": PASSWORD})


def sign_in_too_often(world: World) -> None:
    for _ in range(11):
        world.caller().call("POST", "/auth/login", {"email": "nobody@example.com", "password": "wrong"})


def sign_in_while_the_queue_is_full(world: World) -> None:
    queue: Any = world.app.hasher.queue
    while queue._slots.acquire(blocking=False):
        pass
    world.caller().call("POST", "/auth/login", {"email": "nobody@example.com", "password": "wrong"})


@pytest.mark.parametrize(
    ("act", "outcome"),
    [
        (sign_in_with_a_right_password, "started"),
        (sign_in_with_a_wrong_password, "wrong_credentials"),
        (sign_in_with_a_second_factor, "mfa_required"),
        (sign_in_too_often, "too_many_attempts"),
        (sign_in_while_the_queue_is_full, "hash_queue_full"),
    ],
)
def test_a_sign_in_is_counted_with_its_outcome(metered: World, act: Any, outcome: str) -> None:
    before = outcomes(scrape(metered))
    act(metered)
    after = outcomes(scrape(metered))
    assert after[outcome] - before.get(outcome, 0) == 1


def test_a_refresh_token_that_is_used_again_is_counted(metered: World, time: FrozenClock) -> None:
    person, reused = metered.person(), {"code": "refresh_token_reused"}
    before = scrape(metered)
    for _ in range(2):
        metered.caller().call("POST", "/auth/refresh", {"refresh_token": person.refresh_token})
        time.advance(minutes=1)
    assert value(scrape(metered), "errors_total", **reused) - value(before, "errors_total", **reused) == 1


def test_a_request_beyond_a_rate_limit_is_counted_by_the_limit(
    world: World, app_with: AppWith, time: FrozenClock
) -> None:
    limited = world.with_app(app_with(metrics_token=TOKEN, rate_limits="on"))
    before = scrape(limited)
    for _ in range(32):
        limited.caller().call("DELETE", "/auth/mfa/totp", {"code": "123456"})
    found = [value(samples, "rate_limited_total", limit="remove_totp") for samples in (before, scrape(limited))]
    assert found[1] - found[0] == 2


def test_the_depth_of_the_hash_queue_and_its_waits_are_told(metered: World) -> None:
    queue, before = metered.app.hasher.queue, scrape(metered)
    with queue.slot(), queue.slot():
        assert value(scrape(metered), "hash_queue_depth") - value(before, "hash_queue_depth") == 2
        queue.run(int)
    after = scrape(metered)
    assert value(after, "hash_queue_depth") == value(before, "hash_queue_depth")
    assert value(after, "hash_queue_wait_seconds_count") - value(before, "hash_queue_wait_seconds_count") == 1


@pytest.mark.parametrize("pool", ["transaction", "autocommit"])
def test_connections_in_use_and_waits_for_one_are_told_of_each_pool(world: World, app_with: AppWith, pool: str) -> None:
    app = app_with(metrics_token=TOKEN, web_threads=2)
    metered = world.with_app(app)
    before = scrape(metered)
    assert value(before, "db_pool_size", pool=pool) == 2
    with app.app_context(), ThreadPoolExecutor(1) as other:
        engine = db.engine if pool == "transaction" else db.engines["autocommit"]
        with engine.connect(), engine.connect() as connection:
            assert value(read(metrics.exposition([]).decode()), "db_pool_in_use", pool=pool) == 2
            waiting = other.submit(lambda: engine.connect().close())
            real_time.sleep(0.05)
            connection.close()
            waiting.result()
    after = scrape(metered)
    assert value(after, "db_pool_in_use", pool="transaction") == 0
    waits = [value(samples, "db_pool_wait_seconds_count", pool=pool) for samples in (before, after)]
    assert waits[1] - waits[0] == 1


def test_the_emails_that_wait_and_those_that_were_given_up_are_told(
    world: World, app_with: AppWith, time: FrozenClock
) -> None:
    world.sql(
        "INSERT INTO outbox (id, recipient, kind, due_at, dead_at, sent_at) SELECT gen_random_uuid(), '', '', "
        "CASE WHEN n < 4 THEN :now - make_interval(mins => 65 - n * 60) END, "  # one is due
        "CASE WHEN n = 4 THEN :now END, CASE WHEN n > 4 THEN :now END FROM generate_series(1, 9) AS n",
        now=time.now(),
    )
    samples = scrape(world.with_app(app_with(metrics_token=TOKEN)))
    assert (value(samples, "outbox_messages", state="waiting"), value(samples, "outbox_messages", state="dead")) == (
        3,
        1,
    )
    assert value(samples, "outbox_overdue_seconds") == 300


def test_the_age_of_the_oldest_unsealed_event_is_told(world: World, app_with: AppWith, time: FrozenClock) -> None:
    world.person()
    time.advance(seconds=7)
    world.person()
    metered = world.with_app(app_with(metrics_token=TOKEN))
    assert value(scrape(metered), "audit_unsealed_seconds") == pytest.approx(7, abs=2)  # the database has its own clock


def test_without_an_email_that_is_due_none_is_overdue(metered: World) -> None:
    samples = scrape(metered)
    assert (value(samples, "outbox_overdue_seconds"), value(samples, "database_up")) == (0, 1)


def test_the_last_success_of_each_job_is_told(metered: World) -> None:
    metered.sql(
        "INSERT INTO jobs (name, finished_at, succeeded_at) "
        "VALUES ('emails', now(), to_timestamp(1800000000.5)), ('never', now(), NULL)"
    )
    samples = scrape(metered)
    found = {labels: number for (name, labels), number in samples.items() if "last_success" in name}
    assert found == {frozenset({("name", "emails")}): 1800000000.5}


def test_what_is_counted_is_told_while_the_database_is_away(world: World, app_with: AppWith) -> None:
    samples = scrape(world.with_app(app_with(metrics_token=TOKEN, database_url=NOWHERE)))
    assert value(samples, "database_up") == 0
    assert value(samples, COUNT, route="/metrics") > 0
    assert not [name for name, _ in samples if "outbox" in name or "job" in name]


def test_the_database_is_asked_once_in_some_seconds(metered: World) -> None:
    with statements(metered.app) as sent:
        for _ in range(3):
            scrape(metered)
    assert len(sent) == 1


def test_the_outbox_is_counted_by_its_indexes_and_not_beyond_a_limit(world: World) -> None:
    world.sql(
        "INSERT INTO outbox (id, recipient, kind, sent_at, due_at) SELECT gen_random_uuid(), 'a@example.com', 'x', "
        "CASE WHEN n <= 12000 THEN now() END, CASE WHEN n > 12000 THEN now() END FROM generate_series(1, 20000) AS n"
    )
    world.sql("ANALYZE outbox")
    statement = _STATE % {"most": 100, "now": "now()"}
    plan = "\n".join(line for (line,) in world.sql(f"EXPLAIN {statement}"))
    assert "Seq Scan on outbox" not in plan  # it would read all that was sent before what was not
    assert world.sql(statement)[0][0] == 100


@pytest.fixture
def existing(metered: World) -> dict[str, set[str]]:
    """The labels of each metric, by its name."""
    metered.sql("INSERT INTO jobs (name, finished_at, succeeded_at) VALUES ('emails', now(), now())")
    return labels_by_name(metered.caller(TOKEN).open("/metrics").text)


def test_the_page_lists_every_metric_with_its_labels(existing: dict[str, set[str]]) -> None:
    table = page("docs/metrics.md").partition("## The metrics")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| \w+ \| (.*?) ?\| ", table, re.MULTILINE)
    assert {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows} == existing


def test_the_dashboard_and_the_alerts_ask_for_metrics_and_labels_that_exist(existing: dict[str, set[str]]) -> None:
    panels = json.loads(page("docs/grafana/authapp.json"))["panels"]
    queries = [
        (target["expr"], set(re.findall(r"{{(\w+)}}", target["legendFormat"])))
        for panel in panels
        for target in panel.get("targets", [])
    ]
    alerts = page("docs/metrics.md").partition("## Alerts")[2].partition("\n## ")[0]
    queries += [(query.replace("\\|", "|"), set()) for query in re.findall(r"^\| `([^`]+)`", alerts, re.MULTILINE)]
    asked = set()
    for query, shown in queries:
        names = {re.sub("_(bucket|count|sum)$", "", name) for name in re.findall(r"authapp_\w+", query)}
        grouped = {label for labels in re.findall(r"by \(([^)]+)\)", query) for label in labels.split(", ")}
        selected = {label for labels in re.findall(r"{([^}]*)}", query) for label in re.findall(r'(\w+)=~?"', labels)}
        assert names <= existing.keys(), query
        assert grouped | selected <= {"le", "job"}.union(*(existing[name] for name in names)), query
        assert shown <= grouped, query
        asked |= names
    assert asked == existing.keys()
