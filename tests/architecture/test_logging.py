"""A log that cannot be written costs lines, and no request."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from authapp.config import Settings
from authapp.core.logging import Stdout
from authapp.instance import ROOT

THREE_REQUESTS = """
import sys
from authapp import create_app
from config import read_settings
client = create_app(read_settings()).test_client()
sys.exit([client.get("/healthz").status_code for _ in range(3)] != [200] * 3)
"""


def test_a_full_disk_behind_stdout_is_told_on_stderr_once_and_fails_no_request(settings: Settings) -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123  a device
        done = subprocess.run(
            [sys.executable, "-c", THREE_REQUESTS],
            cwd=ROOT,
            env={"APP_ENV": "testing", "DATABASE_URL": settings.database_url},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("authapp drops log lines") == 1
    assert "No space left on device" in done.stderr


def test_the_number_of_dropped_log_lines_is_logged_once_stdout_can_be_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    stdout = Stdout()
    with open("/dev/full", "w") as full, (tmp_path / "log").open("w") as log:  # noqa: PTH123  a device
        monkeypatch.setattr(Stdout, "FILENO", full.fileno())
        stdout.msg("lost")
        stdout.msg("lost too")
        monkeypatch.setattr(Stdout, "FILENO", log.fileno())
        stdout.msg("kept")
        stdout.msg("kept too")
    empty, notice, *kept = (tmp_path / "log").read_text().splitlines()
    assert (empty, json.loads(notice)["lines"], kept) == ("", 2, ["kept", "kept too"])
    assert capfd.readouterr().err.count("authapp drops log lines") == 1
