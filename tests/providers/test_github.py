"""GitHub: the number is the subject, and only its primary, verified address counts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from authapp.providers.provider import Person
from tests.providers.browser import sign_in
from tests.providers.github_server import GitHubServer, github_server


@pytest.fixture
def github() -> Iterator[GitHubServer]:
    with github_server() as server:
        yield server


def test_a_person_signs_in_with_github(github: GitHubServer) -> None:
    assert sign_in(github.provider()) == Person(
        "github", github.address, "583231", "ada@example.com", True, "Ada King", "Lovelace"
    )
    assert [request.path for request in github.requests] == [
        "/login/oauth/authorize",
        "/login/oauth/access_token",
        "/user",
        "/user/emails",
    ]
