"""The tests of the packages in clients/, which node runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.clients.packages import WORKSPACES, has_sources, npm

pytestmark = pytest.mark.xdist_group("npm")  # one at a time: node starts a process for each of its cores
PASSED = re.compile(r"^(?:#|ℹ) pass (\d+)$", re.MULTILINE)  # as the reporters "tap" and "spec" write it


@pytest.mark.parametrize("folder", WORKSPACES)
def test_the_tests_of_a_package_pass(packages: Path, folder: str) -> None:
    if not has_sources(folder):
        pytest.skip(f"clients/{folder}/src is empty.")
    ran = npm("test", "--workspace", WORKSPACES[folder])
    said = ran.stdout + ran.stderr
    assert ran.returncode == 0, said
    assert sum(int(number) for number in PASSED.findall(said)) > 0, said
