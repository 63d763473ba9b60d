"""Tests that must not run at once are sent to one worker."""

from __future__ import annotations

import pytest


@pytest.mark.xdist_group("live")
def test_a_worker_names_the_group_of_a_test(request: pytest.FixtureRequest, worker_id: str) -> None:
    assert worker_id == "master" or request.node.nodeid.endswith("@live")
