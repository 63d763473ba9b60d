"""What `make example` needs, says and starts. The app itself is in test_example.py."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path

import click
import pytest

from authapp.dev import example


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


def test_the_server_of_vite_ends_with_authapp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(example, "CLIENTS", tmp_path)
    for folder in ("node_modules/.bin", "example"):
        (tmp_path / folder).mkdir(parents=True)
    os.mkfifo(tmp_path / "pid")
    program(tmp_path / "node_modules" / ".bin", "vite", "echo $$ > ../pid; exec sleep 600")
    with suppress(KeyboardInterrupt), example.front_end():
        pid = int((tmp_path / "pid").read_text())
        os.kill(pid, 0)
        raise KeyboardInterrupt
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
