"""`flask doctor`: a line for each thing, whatever is broken."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from werkzeug import Response

from authapp.cli.doctor import CHECKS
from authapp.config import UnsafeSettings
from authapp.core.clock import FrozenClock
from authapp.dev.postgres import create_database
from authapp.instance import ROOT
from authapp.jobs.registry import JOBS
from tests.cli.commands import as_json, said
from tests.factories import AppWith, World
from tests.live import free_port
from tests.providers.http_server import json_response, serving_wsgi
from tests.second_factors import enrol

NAMES = [check.name for check in CHECKS]
AWAY = "postgresql://nobody@127.0.0.1:1/none"
RUN = "INSERT INTO jobs (name, finished_at, succeeded_at, error) VALUES (:name, now(), now() - {}, :error)"
EMAIL = "INSERT INTO outbox (id, recipient, kind, due_at, dead_at) VALUES (uuidv7(), 'ada@example.com', 'x', {}, {})"
VERSION = "UPDATE alembic_version SET version_num = "

Deployed = Callable[..., World]


@pytest.fixture
def deployed(world: World, app_with: AppWith) -> Iterator[Deployed]:
    """A deployment in which nothing is wrong, but for what a test changes: its public address, mail server, worker."""
    with ExitStack() as running:
        address = running.enter_context(serving_wsgi(json_response({"status": "ok"})))
        server = Controller(Sink(), "127.0.0.1", free_port())
        server.start()
        running.callback(server.stop)
        mail_url = f"smtp://127.0.0.1:{server.port}"
        for job in JOBS:
            world.sql(RUN.format("interval '0'"), name=job.name, error=None)
        yield lambda **changes: world.with_app(app_with(**{"public_url": address, "mail_url": mail_url, **changes}))


def lines(world: World, status: int = 0) -> dict[str, tuple[str, str]]:
    """How each check ended, and what it says."""
    printed = [line.partition(": ") for line in said(world, "doctor", status=status).splitlines()]
    return {head.split(maxsplit=1)[1]: (head.split()[0], text) for head, _, text in printed}


def test_in_a_sound_deployment_every_line_is_ok(deployed: Deployed) -> None:
    world = deployed()
    found = lines(world)
    assert list(found) == NAMES
    assert {status for status, _ in found.values()} == {"ok"}, found
    document = as_json(world, "doctor")
    assert document["ok"] is True
    assert document["checks"][NAMES.index("role")] == {
        "name": "role",
        "status": "ok",
        "text": "authapp, without SUPERUSER and BYPASSRLS",
    }


@pytest.mark.parametrize(
    ("changes", "name", "status", "text"),
    [
        ({"refresh_grace_seconds": 999}, "settings", "wrong", "REFRESH_GRACE_SECONDS: choose 0 to 300."),
        ({"app_env": "production"}, "public address", "wrong", "PUBLIC_URL is http://127.0.0.1"),
        ({"public_url": "http://127.0.0.1:1"}, "public address", "warning", "http://127.0.0.1:1/healthz is not reach"),
        ({"mail_url": ""}, "mail server", "warning", "MAIL_URL is not set"),
        ({"mail_url": "smtp://127.0.0.1:1"}, "mail server", "wrong", "The mail server does not take emails: [Errno "),
        ({"mail_url": "console:"}, "mail server", "ok", "no mail server: emails are not sent"),
        ({"redis_url": "redis://127.0.0.1:1/0"}, "redis", "wrong", "Redis does not answer: Error "),
        ({"github_client_id": "id", "github_client_secret": "secret"}, "providers", "ok", "github"),
    ],
)
def test_doctor_says_what_to_do_about_settings(
    deployed: Deployed, changes: dict[str, Any], name: str, status: str, text: str
) -> None:
    world = deployed(**changes)
    found = json.loads(world.app.test_cli_runner().invoke(args=["doctor", "--json"]).output)
    line = found["checks"][NAMES.index(name)]
    assert (line["status"], line["text"][: len(text)]) == (status, text)
    assert found["ok"] is (status != "wrong")


@pytest.mark.parametrize(
    ("ruin", "mend", "name", "status", "text"),
    [
        (f"{VERSION}'0001'", None, "migrations", "wrong", "database at ['0001'], code at "),
        (
            "ALTER TABLE api_keys NO FORCE ROW LEVEL SECURITY",
            "ALTER TABLE api_keys FORCE ROW LEVEL SECURITY",
            "row-level security",
            "wrong",
            "Not forced on api_keys.",
        ),
        (
            "ALTER TABLE jobs RENAME TO gone",
            "ALTER TABLE gone RENAME TO jobs",
            "worker",
            "wrong",
            "Could not be checked",
        ),
        ("DELETE FROM jobs", None, "worker", "wrong", "emails has never run."),
        (
            "UPDATE jobs SET succeeded_at = now() - interval '1 hour', error = 'OSError: x'",
            None,
            "worker",
            "wrong",
            "emails has last succeeded: ",
        ),
        (EMAIL.format("now() - interval '1 hour'", "NULL"), None, "waiting emails", "wrong", "One is due since "),
        (EMAIL.format("now() + interval '1 hour'", "NULL"), None, "waiting emails", "ok", "none is late"),
        (EMAIL.format("NULL", "now()"), None, "dead emails", "warning", "1 given up. See: flask"),
    ],
)
def test_doctor_says_what_to_do_about_the_database(
    deployed: Deployed, ruin: str, mend: str | None, name: str, status: str, text: str
) -> None:
    world = deployed()
    [[version]] = world.sql("SELECT version_num FROM alembic_version")
    world.sql(ruin)
    try:
        found = lines(world, status=int(status == "wrong"))
    finally:
        world.sql(mend or f"{VERSION}'{version}'")
    assert list(found) == NAMES
    assert (found[name][0], found[name][1][: len(text)]) == (status, text)
    assert {other for other in NAMES if found[other][0] != "ok"} <= {name}


def test_doctor_refuses_a_superuser(deployed: Deployed) -> None:
    url = deployed().app.settings.database_url.replace("authapp@", "postgres@")
    assert lines(deployed(database_url=url), status=1)["role"] == (
        "wrong",
        "postgres is a superuser: row-level security does not apply to it. Give DATABASE_URL a role without.",
    )


def test_doctor_compares_the_clocks(deployed: Deployed, time: FrozenClock) -> None:
    time.advance(minutes=5)
    status, text = lines(deployed(), status=1)["clock"]
    assert (status, text.partition(" are ")[0]) == ("wrong", "This machine and the database")


def test_doctor_tells_another_secret_key(world: World, deployed: Deployed) -> None:
    enrol(world.person())
    assert lines(deployed())["secret"][0] == "ok"
    found = lines(deployed(secret_key="another-secret-that-is-as-long-as-the-first"), status=1)
    assert found["secret"][1].startswith("SECRET_KEY is not that with which 1 authenticator apps were encrypted.")


def test_another_service_at_the_public_address_is_not_taken_for_authapp(deployed: Deployed) -> None:
    for answer in (Response("Welcome"), json_response({"status": "ok"}, status=503)):
        with serving_wsgi(answer) as address:
            status, text = lines(deployed(public_url=address), status=1)["public address"]
        assert (status, text.partition("healthz")[2][:8]) == ("wrong", " does no")


def test_without_a_database_all_other_things_are_checked(deployed: Deployed) -> None:
    found = lines(deployed(database_url=AWAY), status=1)
    assert list(found) == NAMES
    assert found["database"][1].startswith("The database cannot be reached: ")
    assert found["worker"] == ("wrong", "Not checked: the database comes first.")
    assert {check.name for check in CHECKS if found[check.name][0] == "ok"} == {
        check.name for check in CHECKS if not check.in_database
    }


def test_an_empty_database_is_to_be_migrated(deployed: Deployed, socket_folder: str, worker_id: str) -> None:
    create_database(socket_folder, f"empty_{worker_id}")
    found = lines(deployed(database_url=f"postgresql://authapp@/empty_{worker_id}?host={socket_folder}"), status=1)
    assert list(found) == NAMES
    assert found["migrations"][1].endswith("Run: flask --app wsgi db upgrade")
    assert found["secret"] == ("wrong", "Could not be checked: the database is not migrated.")
    assert found["database"][0] == found["role"][0] == "ok"


def test_with_settings_that_no_application_can_be_made_with_all_lines_are_printed() -> None:
    environment = {**os.environ, "APP_ENV": "production", "SECRET_KEY": "short", "DATABASE_URL": AWAY}
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "doctor", "--json"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == UnsafeSettings.EXIT_STATUS
    found = json.loads(done.stdout)["checks"]
    assert [check["name"] for check in found] == NAMES
    assert "SECRET_KEY: shorter than 32 bytes." in found[0]["text"]
