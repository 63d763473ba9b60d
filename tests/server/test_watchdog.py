"""A test run that is killed leaves no process behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from authapp.instance import ROOT
from authapp.testing.postgres import processes_of

pytestmark = pytest.mark.xdist_group("servers")


def test_a_killed_test_run_leaves_no_process_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-n", "1", "-p", "no:cacheprovider", "tests/server/test_wire.py"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    run = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, start_new_session=True)
    while not any("gunicorn" in (process.info["cmdline"] or ()) for process in started(tmp_path)):
        assert run.poll() is None
        time.sleep(0.2)
    left = started(tmp_path)
    assert any("postgres" in process.info["name"] for process in left)
    run.kill()
    run.wait()
    deadline = time.monotonic() + 30
    while any(is_running(process) for process in left) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert [process for process in left if is_running(process)] == []


def started(folder: Path) -> list[psutil.Process]:
    """The processes of the runs whose data are in a folder."""
    return [process for data in folder.glob("authapp-*") for process in processes_of(str(data))]


def is_running(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
