"""Sign-in with an OpenID provider: what a person is, and which id_tokens are refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from authapp.core.clock import FrozenClock
from authapp.providers.openid import OpenIdProvider
from authapp.providers.provider import Person, ProviderUnavailable, SsoFailed
from tests.providers.browser import EXCHANGE, response_of, sign_in
from tests.providers.http_server import json_response
from tests.providers.openid_server import (
    CLIENT_ID,
    CLIENT_SECRET,
    EC,
    ED25519,
    RSA,
    OpenIdServer,
    Signature,
)


def test_a_person_signs_in_and_documents_are_fetched_once(openid: OpenIdServer) -> None:
    provider = openid.provider()
    for _ in range(3):
        assert sign_in(provider) == Person("oidc", openid.issuer, "ada-1815", "ada@example.com", True)
    counts = {name: openid.count(name) for name in ("openid-configuration", "jwks", "token", "userinfo")}
    assert counts == {"openid-configuration": 1, "jwks": 1, "token": 3, "userinfo": 0}


def test_the_authorization_request_has_state_nonce_and_pkce(openid: OpenIdServer) -> None:
    url = urlsplit(openid.provider().authorization_url(EXCHANGE))
    assert parse_qs(url.query) == {
        "tenant": ["1"],
        "response_type": ["code"],
        "client_id": [CLIENT_ID],
        "redirect_uri": [EXCHANGE.redirect_uri],
        "scope": ["openid email profile"],
        "state": [EXCHANGE.state],
        "nonce": [EXCHANGE.nonce],
        "code_challenge": [
            base64.urlsafe_b64encode(hashlib.sha256(EXCHANGE.code_verifier.encode()).digest()).decode().rstrip("=")
        ],
        "code_challenge_method": ["S256"],
    }


@pytest.mark.parametrize("methods", [None, ["client_secret_basic"], ["private_key_jwt", "client_secret_post"]])
def test_the_client_authenticates_as_the_discovery_document_says(openid: OpenIdServer, methods: Any) -> None:
    openid.discovery = {"token_endpoint_auth_methods_supported": methods}
    sign_in(openid.provider())
    [request] = [request for request in openid.requests if request.path == "/token"]
    assert ("Authorization" in request.headers) is (methods is None or "client_secret_basic" in methods)


@pytest.mark.parametrize(
    "signature",
    [
        Signature(),
        Signature("PS256", RSA, "ps"),
        Signature("ES256", EC, "ec"),
        Signature("EdDSA", ED25519, "okp"),
        Signature("ES256", EC, None),
    ],
)
def test_signatures_of_each_of_our_algorithms_are_verified(openid: OpenIdServer, signature: Signature) -> None:
    openid.signature = signature
    openid.keys.append({**RSA.as_dict(private=False), "kid": "ps", "alg": "PS256"})
    assert sign_in(openid.provider()).subject == "ada-1815"


def test_at_hash_is_compared_with_the_access_token(openid: OpenIdServer) -> None:
    half = hashlib.sha256(b"an-access-token").digest()[:16]
    openid.claims = {"at_hash": base64.urlsafe_b64encode(half).decode().rstrip("=")}
    assert sign_in(openid.provider()).subject == "ada-1815"


@pytest.mark.parametrize(
    ("claims", "email", "is_verified"),
    [
        ({"email": "Ada@EXAMPLE.com"}, "ada@example.com", True),
        ({"email": "ada@bücher.example.com"}, "ada@xn--bcher-kva.example.com", True),
        ({"email_verified": False}, "ada@example.com", False),
        ({"email_verified": None}, "ada@example.com", False),
        ({"email_verified": "true"}, "ada@example.com", False),
        ({"email_verified": 1}, "ada@example.com", False),
        ({"email_verified": [True]}, "ada@example.com", False),
        ({"email": "no address"}, None, False),
        ({"email": "ada@example.com\r\nBcc: eve@example.com"}, None, False),
        ({"email": "Ada <ada@example.com>"}, None, False),
        ({"email": "\u212aate@example.com"}, None, False),
        ({"email": "\ud800@example.com"}, None, False),
        ({"email": ["ada@example.com"]}, None, False),
        ({"email": ""}, None, False),
    ],
)
def test_an_email_is_verified_only_if_the_provider_says_true(
    openid: OpenIdServer, claims: dict[str, Any], email: str | None, is_verified: bool
) -> None:
    openid.claims = claims
    person = sign_in(openid.provider())
    assert (person.email, person.email_verified) == (email, is_verified)


def test_an_email_that_the_id_token_lacks_is_asked_of_userinfo(openid: OpenIdServer) -> None:
    openid.claims = {"email": None, "email_verified": True, "given_name": "Ada"}
    openid.userinfo |= {"email_verified": False, "given_name": "Augusta", "family_name": "King"}
    person = sign_in(openid.provider())
    assert person[3:] == ("userinfo@example.com", False, "Ada", "King")
    openid.userinfo |= {"email_verified": True}
    assert sign_in(openid.provider()).email_verified is True


def test_a_provider_without_userinfo_and_email_tells_none(openid: OpenIdServer) -> None:
    openid.claims, openid.discovery = {"email": None}, {"userinfo_endpoint": None}
    assert sign_in(openid.provider())[3:] == (None, False, None, None)


@pytest.mark.parametrize("userinfo", [{"sub": "eve"}, {}, {"sub": None}, {"sub": ["ada-1815"]}])
def test_userinfo_of_somebody_else_is_refused(openid: OpenIdServer, userinfo: dict[str, Any]) -> None:
    openid.claims, openid.userinfo = {"email": None}, {"email": "eve@example.com", "email_verified": True, **userinfo}
    with pytest.raises(SsoFailed, match="somebody else"):
        sign_in(openid.provider())


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        (" Ada\x00 \x07Augusta\n", "Ada Augusta"),
        ("\u202eadA\u2066", "adA"),
        ("e\u0301", "é"),
        ("x" * 101, "x" * 100),
        ("\ud800Ada", "Ada"),
        ("A" * 10_000, "A" * 100),
        ("\u200d", None),
        (" ", None),
        ("", None),
        (7, None),
        ({"first": "Ada"}, None),
    ],
)
def test_names_are_cut_and_cleaned(openid: OpenIdServer, name: Any, cleaned: str | None) -> None:
    openid.claims = {"given_name": name, "family_name": name}
    assert sign_in(openid.provider())[5:] == (cleaned, cleaned)


@pytest.mark.parametrize(
    ("claims", "is_verified"),
    [
        ({"email": "ada@gmail.com"}, True),
        ({"email": "ada@gmail.com", "email_verified": False}, False),
        ({"email": "ada@example.com"}, False),
        ({"email": "ada@example.com", "hd": "example.com"}, True),
        ({"email": "ada@example.com", "hd": "example.com", "email_verified": False}, False),
        ({"email": "ada@gmail.com.example.com"}, False),
        ({"email": "ada@notgmail.com"}, False),
        ({"email": None}, False),
    ],
)
def test_google_knows_addresses_of_gmail_and_of_its_customers(claims: dict[str, Any], is_verified: bool) -> None:
    provider = OpenIdProvider("google", "Google", "https://accounts.google.com/x", "id", "secret")
    signed = {"sub": "1", "email_verified": True, **claims}
    person = provider._person("https://accounts.google.com", signed, signed)
    assert person.email_verified is is_verified
    assert provider._person(
        "https://id.example.com", {**signed, "email": "ada@example.com"}, signed
    ).email_verified == (claims["email"] is not None and signed["email_verified"])


def without_signature(claims: dict[str, Any]) -> str:
    return ".".join([_encoded({"alg": "none"}), _encoded(claims), ""])


def with_hmac(key: bytes, claims: dict[str, Any], kid: str | None = "rsa") -> str:
    signed = ".".join([_encoded({"alg": "HS256", "kid": kid}), _encoded(claims)])
    return f"{signed}.{_base64(hmac.digest(key, signed.encode(), 'sha256'))}"


def with_other_claims(server: OpenIdServer, claims: dict[str, Any]) -> str:
    header, _, signature = server.signed(claims).split(".")
    return f"{header}.{_encoded({**claims, 'sub': 'eve'})}.{signature}"


def _encoded(content: Any) -> str:
    return _base64(json.dumps(content).encode())


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


FORGED: dict[str, Callable[[OpenIdServer], Callable[[dict[str, Any]], Any]]] = {
    "no signature": lambda _: without_signature,
    "HMAC with the client's secret": lambda _: partial(with_hmac, CLIENT_SECRET.encode()),
    "HMAC with the public key as PEM": lambda _: partial(with_hmac, RSA.as_pem(private=False)),
    "HMAC with the modulus": lambda _: partial(with_hmac, RSA.as_dict(private=False)["n"].encode()),  # type: ignore[union-attr]
    "other claims": lambda server: partial(with_other_claims, server),
    "no token": lambda _: lambda _: None,
    "a number": lambda _: lambda _: 1,
    "an empty text": lambda _: lambda _: "",
    "no ASCII": lambda _: lambda _: "é.é.é",
    "half a character": lambda _: lambda _: "\ud800",
    "an encrypted token": lambda _: lambda _: f"{_encoded({'alg': 'RSA-OAEP', 'enc': 'A256GCM'})}.a.b.c.d",
    "a header that is no object": lambda _: lambda _: f"{_encoded([])}.a.b",
    "a deep header": lambda _: lambda _: f"{_base64(b'[' * 20_000)}.a.b",
    "an algorithm that is no text": lambda _: lambda _: f"{_encoded({'alg': ['RS256']})}.a.b",
    "a kid that is no text": lambda _: lambda _: f"{_encoded({'alg': 'RS256', 'kid': 1})}.a.b",
    "a critical header": lambda _: lambda _: f"{_encoded({'alg': 'RS256', 'kid': 'rsa', 'crit': [1], 'x': 1})}.a.b",
    "no signature behind RS256": lambda _: (
        lambda claims: f"{_encoded({'alg': 'RS256', 'kid': 'rsa'})}.{_encoded(claims)}."
    ),
    "claims that are no object": lambda server: lambda _: server.signed([1]),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("how", FORGED)
def test_a_forged_id_token_is_refused(openid: OpenIdServer, how: str) -> None:
    openid.make_token = FORGED[how](openid)
    with pytest.raises(SsoFailed):
        sign_in(openid.provider())


@pytest.mark.parametrize(
    "signature",
    [
        Signature("RS512", RSA, "rsa"),
        Signature("RS256", type(RSA).generate_key(2048), "rsa"),
        Signature("RS256", RSA, "unknown"),
        Signature("PS256", RSA, "rsa"),
        Signature("RS256", RSA, "ec"),
        Signature("RS256", RSA, ""),
    ],
)
def test_a_signature_of_another_key_or_algorithm_is_refused(openid: OpenIdServer, signature: Signature) -> None:
    openid.signature = signature
    with pytest.raises(SsoFailed):
        sign_in(openid.provider())


NOW = 1_900_000_000
REFUSED_CLAIMS: list[dict[str, Any]] = [
    {"nonce": "another"},
    {"nonce": None},
    {"nonce": ""},
    {"nonce": ["a-nonce"]},
    {"nonce": "\ud800"},
    {"iss": "https://id.example.com"},
    {"iss": None},
    {"iss": 1},
    {"aud": "another-client"},
    {"aud": "another-client", "azp": CLIENT_ID},
    {"aud": ["another-client", "a third"], "azp": CLIENT_ID},
    {"aud": []},
    {"aud": None},
    {"aud": {CLIENT_ID: 1}},
    {"aud": [CLIENT_ID, 1]},
    {"aud": [CLIENT_ID, "another-client"]},
    {"aud": [CLIENT_ID, "another-client"], "azp": "another-client"},
    {"azp": "another-client"},
    {"azp": ""},
    {"azp": [CLIENT_ID]},
    {"exp": NOW - 61},
    {"exp": None},
    {"exp": str(NOW + 300)},
    {"exp": True},
    {"exp": float("1e999")},
    {"iat": NOW + 62},
    {"iat": None},
    {"iat": "now"},
    {"nbf": NOW + 62},
    {"nbf": "now"},
    {"sub": None},
    {"sub": 1815},
    {"sub": ""},
    {"sub": "x" * 256},
    {"sub": "ädä"},
    {"sub": "a\x00b"},
    {"sub": ["ada-1815"]},
    {"at_hash": "another"},
    {"at_hash": ""},
    {"at_hash": 1},
]


@pytest.mark.parametrize("claims", REFUSED_CLAIMS, ids=str)
def test_an_id_token_with_a_wrong_claim_is_refused(
    openid: OpenIdServer, time: FrozenClock, claims: dict[str, Any]
) -> None:
    time.advance(seconds=NOW - time.now().timestamp())
    provider = openid.provider()
    assert sign_in(provider).subject == "ada-1815"
    openid.claims = claims
    with pytest.raises(SsoFailed):
        sign_in(provider)


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": NOW - 58},
        {"iat": NOW + 58},
        {"nbf": NOW + 58.5},
        {"aud": [CLIENT_ID]},
        {"aud": [CLIENT_ID, "another"], "azp": CLIENT_ID},
        {"sub": "x" * 255},
    ],
    ids=str,
)
def test_an_id_token_at_the_limits_is_accepted(openid: OpenIdServer, time: FrozenClock, claims: dict[str, Any]) -> None:
    time.advance(seconds=NOW - time.now().timestamp())
    openid.claims = claims
    assert sign_in(openid.provider()).subject == claims.get("sub", "ada-1815")


@pytest.mark.parametrize(
    ("tells_issuer", "issuer", "is_refused"),
    [
        (None, None, False),
        (None, "own", False),
        (None, "https://id.example.com", True),
        (None, "", True),
        (True, None, True),
        (True, "own", False),
        ("true", None, False),
    ],
)
def test_the_issuer_of_the_response_is_compared(
    openid: OpenIdServer, tells_issuer: Any, issuer: str | None, is_refused: bool
) -> None:
    openid.discovery = {"authorization_response_iss_parameter_supported": tells_issuer}
    provider, openid.response = openid.provider(), {}
    if issuer is not None:
        openid.response = {"iss": openid.issuer if issuer == "own" else issuer}
    response = response_of(provider.authorization_url(EXCHANGE))
    if is_refused:
        with pytest.raises(SsoFailed, match="another issuer"):
            provider.authenticate(EXCHANGE, response["code"], issuer if issuer != "own" else openid.issuer)
        assert openid.count("token") == 0  # RFC 9207 section 2.4: the code is not sent to another provider
    else:
        assert sign_in(provider).subject == "ada-1815"


@pytest.mark.parametrize(
    "changed", [{"redirect_uri": "https://eve.example.com"}, {"code_verifier": "another"}, {"nonce": "another"}]
)
def test_an_answer_to_another_request_is_refused(openid: OpenIdServer, changed: dict[str, str]) -> None:
    provider = openid.provider()
    code = response_of(provider.authorization_url(EXCHANGE))["code"]
    with pytest.raises(SsoFailed):
        provider.authenticate(EXCHANGE._replace(**changed), code, None)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (({"error": "invalid_grant"}, 400), SsoFailed),
        (({"error": "invalid_client"}, 401), SsoFailed),
        (({"error": "invalid_grant"}, 200), SsoFailed),
        (({}, 200), SsoFailed),
        (({"access_token": "a\r\nHost: x", "id_token": "x"}, 200), SsoFailed),
        (({"access_token": "", "id_token": "x"}, 200), SsoFailed),
        (({"access_token": 1, "id_token": "x"}, 200), SsoFailed),
        (([], 200), ProviderUnavailable),
        (({}, 429), ProviderUnavailable),
        (({}, 500), ProviderUnavailable),
        (({}, 302), ProviderUnavailable),
    ],
)
def test_what_else_the_token_endpoint_answers(
    openid: OpenIdServer, answer: tuple[Any, int], error: type[Exception]
) -> None:
    openid.answers["token"] = lambda: json_response(*answer)
    with pytest.raises(error):
        sign_in(openid.provider())
