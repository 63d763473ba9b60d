"""The commands of a project's README, at once after `authapp new`."""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from authapp.skeleton.names import LONGEST
from tests.factories import API, PASSWORD
from tests.live import ask, free_port
from tests.project.conftest import Project, written

pytestmark = pytest.mark.xdist_group("project")  # one after the other: they share an installed wheel


def test_make_test_is_green_and_needs_no_setting(project: Project) -> None:
    assert re.search(r"\b8 passed", project.make("test", DATABASE_URL="", T="-p no:cacheprovider"))


def test_make_lint_is_green(venv: Path, tmp_path: Path) -> None:
    said = Project(written(venv, tmp_path), "").make("lint")
    assert "All checks passed!" in said
    assert "Success: no issues found" in said


def test_no_line_is_too_long_with_the_longest_name(venv: Path, tmp_path: Path) -> None:
    project = Project(written(venv, tmp_path, "a" * LONGEST), "")
    for check in (["check"], ["format", "--check"]):
        project.python("-m", "ruff", *check, ".")


def test_make_run_migrates_serves_the_projects_routes_and_restarts_after_a_change(project: Project) -> None:
    port = free_port()
    environment = {**os.environ, "PORT": str(port), "RATE_LIMITS": "off", "APP_ENV": "development"}
    environment = {name: value for name, value in environment.items() if name not in ("DATABASE_URL", "PYTHONPATH")}
    said = project.folder.parent / "said"
    with said.open("w") as output:
        server = subprocess.Popen(["make", "run"], cwd=project.folder, env=environment, stdout=output, stderr=output)
    try:
        wait_for("Stop it with", said)
        account = {"email": "ada@example.com", "password": PASSWORD, "organization_name": "Acme"}
        status, session = ask(port, "POST", f"{API}/auth/register", account)
        assert status == 201
        path = f"{API}/organizations/{session['organization']['id']}/models"
        assert ask(port, "POST", path, {"name": "churn"}, session["access_token"])[0] == 201
        assert ask(port, "GET", "/readyz") == (200, {"status": "ready"})
        services = project.folder / "mlops" / "services.py"
        services.write_text(services.read_text().replace('"model_name_taken"', "a syntax error"))
        wait_for("SyntaxError", said)
        assert (project.folder / "instance" / "secret_key").exists()
    finally:
        server.terminate()  # make passes it on to Python
        server.wait(timeout=60)
    assert not (project.folder / "instance" / "postgres" / "postmaster.pid").exists()


def wait_for(text: str, said: Path) -> None:
    deadline = time.monotonic() + 120
    while text not in said.read_text():
        assert time.monotonic() < deadline, said.read_text()
        time.sleep(0.1)
