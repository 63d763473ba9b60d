"""The twin of GitHub's issuer, whose keys no test has fetched before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from authapp.providers.job_tokens import JobIssuers
from authapp.web.application import Application
from tests.providers.job_server import JobServer, job_server


@pytest.fixture
def jobs(app: Application, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JobServer]:
    app.job_issuers = JobIssuers(allow_private=True)
    with job_server(tmp_path, monkeypatch) as server:
        yield server
