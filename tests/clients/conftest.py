"""The packages of clients/, for all tests of this folder, and tabs of a real browser that use them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import launched_chromium
from tests.clients.packages import CLIENTS, Missing, make
from tests.clients.tabs import Place, Tabs, placed, tabs_of


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


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    with launched_chromium() as browser:
        yield browser


@pytest.fixture(scope="package")
def place(packages: Path, socket_folder: str, worker_id: str) -> Iterator[Place]:
    with placed(packages, socket_folder, f"clients_{worker_id}") as place:
        yield place


@pytest.fixture
def tabs(place: Place, chromium: Browser) -> Iterator[Tabs]:
    """A browser whose tabs have clients in browser mode."""
    with tabs_of(place, chromium) as tabs:
        yield tabs
