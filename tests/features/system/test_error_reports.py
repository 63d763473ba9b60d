"""Crashes that are reported to Sentry, played by a local server: what arrives there has no value of anybody."""

from __future__ import annotations

import gzip
import json
import queue
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any, NamedTuple

import pytest
from sqlalchemy import text

from authapp.core.actor import current_actor
from authapp.db import transaction
from authapp.decorators.guards import require_active_user
from authapp.instance import ROOT
from authapp.jobs.registry import Job
from authapp.jobs.runner import repeat
from authapp.schemas.sessions import Login
from authapp.web.blueprint import Blueprint
from tests.factories import AppWith, World

SECRET, EMAIL = "a-value-that-nobody-may-learn", "somebody@example.com"


class Sentry(NamedTuple):
    """What the server has been sent, and the DSN that leads to it."""

    dsn: str
    received: queue.Queue[bytes]

    def event(self) -> tuple[dict[str, Any], str]:
        """The next event, and the whole text of its envelope."""
        envelope = self.received.get(timeout=20).decode()
        return json.loads(envelope.splitlines()[2]), envelope


@pytest.fixture
def sentry() -> Iterator[Sentry]:
    received: queue.Queue[bytes] = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.put(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield Sentry(f"http://public@127.0.0.1:{server.server_port}/7", received)
        server.shutdown()
        thread.join()


def broken() -> Blueprint:
    blueprint = Blueprint("broken", __name__, url_prefix="/broken")

    @blueprint.post("")
    @require_active_user
    @blueprint.arguments(Login)
    def crash(body: dict[str, Any]) -> None:
        account = current_actor.user
        try:
            transaction.execute(text("SELECT :secret::int"), {"secret": SECRET})
        except Exception as error:
            raise ValueError(f"{SECRET} {account.email} {body}") from error

    return blueprint


def test_a_crash_is_reported_with_its_place_in_the_code_and_without_any_value(
    world: World, app_with: AppWith, sentry: Sentry
) -> None:
    person = world.person()
    token = person.session["access_token"]
    app = app_with(blueprints=[broken()], sentry_dsn=sentry.dsn)
    client = app.test_client()
    client.set_cookie("authapp_refresh", SECRET)
    answer = client.post(
        "/api/v1/broken",
        json={"email": EMAIL, "password": SECRET},
        headers={"Authorization": f"Bearer {token}", "User-Agent": SECRET, "X-Forwarded-For": SECRET},
        environ_overrides={"REMOTE_ADDR": "203.0.113.77", "HTTP_REFERER": f"https://example.com/?{SECRET}"},
    )
    assert answer.status_code == 500
    event, envelope = sentry.event()
    for secret in (SECRET, EMAIL, person.email, str(person.id), token, person.refresh_token, "203.0.113.77", "Bearer"):
        assert secret not in envelope
    assert event["tags"] == {"route": "/api/v1/broken", "request_id": answer.get_json()["request_id"]}
    assert event.keys() == {
        "event_id", "timestamp", "level", "platform", "release", "environment", "sdk", "tags", "exception",
    }  # fmt: skip
    *_, last = event["exception"]["values"]
    assert last.keys() <= {"type", "module", "mechanism", "stacktrace"}
    assert (last["type"], last["stacktrace"]["frames"][-1]["function"]) == ("ValueError", "crash")
    for exception in event["exception"]["values"]:
        for frame in exception["stacktrace"]["frames"]:
            assert frame.keys() <= {"filename", "function", "module", "lineno", "in_app"}


def test_an_error_that_is_no_crash_is_not_reported_and_a_failed_job_is(
    world: World, app_with: AppWith, sentry: Sentry
) -> None:
    app, stopped = app_with(sentry_dsn=sentry.dsn), Event()
    assert app.test_client().get("/api/v1/auth/me").status_code == 401

    def fail(event: Event) -> None:
        event.set()
        raise ValueError(EMAIL)

    repeat(Job("example", 0, fail), stopped, app)
    event, envelope = sentry.event()
    assert (event["tags"], event["exception"]["values"][0]["type"]) == ({"job": "example"}, "ValueError")
    assert EMAIL not in envelope


def test_while_sentry_is_away_a_crash_is_answered_as_ever(world: World, app_with: AppWith) -> None:
    client = app_with(blueprints=[broken()], sentry_dsn="http://public@127.0.0.1:1/7").test_client()
    headers = {"Authorization": f"Bearer {world.person().session['access_token']}"}
    answer = client.post("/api/v1/broken", json={"email": EMAIL, "password": SECRET}, headers=headers)
    assert (answer.status_code, answer.get_json()["code"]) == (500, "internal_error")


def test_without_a_dsn_the_sdk_is_not_even_imported(settings: Any) -> None:
    program = "import sys, wsgi; sys.exit('sentry_sdk' in sys.modules)"
    environment = {"APP_ENV": "testing", "DATABASE_URL": settings.database_url}
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, check=False).returncode == 0
