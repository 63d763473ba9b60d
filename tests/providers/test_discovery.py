"""The discovery document: whose it is, and what is kept of it."""

from __future__ import annotations

from typing import Any

import pytest

from authapp.core.clock import FrozenClock
from authapp.providers.discovery import read_discovery
from authapp.providers.id_tokens import IdToken
from authapp.providers.key_sets import SigningKey
from authapp.providers.openid import OpenIdProvider, _issuer_of
from authapp.providers.provider import ProviderUnavailable, SsoFailed
from tests.providers.browser import EXCHANGE, sign_in
from tests.providers.http_server import json_response
from tests.providers.openid_server import RSA, OpenIdServer

ISSUER = "https://id.example.com/realms/acme"
URL = f"{ISSUER}/.well-known/openid-configuration"
DOCUMENT = {
    "issuer": ISSUER,
    "authorization_endpoint": "https://id.example.com/authorize",
    "token_endpoint": "https://id.example.com:8443/token",
    "userinfo_endpoint": "https://[2001:4860:4860::8888]/userinfo",
    "jwks_uri": "https://keys.example.com/jwks?realm=acme",
}


def test_a_discovery_document_is_read() -> None:
    found = read_discovery(DOCUMENT, URL, allow_private=False)
    assert found == (*DOCUMENT.values(), "client_secret_basic", False)


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://id.example.com"},
        {"issuer": f"{ISSUER}/"},
        {"issuer": None},
        {"issuer": [ISSUER]},
        {"token_endpoint": None},
        {"token_endpoint": "http://id.example.com/token"},
        {"token_endpoint": "//id.example.com/token"},
        {"token_endpoint": "https://user:password@id.example.com/token"},
        {"token_endpoint": "https://id.example.com:99999/token"},
        {"token_endpoint": "https://id.example.com\\@169.254.169.254/token"},
        {"token_endpoint": "https://id.example.com/a b"},
        {"token_endpoint": "https://id.example.com/\r\nHost: x"},
        {"token_endpoint": "https://id.example.com/token\n"},
        {"token_endpoint": "https://bücher.example.com/token"},
        {"token_endpoint": "https://id.example.com/#token"},
        {"token_endpoint": "https://id.example.com/" + "x" * 2048},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": "http://id.example.com/authorize"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": {}},
        {"userinfo_endpoint": "http://id.example.com"},
        {"userinfo_endpoint": 1},
        {"token_endpoint_auth_methods_supported": ["private_key_jwt"]},
        {"token_endpoint_auth_methods_supported": "client_secret_basic"},
        {"token_endpoint_auth_methods_supported": []},
    ],
    ids=str,
)
def test_a_wrong_discovery_document_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ProviderUnavailable):
        read_discovery({**DOCUMENT, **changes}, URL, allow_private=False)


def test_the_document_of_another_issuer_is_refused(openid: OpenIdServer) -> None:
    openid.discovery = {"issuer": "https://accounts.google.com"}
    with pytest.raises(ProviderUnavailable, match="another issuer"):
        openid.provider().authorization_url(EXCHANGE)


@pytest.mark.parametrize("status", [200, 500])
def test_an_old_document_is_used_while_there_is_no_newer(openid: OpenIdServer, time: FrozenClock, status: int) -> None:
    provider = openid.provider()
    sign_in(provider)
    openid.answers[".well-known/openid-configuration"] = lambda: json_response({"issuer": "x"}, status)
    time.advance(minutes=61)
    for _ in range(3):
        assert sign_in(provider).subject == "ada-1815"
    assert openid.count("openid-configuration") == 2  # a provider in trouble is asked every 30 seconds
    time.advance(seconds=31)
    del openid.answers[".well-known/openid-configuration"]
    openid.discovery = {"jwks_uri": f"{openid.address}/nowhere"}
    sign_in(provider)
    assert openid.count("openid-configuration") == 3


COMMON = "https://login.microsoftonline.com/common/v2.0"
TENANT, OBJECT = "4d3a1a5e-0c1f-4f0e-9a6b-0f2b7c1d9e10", "9b2f6c1d-7d3e-4a40-8a55-2f2f6c1d9b10"
OTHER_TENANT = "0d4bab0c-76c8-44d7-b5d8-2b1e3f2d1ae2"


def _microsoft(endpoint: str, **claims: Any) -> tuple[OpenIdProvider, str]:
    """The provider, and the issuer that an id_token must have there."""
    template = endpoint.replace("common", "{tenantid}").replace("organizations", "{tenantid}")
    url = f"{endpoint}/.well-known/openid-configuration"
    discovery = read_discovery({**DOCUMENT, "issuer": template}, url, allow_private=False)
    token = IdToken({}, claims, SigningKey("kid", None, "RSA", claims.pop("key_issuer", None), RSA))
    return OpenIdProvider("oidc", "Microsoft", url, "id", "secret"), _issuer_of(token, discovery)


@pytest.mark.parametrize(
    "endpoint", [COMMON, COMMON.replace("common", "organizations"), COMMON.replace("common", TENANT)]
)
@pytest.mark.parametrize("key_issuer", [None, COMMON.replace("common", "{tenantid}"), COMMON.replace("common", TENANT)])
def test_microsoft_has_an_issuer_for_each_tenant(endpoint: str, key_issuer: str | None) -> None:
    provider, issuer = _microsoft(endpoint, tid=TENANT, key_issuer=key_issuer)
    assert issuer == f"https://login.microsoftonline.com/{TENANT}/v2.0"
    claims = {"sub": "pairwise", "tid": TENANT, "oid": OBJECT, "email": "ada@example.com", "email_verified": True}
    person = provider._person(issuer, claims, claims)
    assert (person.subject, person.email, person.email_verified) == (f"{TENANT}.{OBJECT}", "ada@example.com", False)


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"tid": 1},
        {"tid": "common"},
        {"tid": f"{TENANT}\n"},
        {"tid": f"{TENANT}/x"},
        {"tid": TENANT, "key_issuer": COMMON.replace("common", OTHER_TENANT)},
    ],
)
def test_an_id_token_of_no_tenant_is_refused(claims: dict[str, Any]) -> None:
    with pytest.raises(SsoFailed):
        _microsoft(COMMON, **claims)


@pytest.mark.parametrize("claims", [{"tid": TENANT}, {"tid": TENANT, "oid": 1}, {"tid": TENANT, "oid": "x"}])
def test_a_person_of_microsoft_without_oid_is_refused(claims: dict[str, Any]) -> None:
    provider, issuer = _microsoft(COMMON, tid=TENANT)
    with pytest.raises(SsoFailed):
        provider._person(issuer, {"sub": "x", **claims}, claims)


def test_the_template_of_microsoft_is_nobody_elses() -> None:
    url = "https://id.example.com/common/v2.0"
    with pytest.raises(ProviderUnavailable):
        read_discovery(
            {**DOCUMENT, "issuer": url.replace("common", "{tenantid}")},
            f"{url}/.well-known/openid-configuration",
            allow_private=False,
        )
    found = read_discovery(
        {**DOCUMENT, "issuer": COMMON.replace("common", "{tenantid}")},
        f"{COMMON}/.well-known/openid-configuration",
        allow_private=False,
    )
    assert found.is_issuer(COMMON.replace("common", TENANT))
    assert not found.is_issuer(COMMON)
    assert not found.is_issuer(f"https://login-microsoftonline.com/{TENANT}/v2.0")
