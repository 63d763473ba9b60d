"""What `make example` needs, says and starts. The app itself is in test_example.py."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import click
import psutil
import pytest

from authapp.dev import example
from authapp.instance import ROOT
from tests.live import free_port, lines_of


def program(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder in which programs are looked for, beside those of the system."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_a_machine_without_node_gets_a_sentence(programs: Path) -> None:
    with pytest.raises(click.ClickException, match=r"needs Node\.js 20\.19 or newer, and npm\. Install it from"):
        example.require_node()


@pytest.mark.parametrize("version", ["v18.20.4", "v20.18.3"])
def test_an_old_node_gets_a_sentence_with_its_version(programs: Path, version: str) -> None:
    program(programs, "npm", "")
    program(programs, "node", f"echo {version}")
    with pytest.raises(click.ClickException, match=f"needs Node.js 20.19 or newer, and this is {version}"):
        example.require_node()


@pytest.mark.parametrize("version", ["v20.19.0", "v22.3.1", "v100.0.0"])
def test_a_newer_node_serves(programs: Path, version: str) -> None:
    program(programs, "npm", "")
    program(programs, "node", f"echo {version}")
    example.require_node()


def test_a_port_that_is_taken_gets_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        monkeypatch.setattr(example, "PORT", other.getsockname()[1])
        with pytest.raises(click.ClickException, match=f"Port {example.PORT} is taken"):
            example.require_port()


def test_packages_are_installed_once_for_a_lock_file(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(example, "CLIENTS", tmp_path)
    program(programs, "npm", "echo x >> installed && mkdir -p node_modules && : > node_modules/.package-lock.json")
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    (tmp_path / "package-lock.json").touch()
    for _ in range(2):
        example.install()
    assert (tmp_path / "installed").read_text() == "x\n"
    later = (tmp_path / "node_modules" / ".package-lock.json").stat().st_mtime + 1
    os.utime(tmp_path / "package-lock.json", (later, later))
    example.install()
    assert (tmp_path / "installed").read_text() == "x\nx\n"


def test_a_failure_of_npm_ends_the_command_with_a_sentence(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(example, "CLIENTS", tmp_path)
    program(programs, "npm", "exit 3")
    with pytest.raises(click.ClickException, match=r"npm run build failed in clients/\."):
        example.npm("run", "build")


def test_a_program_that_was_started_ends_with_its_children(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pid")
    program(tmp_path, "vite", "sleep 600 & echo $! > pid; wait")
    with suppress(KeyboardInterrupt), example.started(tmp_path / "vite", folder=tmp_path):
        child = psutil.Process(int((tmp_path / "pid").read_text()))
        raise KeyboardInterrupt
    assert psutil.wait_procs([child], timeout=20)[1] == []


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make example` reads, with an `instance/` of its own. Vite, npm and node are programs of a few lines."""
    folder = tmp_path_factory.mktemp("clone")
    for name in ("authapp", "migrations"):
        shutil.copytree(ROOT / name, folder / name)
    for name in ("config.py", "wsgi.py", "Makefile", "requirements.txt", "tests/postgres.txt", "tests/uv.txt"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    (folder / "clients" / "example").mkdir(parents=True)
    shutil.copy(ROOT / "clients/example/api.py", folder / "clients/example")
    shutil.copy(ROOT / "clients/package-lock.json", folder / "clients")
    port = free_port()
    runner = folder / "authapp" / "dev" / "example.py"
    runner.write_text(runner.read_text().replace("PORT = 5173", f"PORT = {port}"))
    for place in (".venv/bin", "clients/node_modules/.bin", "programs"):
        (folder / place).mkdir(parents=True)
    program(folder / ".venv" / "bin", "python", f'exec {sys.executable} "$@"')
    for name in (".venv/bin/uv", ".venv/run"):  # newer than the requirements: nothing is installed
        (folder / name).touch()
    program(folder / "programs", "node", "echo v22.3.1")
    program(folder / "programs", "npm", "")
    ask = "import os, urllib.request; urllib.request.urlopen(os.environ['VITE_AUTHAPP_URL'] + '/readyz')"
    serve = f"exec {sys.executable} -m http.server {port} --bind 127.0.0.1 2> /dev/null"
    program(folder / "clients/node_modules/.bin", "vite", f'{sys.executable} -c "{ask}" && {serve}')
    folder.chmod(0o755)
    return folder


def runner_of(make: int) -> int:
    """Python, which make has started."""
    [runner] = psutil.Process(make).children()
    assert "authapp.dev.example" in runner.cmdline()
    return runner.pid


ENDINGS: dict[str, Callable[[int], None]] = {
    "make": lambda make: os.kill(make, signal.SIGTERM),
    "its python": lambda make: os.kill(runner_of(make), signal.SIGTERM),
    "both at once": lambda make: os.killpg(make, signal.SIGTERM),
    "both, by Ctrl-C": lambda make: os.killpg(make, signal.SIGINT),
}


SAID = (
    "Installing the packages.*Building the packages.*Starting authapp.*Starting the front end.*"
    r"\n  authapp:  http://localhost:{port}/docs\n  Open it:  http://localhost:\d+\n$"
)


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
@pytest.mark.parametrize("end", ENDINGS.values(), ids=ENDINGS)
def test_make_example_says_what_it_does_and_a_signal_stops_all_that_it_has_started(
    clone: Path, end: Callable[[int], None]
) -> None:
    port, environment = free_port(), {**os.environ, "PATH": f"{clone / 'programs'}:{os.environ['PATH']}"}
    for name in ("DATABASE_URL", "MAKEFLAGS", "MAKELEVEL"):
        environment.pop(name, None)
    with tempfile.TemporaryFile("w+") as said:
        make = subprocess.Popen(
            ["make", "example"],
            cwd=clone,
            env={**environment, "APP_ENV": "development", "PORT": str(port)},
            stdout=said,
            stderr=said,
            process_group=0,
        )
        try:
            while "Open it:" not in lines_of(said):
                assert make.poll() is None, lines_of(said)
                assert "Vite does not answer" not in lines_of(said)
                time.sleep(0.1)
            assert re.search(SAID.format(port=port), lines_of(said), re.DOTALL), lines_of(said)
            assert psutil.Process(runner_of(make.pid)).environ()["OPERATOR_NAME"] == "Acme MLOps"
            started = psutil.Process(make.pid).children(recursive=True)
            postgres = int((clone / "instance/postgres/postmaster.pid").read_text().splitlines()[0])
            started.append(psutil.Process(postgres))
            names = " ".join(" ".join(one.cmdline()) for one in started)
            assert all(name in names for name in ("http.server", "gunicorn", "postgres")), names
        finally:
            end(make.pid)
            make.wait(timeout=60)
    assert psutil.wait_procs(started, timeout=20)[1] == []
