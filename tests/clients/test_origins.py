"""Pages of another origin than authapp's, and services beside it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time

import pytest
from playwright.sync_api import Browser

from authapp.security.keys import derive
from tests.clients.network import REFRESH, Change, Reply
from tests.clients.tabs import Place, Tabs, tabs_of, use

pytestmark = pytest.mark.xdist_group("browser")
ME = "/api/v1/auth/me"


def test_a_page_of_an_origin_that_is_not_allowed_gets_nothing(tabs: Tabs) -> None:
    tabs.signed_in()
    before = len(tabs.place.proxy.seen)
    page = tabs.open_one(tabs.place.address(tabs.place.stranger))
    assert tabs.sign_in(page) == "network"
    assert page.evaluate("client.state.status") == "loading"
    seen = tabs.place.proxy.seen[before:]
    assert {method for method, *_ in seen} == {"OPTIONS"}, "the browser asked whether it may, and it may not"
    assert len(seen) < 30


def test_the_token_goes_to_services_that_the_page_names_and_to_no_other(place: Place, chromium: Browser) -> None:
    with tabs_of(place, chromium, apis=[place.stranger.origin]) as tabs:
        [page] = tabs.signed_in()
        ask = "(address) => outcome(client.fetch(address).then((response) => response.json()))"
        answer = page.evaluate(ask, f"{place.stranger.origin}/echo")
        assert answer["authorization"].startswith("Bearer ey")
        place.stranger.echoed.clear()
        assert page.evaluate(ask, f"{place.files.origin}/echo") == "TypeError"
        assert page.evaluate(ask, f"{place.stranger.origin}/echo?{place.files.origin}/echo") == "network"
        assert len(place.stranger.echoed) == 1, "it led to an origin that must not see the token"
        assert place.files.echoed == []


def test_a_call_is_repeated_once_with_another_token_where_its_own_has_expired(tabs: Tabs) -> None:
    [page] = tabs.signed_in()
    for expired, answer, statuses in ((1, tabs.email, [401, 200]), (2, "expired_token", [401, 401])):
        tabs.expire()
        before = len(tabs.place.proxy.seen)
        with tabs.place.proxy.following(Change(expired, with_expired_token)):
            assert use(page) == answer
        assert tabs.place.proxy.statuses(ME, before) == statuses
        assert tabs.place.proxy.statuses(REFRESH, before) == [200, 200]
    assert use(page) == tabs.email
    assert tabs.counts() == (0, 0)


def with_expired_token(reply: Reply) -> Reply:
    """The same session, with an access token that expired a minute ago and is right in all else."""
    session = reply.json
    header, payload, _ = session["access_token"].split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    claims["exp"] = int(time.time()) - 60
    claims["iat"] = claims["exp"] - 1800
    signed = f"{header}.{_base64url(json.dumps(claims).encode())}"
    key = derive("a-secret-for-tests-that-is-long-enough", "HS256")
    signature = hmac.digest(key, signed.encode(), hashlib.sha256)
    return Reply(
        reply.status,
        reply.headers,
        json.dumps({**session, "access_token": f"{signed}.{_base64url(signature)}"}).encode(),
    )


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
