"""From a checkout to a sign-in, as Heroku does it, and the files of a container."""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from authapp.config import Settings
from authapp.dev.postgres import create_database
from authapp.instance import ROOT
from tests.factories import PASSWORD
from tests.live import BehindRouter, free_port, lines_of
from tests.pages import page

pytestmark = pytest.mark.xdist_group("servers")
BUTTON = json.loads(page("app.json"))
PROCESSES = dict(line.split(": ", 1) for line in page("Procfile").splitlines())
COMPOSE = yaml.safe_load(page("compose.yaml"))
TOLD = {  # what the button asks for
    "PUBLIC_URL": "https://authapp.example.com",
    "MAIL_URL": "smtp://localhost:9",
    "MAIL_FROM": "Acme <no-reply@example.com>",
}
ACCOUNT = {"email": "ada@example.com", "password": PASSWORD}


class Slug:
    """What the Python buildpack makes of a checkout: the tracked files, and the packages of requirements.txt alone."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.folder = folder / "app"
        _copy_tracked_files(self.folder)
        packages = folder / "packages"
        uv = str(Path(sys.executable).with_name("uv"))
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(packages)], check=True)
        install = [uv, "pip", "install", "--quiet", "--require-hashes", "--requirement", "requirements.txt"]
        subprocess.run([*install, "--python", f"{packages}/bin/python"], cwd=self.folder, check=True)
        self.environment = {
            **{name: _value(variable) or TOLD[name] for name, variable in BUTTON["env"].items()},
            "DATABASE_URL": database_url.replace("postgresql://", "postgres://"),  # as Heroku writes it
            "PATH": f"{packages / 'bin'}:{os.environ['PATH']}",
            "PORT": str(free_port()),
        }

    def command(self, process: str) -> list[str]:
        return ["bash", "-c", f"set -e; source .profile; exec {PROCESSES[process]}"]

    @contextmanager
    def running(self, process: str, is_ready: Callable[[str], object]) -> Iterator[None]:
        """A process of the Procfile, until SIGTERM, which it must obey."""
        with tempfile.TemporaryFile("w+") as said:
            started = subprocess.Popen(
                self.command(process), cwd=self.folder, env=self.environment, stdout=said, stderr=said
            )
            try:
                deadline = time.monotonic() + 90
                while not is_ready(lines_of(said)):
                    assert started.poll() is None, lines_of(said)
                    assert time.monotonic() < deadline, lines_of(said)
                    time.sleep(0.05)
                yield
                started.terminate()
                assert started.wait(timeout=30) == 0, lines_of(said)
            finally:
                started.kill()
                started.wait()


def _copy_tracked_files(folder: Path) -> None:
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True).stdout.split(b"\0")
    for name in filter(None, map(os.fsdecode, names)):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())


def _value(variable: dict[str, str]) -> str | None:
    return secrets.token_hex(32) if variable.get("generator") == "secret" else variable.get("value")


@pytest.fixture(scope="module")
def slug(tmp_path_factory: pytest.TempPathFactory, socket_folder: str, worker_id: str) -> Slug:
    name = f"slug_{worker_id}"
    create_database(socket_folder, name)
    return Slug(tmp_path_factory.mktemp("slug"), f"postgresql://authapp@/{name}?host={socket_folder}")


def test_the_slug_serves_a_sign_in_through_the_router(slug: Slug) -> None:
    released = subprocess.run(
        slug.command("release"), cwd=slug.folder, env=slug.environment, capture_output=True, text=True, check=False
    )
    assert released.returncode == 0, released.stdout + released.stderr
    router = BehindRouter(int(slug.environment["PORT"]), "authapp.example.com")
    with (
        slug.running("worker", lambda said: "Running: " in said),
        slug.running("web", lambda said: router.is_up()),
    ):
        assert router.ask("GET", "/readyz")[0] == 200
        assert router.ask("POST", "/api/v1/auth/register", {**ACCOUNT, "organization_name": "Acme"})[0] == 201
        status, session = router.ask("POST", "/api/v1/auth/login", ACCOUNT)
        assert status == 200
        assert router.ask("GET", "/api/v1/auth/me", token=session["access_token"])[1]["email"] == ACCOUNT["email"]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, ["require", ""]),
        ({"PGSSLMODE": "verify-full"}, ["verify-full", ""]),
        ({"REDIS_URL": "redis://h:1"}, ["require", "redis://h:1"]),
        ({"REDIS_URL": "rediss://:p@h:1"}, ["require", "rediss://:p@h:1?ssl_cert_reqs=none"]),
        ({"REDIS_URL": "rediss://h:1?ssl_cert_reqs=required"}, ["require", "rediss://h:1?ssl_cert_reqs=required"]),
    ],
)
def test_the_profile_of_a_dyno_asks_for_tls(given: dict[str, str], found: list[str]) -> None:
    script = "set -eu; source .profile; echo $PGSSLMODE; echo ${REDIS_URL:-}"
    said = subprocess.run(["bash", "-c", script], cwd=ROOT, env=given, capture_output=True, text=True, check=True)
    assert said.stdout.splitlines() == found


def test_the_button_starts_the_processes_of_the_procfile_and_sets_settings() -> None:
    assert set(BUTTON["formation"]) == PROCESSES.keys() - {"release"}
    assert {name.lower() for name in BUTTON["env"]} <= {field.name for field in fields(Settings)}


def test_containers_run_the_processes_of_the_procfile() -> None:
    dockerfile = page("Dockerfile")
    command = json.loads(re.findall(r"^CMD (\[.*\])$", dockerfile, re.MULTILINE)[-1])
    assert " ".join(command) == PROCESSES["web"]
    for process in PROCESSES.keys() - {"web"}:
        assert COMPOSE["services"][process]["command"] == PROCESSES[process]


def test_the_image_has_the_python_and_the_files_that_the_service_needs_and_no_others() -> None:
    dockerfile = page("Dockerfile")
    assert set(re.findall(r"^FROM python:(\S+)-slim", dockerfile, re.MULTILINE)) == {page(".python-version").strip()}
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE)
    sources = {source for line in copied for source in line.split()}
    admitted = set(re.findall(r"^!(.+)$", page(".dockerignore"), re.MULTILINE))
    assert sources == admitted
    assert all((ROOT / source).exists() for source in sources)
    assert dockerfile.index("USER authapp") < dockerfile.rindex("CMD")


def test_the_services_of_compose_wait_for_the_migrations_and_use_a_role_that_is_no_superuser() -> None:
    services: dict[str, Any] = COMPOSE["services"]
    for process in PROCESSES.keys() - {"release"}:
        assert services[process]["depends_on"] == {"release": {"condition": "service_completed_successfully"}}
        assert services[process]["environment"]["DATABASE_URL"].startswith("postgresql://authapp:")
    assert "CREATE ROLE authapp LOGIN PASSWORD" in COMPOSE["configs"]["role"]["content"]
