"""The tests of the packages in clients/, which node runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.clients.packages import WORKSPACES, npm

pytestmark = pytest.mark.xdist_group("npm")  # one at a time: node starts a process for each of its cores
PASSED = re.compile(r"^(?:#|ℹ) pass (\d+)$", re.MULTILINE)  # as the reporters "tap" and "spec" write it


SCRIPTS = {"js": ("unit",), "react": ("19", "18"), "node": ("unit",)}  # what `npm test` runs, after the types
CASES = [(folder, script) for folder, scripts in SCRIPTS.items() for script in scripts]


@pytest.fixture(scope="module")
def compiled(packages: Path) -> None:
    """The tests, whose types are right."""
    for name in WORKSPACES.values():
        made = npm("run", "test:types", "--workspace", name)
        assert made.returncode == 0, made.stdout + made.stderr


@pytest.mark.parametrize(("folder", "script"), CASES)
def test_the_tests_of_a_package_pass(compiled: None, folder: str, script: str) -> None:
    ran = npm("run", f"test:{script}", "--workspace", WORKSPACES[folder])
    said = ran.stdout + ran.stderr
    assert ran.returncode == 0, said
    assert sum(int(number) for number in PASSED.findall(said)) > 0, said
