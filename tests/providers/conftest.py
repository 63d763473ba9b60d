"""The twins of providers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.providers.github_server import GitHubServer, github_server
from tests.providers.openid_server import OpenIdServer, openid_server


@pytest.fixture
def github() -> Iterator[GitHubServer]:
    with github_server() as server:
        yield server


@pytest.fixture
def openid() -> Iterator[OpenIdServer]:
    with openid_server() as server:
        yield server
