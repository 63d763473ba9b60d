"""The keys of a provider: fetched again for an unknown kid, and never lost to a bad answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from time import monotonic, sleep
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey
from werkzeug import Response

from authapp.core.clock import FrozenClock
from authapp.providers.key_sets import signing_keys
from authapp.providers.provider import ProviderUnavailable, SsoFailed
from tests.providers.browser import EXCHANGE, response_of, sign_in
from tests.providers.http_server import json_response, serving_bytes
from tests.providers.openid_server import EC, RSA, OpenIdServer, Signature

NEW = RSAKey.generate_key(2048, {"kid": "new"})
UNUSABLE: dict[str, Any] = {
    "an unknown type": {"kty": "AKP", "alg": "ML-DSA-44", "kid": "pq", "pub": "AAAA"},
    "a symmetric key": OctKey.generate_key(256, {"kid": "oct"}).as_dict(private=True),
    "a key for encryption": {**NEW.as_dict(private=False), "use": "enc"},
    "an RSA key of 1,024 bits": {"kty": "RSA", "kid": "short", "e": "AQAB", "n": "_" * 170 + "w"},
    "an RSA key of 1,024 bits and zeros": {"kty": "RSA", "kid": "short", "e": "AQAB", "n": "A" * 170 + "_" * 170 + "w"},
    "an RSA key of 100,000 bits": {"kty": "RSA", "kid": "long", "e": "AQAB", "n": "_" * 16_668},
    "an RSA key with a modulus that is no text": {"kty": "RSA", "kid": "x", "e": "AQAB", "n": 5},
    "an RSA key with the exponent 1": {**NEW.as_dict(private=False), "e": "AQ"},
    "an RSA key without a modulus": {"kty": "RSA", "kid": "x", "e": "AQAB"},
    "another curve": ECKey.generate_key("P-521", {"kid": "p521"}).as_dict(private=False),
    "a point that is not on the curve": {**EC.as_dict(private=False), "x": "AQ"},
    "a curve of another type": {**EC.as_dict(private=False), "crv": "Ed25519"},
    "a kid that is no text": {**NEW.as_dict(private=False), "kid": ["new"]},
    "an algorithm that is no text": {**NEW.as_dict(private=False), "alg": 1},
    "a type that is no text": {"kty": ["RSA"]},
    "no base64": {**NEW.as_dict(private=False), "n": "ü" * 342},
    "no object": "key",
    "null": None,
}


@pytest.mark.parametrize("kind", UNUSABLE)
def test_a_key_that_cannot_be_used_is_skipped(openid: OpenIdServer, kind: str) -> None:
    assert [key.kid for key in signing_keys({"keys": [UNUSABLE[kind], RSA.as_dict(private=False)]})] == ["rsa"]
    openid.keys.insert(0, UNUSABLE[kind])
    assert sign_in(openid.provider()).subject == "ada-1815"


@pytest.mark.parametrize("document", [{}, {"keys": []}, {"keys": {}}, {"keys": None}, {"keys": [UNUSABLE["null"]]}])
def test_a_set_without_a_key_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(ProviderUnavailable, match="no key"):
        signing_keys(document)


def test_private_members_of_a_key_are_dropped() -> None:
    [key] = signing_keys({"keys": [RSA.as_dict(private=True)]})
    assert not key.key.is_private


def test_an_unknown_kid_fetches_the_keys_again_every_30_seconds_at_most(
    openid: OpenIdServer, time: FrozenClock
) -> None:
    provider = openid.provider()
    sign_in(provider)
    time.advance(seconds=31)
    openid.signature = Signature("RS256", NEW, "new")
    for _ in range(5):
        with pytest.raises(SsoFailed, match="0 keys"):
            sign_in(provider)
        time.advance(seconds=5)
    assert openid.count("jwks") == 2
    openid.keys = [NEW.as_dict(private=False)]
    with pytest.raises(SsoFailed):
        sign_in(provider)
    time.advance(seconds=5)
    assert sign_in(provider).subject == "ada-1815"
    assert openid.count("jwks") == 3


def test_keys_are_fetched_again_after_an_hour(openid: OpenIdServer, time: FrozenClock) -> None:
    provider = openid.provider()
    sign_in(provider)
    openid.keys = [NEW.as_dict(private=False)]
    time.advance(minutes=59)
    assert sign_in(provider)
    time.advance(minutes=2)
    with pytest.raises(SsoFailed):  # the old key has been withdrawn
        sign_in(provider)
    assert openid.count("jwks") == 2


@pytest.mark.parametrize("status", [200, 404, 500])
def test_good_keys_outlive_an_empty_set_and_an_error(openid: OpenIdServer, time: FrozenClock, status: int) -> None:
    provider = openid.provider()
    sign_in(provider)
    openid.answers["jwks"] = lambda: json_response({"keys": []}, status)
    for _ in range(4):
        time.advance(minutes=40)
        assert sign_in(provider).subject == "ada-1815"
        assert sign_in(provider).subject == "ada-1815"
    assert openid.count("jwks") == 4


def test_an_unknown_kid_of_a_provider_in_trouble_can_be_tried_again(openid: OpenIdServer, time: FrozenClock) -> None:
    provider = openid.provider()
    sign_in(provider)
    time.advance(seconds=31)
    openid.signature, openid.answers["jwks"] = Signature("RS256", NEW, "new"), lambda: json_response({}, 500)
    for _ in range(3):
        with pytest.raises(ProviderUnavailable, match="status 500"):
            sign_in(provider)
    assert openid.count("jwks") == 2
    openid.signature = Signature()
    assert sign_in(provider).subject == "ada-1815"


def test_without_any_keys_the_provider_is_unavailable_until_it_has_some(openid: OpenIdServer) -> None:
    provider = openid.provider()
    openid.answers["jwks"] = lambda: json_response({"keys": []})
    with pytest.raises(ProviderUnavailable, match="no key"):
        sign_in(provider)
    del openid.answers["jwks"]
    assert sign_in(provider).subject == "ada-1815"


def test_a_token_without_kid_needs_the_only_key_that_fits(openid: OpenIdServer) -> None:
    openid.signature = Signature("RS256", RSA, None)
    assert sign_in(openid.provider()).subject == "ada-1815"
    openid.keys.append(NEW.as_dict(private=False))
    with pytest.raises(SsoFailed, match="2 keys"):
        sign_in(openid.provider())


def test_sign_ins_at_once_share_one_fetch(openid: OpenIdServer) -> None:
    provider = openid.provider()
    barrier = Barrier(16)
    codes = [response_of(openid.provider().authorization_url(EXCHANGE))["code"] for _ in range(16)]
    openid.requests.clear()

    def authenticate(code: str) -> str:
        barrier.wait()
        return provider.authenticate(EXCHANGE, code, None).subject

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(authenticate, codes)) == {"ada-1815"}
    assert (openid.count("openid-configuration"), openid.count("jwks"), openid.count("token")) == (1, 1, 16)


def test_sign_ins_at_once_with_a_new_key_share_one_fetch(openid: OpenIdServer, time: FrozenClock) -> None:
    provider = openid.provider()
    sign_in(provider)
    time.advance(seconds=31)
    codes = [response_of(provider.authorization_url(EXCHANGE))["code"] for _ in range(8)]
    openid.signature = Signature("RS256", NEW, "new")

    def slow() -> Response:
        sleep(0.3)
        return json_response({"keys": [NEW.as_dict(private=False)]})

    openid.answers["jwks"] = slow
    with ThreadPoolExecutor(8) as pool:
        people = list(pool.map(lambda code: provider.authenticate(EXCHANGE, code, None).subject, codes))
    assert people == ["ada-1815"] * 8
    assert openid.count("jwks") == 2


def test_sign_ins_at_once_share_the_failure_of_one_fetch(openid: OpenIdServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("authapp.providers.fetch.SECONDS", 1)
    barrier = Barrier(8)
    with serving_bytes(b"", seconds=60) as silent:
        openid.discovery = {"jwks_uri": f"http://{silent}/jwks"}
        provider = openid.provider()
        codes = [response_of(provider.authorization_url(EXCHANGE))["code"] for _ in range(8)]

        def reason(code: str) -> str:
            barrier.wait()
            with pytest.raises(ProviderUnavailable) as caught:
                provider.authenticate(EXCHANGE, code, None)
            return caught.value.reason

        with ThreadPoolExecutor(8) as pool:
            started = monotonic()
            assert all(pool.map(reason, codes))
            assert monotonic() - started < 3
