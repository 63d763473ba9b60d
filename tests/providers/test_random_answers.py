"""Whatever a provider answers, a sign-in ends with a person or with one of two errors."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authapp.core import lengths
from authapp.providers.discovery import read_discovery
from authapp.providers.fetch import Answer
from authapp.providers.key_sets import signing_keys
from authapp.providers.people import email_address
from authapp.providers.provider import Person, Provider, ProviderUnavailable, SsoFailed
from tests.providers.browser import EXCHANGE, response_of, sign_in
from tests.providers.github_server import GitHubServer, github_server
from tests.providers.openid_server import CLIENT_ID, RSA, OpenIdServer, openid_server
from tests.providers.test_discovery import DOCUMENT, URL

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.text(st.characters())
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))
SURROGATES = st.text(st.characters(categories=["Cs", "L", "Cc", "Cf"]), max_size=300)
ANYTHING = JSON | SURROGATES | st.sampled_from([CLIENT_ID, [CLIENT_ID], EXCHANGE.nonce, "ada-1815", 2**70, 1e308, True])
EMAIL = st.fixed_dictionaries({"email": ANYTHING, "primary": st.booleans() | ANYTHING, "verified": st.booleans()})
CLAIMS = """iss sub aud exp iat nbf nonce azp at_hash auth_time amr acr jti email email_verified given_name family_name
hd tid oid validate header""".split()  # noqa: SIM905

many = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def server() -> Iterator[OpenIdServer]:
    with openid_server() as server:
        yield server


@cache
def _provider(server: OpenIdServer) -> Provider:
    """One whose documents are fetched once."""
    return server.provider()


@pytest.fixture(scope="module")
def github_twin() -> Iterator[GitHubServer]:
    with github_server() as server:
        yield server


def _check(person: Person) -> None:
    assert 1 <= len(person.subject) <= lengths.SUBJECT
    assert person.subject.isascii()
    assert person.email is None or person.email == email_address(person.email)
    assert isinstance(person.email_verified, bool)
    assert person.email is not None or not person.email_verified
    for name in (person.first_name, person.last_name):
        assert name is None or 1 <= len(name) <= lengths.PERSON_NAME
        assert name is None or name.encode()


def _outcome(authenticate: Callable[[], Person]) -> None:
    with suppress(SsoFailed):
        _check(authenticate())


@many
@given(claims=st.dictionaries(st.sampled_from(CLAIMS) | st.text(max_size=10), ANYTHING, max_size=4))
def test_claims_of_any_kind(server: OpenIdServer, claims: dict[str, Any]) -> None:
    server.claims, server.requests = claims, []
    provider = _provider(server)
    code = response_of(provider.authorization_url(EXCHANGE))["code"]
    _outcome(lambda: provider.authenticate(EXCHANGE, code, None))


@many
@given(header=st.dictionaries(st.sampled_from("alg kid typ crit b64 jwk jku x5c cty x5u zip".split()), ANYTHING))  # noqa: SIM905
def test_headers_of_any_kind(server: OpenIdServer, header: dict[str, Any]) -> None:
    def token(claims: dict[str, Any]) -> str:
        encoded = base64.urlsafe_b64encode(json.dumps({"alg": "RS256", "kid": "rsa", **header}).encode()).decode()
        return f"{encoded.rstrip('=')}.{server.signed(claims).split('.', 1)[1]}"

    server.claims, server.make_token, server.requests = {}, token, []
    provider = _provider(server)
    code = response_of(provider.authorization_url(EXCHANGE))["code"]
    try:
        _outcome(lambda: provider.authenticate(EXCHANGE, code, None))
    finally:
        server.make_token = server.signed


@many
@given(token=st.text(max_size=200) | st.text("ey.AJhbGciOiSU0I_-=", max_size=60))
def test_tokens_of_any_kind(server: OpenIdServer, token: str) -> None:
    server.claims, server.make_token, server.requests = {}, lambda _: token, []
    provider = _provider(server)
    code = response_of(provider.authorization_url(EXCHANGE))["code"]
    with pytest.raises(SsoFailed):
        provider.authenticate(EXCHANGE, code, None)
    server.make_token = server.signed


@many
@given(changes=st.dictionaries(st.sampled_from([*DOCUMENT, "token_endpoint_auth_methods_supported"]), ANYTHING))
def test_discovery_documents_of_any_kind(changes: dict[str, Any]) -> None:
    with suppress(ProviderUnavailable):
        assert read_discovery({**DOCUMENT, **changes}, URL, allow_private=True).issuer == DOCUMENT["issuer"]


@many
@given(
    members=JSON
    | st.lists(
        st.dictionaries(st.sampled_from("kty kid alg use n e crv x y k issuer".split()), ANYTHING)  # noqa: SIM905
        | st.fixed_dictionaries(
            {"kty": st.sampled_from(["RSA", "EC", "OKP", "oct"])},
            optional={
                "crv": st.sampled_from(["P-256", "Ed25519", "X25519"]) | ANYTHING,
                **dict.fromkeys("nexyk", st.text("AQB_-", max_size=500) | ANYTHING),
            },
        )
    )
)
def test_key_sets_of_any_kind(members: Any) -> None:
    with suppress(ProviderUnavailable):
        assert signing_keys({"keys": members})
    if isinstance(members, list):
        assert [key.kid for key in signing_keys({"keys": [*members, RSA.as_dict(private=False)]})][-1] == "rsa"


@many
@given(body=st.binary() | JSON.map(lambda content: json.dumps(content).encode()))
def test_bodies_of_any_kind(body: bytes) -> None:
    with suppress(ProviderUnavailable):
        assert isinstance(Answer(200, body).object(), dict)


@many
@given(user=st.fixed_dictionaries({"id": st.just(1) | ANYTHING, "name": ANYTHING}), emails=JSON | st.lists(EMAIL))
def test_accounts_of_github_of_any_kind(github_twin: GitHubServer, user: dict[str, Any], emails: Any) -> None:
    github_twin.user, github_twin.emails, github_twin.requests = user, emails, []
    with suppress(ProviderUnavailable):
        _check(sign_in(github_twin.provider()))
