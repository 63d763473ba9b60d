"""`flask doctor`: a line for each thing, whatever is broken."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from threading import Event
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from werkzeug import Response

from authapp.cli.doctor import CHECKS
from authapp.cli.doctor.findings import Status
from authapp.cli.transaction import WRONG_SECRET
from authapp.config import UnsafeSettings
from authapp.core.clock import FrozenClock
from authapp.dev.postgres import create_database
from authapp.instance import ROOT
from authapp.jobs.audit import seal
from authapp.jobs.registry import JOBS
from tests.cli.commands import as_json, said
from tests.factories import AppWith, World
from tests.live import free_port
from tests.providers.http_server import json_response, serving_wsgi
from tests.second_factors import enrol

WIDTH = len(Status.NOT_CHECKED)
NAMES = [check.name for check in CHECKS]
OTHER = {"secret_key": "another-secret-that-is-as-long-as-the-first"}
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
    return {head[WIDTH:].strip(): (head[:WIDTH].strip(), text) for head, _, text in printed}


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
        ({"mail_url": "memory:"}, "mail server", "ok", "no mail server: emails are not sent"),
        ({"mail_url": "console:"}, "mail server", "ok", "console: emails are printed"),
        ({"mail_url": "console:/mails"}, "mail server", "ok", "console: emails are printed, and written to /mails"),
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
        (f"{VERSION}'0001'", None, "migrations", "wrong", "authapp 0"),
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
    world.sql("TRUNCATE audit_checkpoints, outbox")
    nothing = ("ok", "nothing is encrypted in the database yet: cannot be told")
    assert lines(deployed(**OTHER))["secret"] == nothing
    said(world, "users", "create", "ada@example.com")  # an email waits
    assert lines(deployed())["secret"] == ("ok", "reads what is encrypted in the database")
    assert lines(deployed(**OTHER), status=1)["secret"] == ("wrong", WRONG_SECRET)
    enrol(world.person())
    assert lines(deployed(**OTHER, secret_key_previous=world.app.settings.secret_key))["secret"][0] == "warning"
    world.sql("UPDATE outbox SET key_id = 'lost' WHERE id = (SELECT min(id::text)::uuid FROM outbox)")
    status, text = lines(deployed(), status=1)["secret"]
    assert (status, text[:48]) == ("wrong", "Rows that are encrypted with another secret: 1. ")


def test_doctor_compares_the_secret_key_with_a_checkpoint_where_nothing_is_encrypted(
    world: World, deployed: Deployed
) -> None:
    world.person()
    with world.app.app_context():
        seal(Event())
    world.sql("TRUNCATE outbox")
    assert lines(deployed())["secret"] == ("ok", "has signed the newest checkpoint of the audit log")
    status, text = lines(deployed(**OTHER), status=1)["secret"]
    assert (status, text.partition(" the newest ")[0]) == ("wrong", "SECRET_KEY is not the one that has signed")


def test_with_another_secret_key_no_signing_key_is_ok(world: World, deployed: Deployed) -> None:
    es256 = deployed(algorithm="ES256")
    said(es256, "keys", "generate")
    assert lines(es256)["signing keys"][0] == "ok"
    found = lines(deployed(algorithm="ES256", **OTHER), status=1)
    assert found["secret"] == ("wrong", WRONG_SECRET)
    assert found["signing keys"][0] == "wrong"


def test_commands_say_in_a_sentence_that_the_secret_key_is_another(world: World, app_with: AppWith) -> None:
    said(world.with_app(app_with(algorithm="ES256")), "keys", "generate")
    other = world.with_app(app_with(algorithm="ES256", **OTHER))
    for command in (["keys", "rotate"], ["keys", "generate", "--json"], ["users", "create", "ada@example.com"]):
        assert said(other, *command, status=1) == f"Error: {WRONG_SECRET}\n"


def test_another_service_at_the_public_address_is_not_taken_for_authapp(deployed: Deployed) -> None:
    for answer in (Response("Welcome"), json_response({"status": "ok"}, status=503)):
        with serving_wsgi(answer) as address:
            status, text = lines(deployed(public_url=address), status=1)["public address"]
        assert (status, text.partition("healthz")[2][:8]) == ("wrong", " does no")


def test_without_a_database_all_other_things_are_checked(deployed: Deployed) -> None:
    found = lines(deployed(database_url=AWAY), status=1)
    assert list(found) == NAMES
    assert found["database"][1].startswith("The database cannot be reached: ")
    assert found["worker"] == ("not checked", "the database comes first")
    assert {check.name for check in CHECKS if found[check.name][0] == "ok"} == {
        check.name for check in CHECKS if not check.in_database
    }


def test_an_empty_database_is_to_be_migrated(deployed: Deployed, socket_folder: str, worker_id: str) -> None:
    create_database(socket_folder, f"empty_{worker_id}")
    found = lines(deployed(database_url=f"postgresql://authapp@/empty_{worker_id}?host={socket_folder}"), status=1)
    assert list(found) == NAMES
    assert found["migrations"][1].endswith("Run: flask --app wsgi db upgrade heads")
    assert found["secret"] == ("wrong", "Could not be checked: the database is not migrated.")
    assert found["database"][0] == found["role"][0] == "ok"


def with_bad_settings(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "APP_ENV": "production", "SECRET_KEY": "short", "DATABASE_URL": AWAY}
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "doctor", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == UnsafeSettings.EXIT_STATUS
    return done


def test_with_settings_that_no_application_can_be_made_with_all_lines_are_printed() -> None:
    found = json.loads(with_bad_settings("--json").stdout)["checks"]
    assert list(dict.fromkeys(check["name"] for check in found)) == NAMES
    reasons = [check["text"] for check in found if check["name"] == "settings"]
    assert "SECRET_KEY: shorter than 32 bytes." in reasons[0]
    assert {check["status"] for check in found[len(reasons) :]} == {"not checked"}


def test_a_person_is_told_once_what_is_wrong_with_the_settings() -> None:
    done = with_bad_settings()
    assert (done.stdout + done.stderr).count("SECRET_KEY: shorter than 32 bytes.") == 1
    assert done.stdout.splitlines()[:2] == [
        "wrong       settings: authapp does not start with them, for the reasons above.",
        "not checked database: correct the settings first",
    ]
