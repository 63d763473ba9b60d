"""The packages of clients/, for all tests of this folder."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.clients.packages import CLIENTS, Missing, make


@pytest.fixture(scope="session")
def packages() -> Path:
    """The folder clients/, installed and built. In CI, npm has to be able to do so where there is one."""
    try:
        make()
    except Missing as missing:
        if os.environ.get("CI") == "true" and shutil.which("npm"):
            raise
        pytest.skip(str(missing))
    return CLIENTS
