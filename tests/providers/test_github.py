"""GitHub: the number is the subject, and only the address that is primary and verified counts."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from werkzeug import Response

from authapp.providers.github import GitHub
from authapp.providers.provider import Person, ProviderUnavailable, SsoFailed
from tests.providers.browser import EXCHANGE, response_of, sign_in
from tests.providers.github_server import GitHubServer
from tests.providers.http_server import json_response


def test_a_person_signs_in_with_github(github: GitHubServer) -> None:
    assert sign_in(github.provider()) == Person(
        "github", github.address, "583231", "ada@example.com", True, "Ada King", "Lovelace"
    )
    paths = ["/login/oauth/authorize", "/login/oauth/access_token", "/user", "/user/emails"]
    assert [request.path for request in github.requests] == paths


def test_the_addresses_of_github_are_public_and_https() -> None:
    url = urlsplit(GitHub("id", "secret").authorization_url(EXCHANGE))
    assert (url.scheme, url.netloc, url.path) == ("https", "github.com", "/login/oauth/authorize")
    parameters = parse_qs(url.query)
    assert parameters.keys() == {
        "client_id",
        "code_challenge",
        "code_challenge_method",
        "redirect_uri",
        "response_type",
        "scope",
        "state",
    }


@pytest.mark.parametrize(
    ("emails", "email"),
    [
        ([{"email": "ada@example.com", "primary": True, "verified": False}], None),
        ([{"email": "ada@example.com", "primary": False, "verified": True}], None),
        ([{"email": "ada@example.com", "primary": "true", "verified": 1}], None),
        ([{"email": "no address", "primary": True, "verified": True}], None),
        ([{"email": None, "primary": True, "verified": True}], None),
        ([{"primary": True, "verified": True}], None),
        ([None, 1, {}, {"email": "ada@example.com", "primary": True, "verified": True}], "ada@example.com"),
        ([], None),
    ],
)
def test_only_an_address_that_is_primary_and_verified_counts(
    github: GitHubServer, emails: Any, email: str | None
) -> None:
    github.emails = emails
    person = sign_in(github.provider())
    assert (person.email, person.email_verified) == (email, email is not None)


@pytest.mark.parametrize(
    ("name", "names"),
    [
        (None, (None, None)),
        ("", (None, None)),
        ("  ", (None, None)),
        ("Ada", ("Ada", None)),
        (" Ada  Lovelace ", ("Ada", "Lovelace")),
        ("Ada\u202e\x00 Lovelace", ("Ada", "Lovelace")),
        ("x" * 300 + " " + "y" * 300, ("x" * 100, "y" * 100)),
        (["Ada"], (None, None)),
        (1815, (None, None)),
    ],
)
def test_a_name_is_divided_at_its_last_space(github: GitHubServer, name: Any, names: tuple[Any, Any]) -> None:
    github.user["name"] = name
    assert sign_in(github.provider())[5:] == names


@pytest.mark.parametrize("number", [None, "583231", 1.5, True, 0, -1, 2**63, [1], {}])
def test_an_account_without_a_number_is_nobody(github: GitHubServer, number: Any) -> None:
    github.user["id"] = number
    with pytest.raises(ProviderUnavailable, match="no number"):
        sign_in(github.provider())


@pytest.mark.parametrize(
    ("path", "response", "error"),
    [
        ("/login/oauth/access_token", json_response({"error": "bad_verification_code"}), SsoFailed),
        ("/login/oauth/access_token", json_response({"error": "incorrect_client_credentials"}, 401), SsoFailed),
        ("/login/oauth/access_token", json_response({"error": "x", "access_token": "x"}), SsoFailed),
        ("/login/oauth/access_token", json_response({"access_token": "a\nb"}), SsoFailed),
        ("/login/oauth/access_token", json_response({"access_token": 1}), SsoFailed),
        ("/login/oauth/access_token", json_response({}), SsoFailed),
        ("/login/oauth/access_token", Response("access_token=x"), ProviderUnavailable),
        ("/login/oauth/access_token", Response("<html>"), ProviderUnavailable),
        ("/login/oauth/access_token", Response(status=502), ProviderUnavailable),
        ("/user", json_response({"message": "Bad credentials"}, 401), SsoFailed),
        ("/user", json_response([]), ProviderUnavailable),
        ("/user", Response(status=301, headers={"Location": "/users/1"}), ProviderUnavailable),
        ("/user/emails", json_response({"message": "Not Found"}, 404), SsoFailed),
        ("/user/emails", json_response({}), ProviderUnavailable),
        ("/user/emails", Response("<html>"), ProviderUnavailable),
        ("/user/emails", Response(status=500), ProviderUnavailable),
    ],
)
def test_what_else_github_answers(github: GitHubServer, path: str, response: Response, error: type[Exception]) -> None:
    github.answers[path] = response
    with pytest.raises(error):
        sign_in(github.provider())


@pytest.mark.parametrize("changed", [{"redirect_uri": "https://eve.example.com"}, {"code_verifier": "another"}])
def test_a_code_of_another_request_is_refused(github: GitHubServer, changed: dict[str, str]) -> None:
    provider = github.provider()
    code = response_of(provider.authorization_url(EXCHANGE))["code"]
    with pytest.raises(SsoFailed, match="refuses the code"):
        provider.authenticate(EXCHANGE._replace(**changed), code, None)


def test_the_issuer_of_the_response_is_compared(github: GitHubServer) -> None:
    provider = github.provider()
    for issuer in (github.address, f"{github.address}/login/oauth"):
        code = response_of(provider.authorization_url(EXCHANGE))["code"]
        assert provider.authenticate(EXCHANGE, code, issuer).subject == "583231"
    for issuer in ("", "https://accounts.google.com"):
        with pytest.raises(SsoFailed, match="another issuer"):
            provider.authenticate(EXCHANGE, "a code", issuer)
