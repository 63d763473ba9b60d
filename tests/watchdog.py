"""Kills what a test run leaves behind, also where the run itself was killed: `python -m tests.watchdog RUN`.

It waits until its standard input ends, which is when the run has ended, however it did. All processes of a run have its
folder in their environment.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from authapp.instance import ROOT

VARIABLE = "AUTHAPP_TEST_RUN"


@contextmanager
def watchdog(run: str) -> Iterator[None]:
    """Let no process that is started from here on outlive this one, even if it is killed: that ends the pipe.

    Args:
        run: the folder of the run, which the watchdog removes as well.
    """
    command = [sys.executable, "-m", "tests.watchdog", run]
    watching = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, start_new_session=True)
    os.environ[VARIABLE] = run
    try:
        yield
    finally:
        watching.communicate()


def processes_of(run: str) -> list[psutil.Process]:
    """The processes that a run has started and that still run."""
    return [
        process
        for process in psutil.process_iter(["name", "cmdline"])
        if process.pid != os.getpid() and _run_of(process) == run
    ]


def _run_of(process: psutil.Process) -> str | None:
    try:
        return process.environ().get(VARIABLE)
    except psutil.Error:  # it is another user's, or has just ended
        return None


if __name__ == "__main__":
    sys.stdin.read()
    for left in processes_of(sys.argv[1]):
        left.kill()
    shutil.rmtree(sys.argv[1], ignore_errors=True)
