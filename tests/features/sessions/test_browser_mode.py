"""Browser mode: who may ask for it, what the cookies look like, and that nothing else reads them."""

from __future__ import annotations

from collections.abc import Callable
from http.cookies import Morsel, SimpleCookie
from typing import Any

import pytest
from werkzeug.test import TestResponse

from authapp.core.clock import FrozenClock
from authapp.web.browser_mode import COOKIES
from tests.factories import PASSWORD, AppWith, Caller, Person, World
from tests.sso import MemoryProvider, ada, code_of

ORIGIN = "http://localhost:8000"
HEADERS = {"Authapp-Client": "browser", "Origin": ORIGIN}
COOKIE = "authapp_refresh"
LOGIN, REFRESH, LOGOUT = "/auth/login", "/auth/refresh", "/auth/logout"


def cookies_of(response: TestResponse) -> dict[str, Morsel[str]]:
    return {
        name: morsel
        for header in response.headers.getlist("Set-Cookie")
        for name, morsel in SimpleCookie(header).items()
    }


def sign_in(caller: Caller, person: Person, **headers: str) -> TestResponse:
    body = {"email": person.email, "password": PASSWORD}
    return caller.call("POST", LOGIN, body, headers={**HEADERS, **headers})


def refresh(caller: Caller, **headers: str) -> TestResponse:
    return caller.call("POST", REFRESH, headers={**HEADERS, **headers})


def send_cookie(
    world: World, value: str, path: str = REFRESH, name: str = COOKIE, origin: str = ORIGIN
) -> TestResponse:
    """Call with this cookie, as it stands."""
    caller = world.caller()
    caller._cookies = None  # or the client would replace the header
    return caller.call("POST", path, headers={**HEADERS, "Origin": origin, "Cookie": f"{name}={value}"})


def test_in_browser_mode_the_refresh_token_comes_in_a_cookie_and_is_absent_from_the_body(world: World) -> None:
    caller = world.caller()
    body = {"email": "ada@example.com", "password": PASSWORD}
    for response in (
        caller.call("POST", "/auth/register", body, headers=HEADERS),
        caller.call("POST", LOGIN, body, headers=HEADERS),
        refresh(caller),
    ):
        session = response.get_json()
        assert response.status_code in (200, 201)
        assert {"refresh_token", "device_token"}.isdisjoint(session)
        cookie = cookies_of(response)[COOKIE]
        assert cookie.value.count(".") == 2
        assert cookie.value not in response.text
        assert int(cookie["max-age"]) == session["refresh_expires_in"]
        assert (cookie["path"], cookie["samesite"], cookie["httponly"]) == ("/", "Strict", True)
        assert (cookie["domain"], cookie["secure"]) == ("", "")
        assert world.caller(session["access_token"]).call("GET", "/auth/me").status_code == 200


@pytest.mark.parametrize(
    ("changes", "origin"),
    [
        ({"public_url": "https://auth.example.com"}, "https://auth.example.com"),
        ({"public_url": "https://auth.example.com/base"}, "https://auth.example.com"),
        ({"public_url": "https://Auth.Example.com:443"}, "https://auth.example.com"),
        ({"public_url": "https://auth.example.com:8443"}, "https://auth.example.com:8443"),
        ({"public_url": "https://[::1]"}, "https://[::1]"),
        ({"public_url": "https://a.example.com", "cors_origins": ("https://B.example.com",)}, "https://b.example.com"),
    ],
)
def test_over_https_the_cookie_is_secure_and_bound_to_the_host(
    world: World, app_with: AppWith, changes: dict[str, Any], origin: str
) -> None:
    person = world.person()
    secure = world.with_app(app_with(**changes))
    response = sign_in(secure.caller(), person, Origin=origin)
    assert response.status_code == 200
    cookie = cookies_of(response)[f"__Host-{COOKIE}"]
    assert (cookie["secure"], cookie["httponly"], cookie["path"], cookie["domain"]) == (True, True, "/", "")
    assert send_cookie(secure, cookie.value, name=f"__Host-{COOKIE}", origin=origin).status_code == 200
    planted = send_cookie(secure, cookie.value, origin=origin)
    assert planted.get_json()["code"] == "missing_token"  # a neighbour can set a cookie without the prefix


@pytest.mark.parametrize(
    "origin",
    [
        None, "", "null", "http://localhost", "http://localhost:8001", "https://localhost:8000", "http://127.0.0.1:8000",
        "http://LOCALHOST:8000", "http://localhost:8000/", "http://localhost:8000.evil.example", "http://localhost:80000",
        "http://evil@localhost:8000", "localhost:8000", "//localhost:8000", "http://localhost:8000, http://evil.example",
        "http://localhost:8000\N{KELVIN SIGN}", "*",
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/auth/register", LOGIN, REFRESH, LOGOUT])
def test_browser_mode_from_another_origin_is_refused_and_does_nothing(
    world: World, path: str, origin: str | None
) -> None:
    person, caller = world.person(), world.caller()
    sign_in(caller, person)
    headers = {"Authapp-Client": "browser", **({} if origin is None else {"Origin": origin})}
    body = {"email": person.email, "password": PASSWORD} if path in ("/auth/register", LOGIN) else None
    events = world.sql("SELECT count(*) FROM audit_events")
    response = caller.call("POST", path, body, headers=headers)
    assert (response.status_code, response.get_json()["code"]) == (403, "origin_not_allowed")
    assert "Set-Cookie" not in response.headers
    assert world.sql("SELECT count(*) FROM audit_events") == events
    assert refresh(caller).status_code == 200


@pytest.mark.parametrize(
    ("site", "status"), [("cross-site", 403), ("same-site", 200), ("same-origin", 200), ("none", 200)]
)
def test_browser_mode_from_another_site_is_refused(world: World, site: str, status: int) -> None:
    response = sign_in(world.caller(), world.person(), **{"Sec-Fetch-Site": site})
    assert response.status_code == status
    assert ("another site" in response.get_json().get("detail", "")) is (status == 403)


def test_without_the_header_the_cookie_is_ignored(world: World) -> None:
    person, caller = world.person(), world.caller()
    sign_in(caller, person)
    for headers in ({"Origin": ORIGIN}, {"Origin": ORIGIN, "Authapp-Client": "mobile"}):
        assert caller.call("POST", REFRESH, {}, headers=headers).get_json()["errors"] == {
            "json": {"refresh_token": ["Missing data for required field."]}
        }
        assert caller.call("POST", LOGOUT, headers=headers).get_json()["code"] == "missing_token"
        plain = caller.call("POST", LOGIN, {"email": person.email, "password": PASSWORD}, headers=headers)
        assert plain.get_json()["refresh_token"]
        assert "Set-Cookie" not in plain.headers
    assert caller.call("GET", "/auth/me", headers=HEADERS).get_json()["code"] == "missing_token"
    assert refresh(caller).status_code == 200


def test_the_code_of_a_provider_is_exchanged_in_browser_mode(world: World, provider: MemoryProvider) -> None:
    browser = world.caller()
    for _ in range(2):  # the second time with the cookie of the device
        body = {"code": code_of(browser, provider, ada())}
        response = browser.call("POST", "/auth/sso/exchange", body, headers=HEADERS)
        assert response.status_code == 200, response.text
        assert {"refresh_token", "device_token"}.isdisjoint(response.get_json())
        assert COOKIE in cookies_of(response)


@pytest.mark.parametrize("path", [REFRESH, LOGOUT])
def test_in_browser_mode_a_refresh_token_in_the_body_is_refused(world: World, path: str) -> None:
    person, caller = world.person(), world.caller()
    sign_in(caller, person)
    response = caller.call("POST", path, {"refresh_token": person.refresh_token}, headers=HEADERS)
    assert response.status_code == 422
    assert list(response.get_json()["errors"]["json"]) == ["refresh_token"]
    assert refresh(caller).status_code == 200
    assert person.call("GET", "/auth/me").status_code == 200


@pytest.mark.parametrize("cookie", ["", "x", "a.b.c", "\xff\xfe", "%00", "x" * 5000, '"quoted; value"', "{access}"])
@pytest.mark.parametrize("path", [REFRESH, LOGOUT])
def test_a_malformed_refresh_cookie_is_refused_and_removed(world: World, path: str, cookie: str) -> None:
    value = cookie.format(access=world.person().session["access_token"]) if cookie == "{access}" else cookie
    response = send_cookie(world, value, path)
    assert response.status_code == 401
    assert cookies_of(response)[COOKIE]["max-age"] == "0"


def test_a_dead_refresh_cookie_is_removed(world: World, time: FrozenClock) -> None:
    person, caller = world.person(), world.caller()
    sign_in(caller, person)
    time.advance(days=7)
    response = refresh(caller)
    assert (response.status_code, response.get_json()["code"]) == (401, "expired_token")
    assert cookies_of(response)[COOKIE]["max-age"] == "0"
    assert refresh(caller).get_json()["code"] == "missing_token"


def test_a_wrong_password_leaves_the_refresh_cookie_alone(world: World) -> None:
    person, caller = world.person(), world.caller()
    sign_in(caller, person)
    wrong = caller.call("POST", LOGIN, {"email": person.email, "password": "WrongPassword1"}, headers=HEADERS)
    assert wrong.status_code == 401
    assert "Set-Cookie" not in wrong.headers
    assert refresh(caller).status_code == 200


def test_a_spent_refresh_cookie_ends_the_session_like_a_spent_token(world: World, time: FrozenClock) -> None:
    person, caller = world.person(), world.caller()
    stolen = cookies_of(sign_in(caller, person))[COOKIE].value
    assert refresh(caller).status_code == 200
    time.advance(seconds=11)
    reused = send_cookie(world, stolen)
    assert (reused.status_code, reused.get_json()["code"]) == (401, "refresh_token_reused")
    assert refresh(caller).get_json()["code"] == "revoked_token"


@pytest.mark.parametrize("access_token", ["none", "of this session", "of another session"])
def test_signing_out_in_browser_mode_ends_the_session_of_the_cookie_and_removes_it(
    world: World, access_token: str
) -> None:
    person, caller = world.person(), world.caller()
    mine = sign_in(caller, person)
    caller.access_token = {
        "none": None,
        "of this session": mine.get_json()["access_token"],
        "of another session": person.session["access_token"],
    }[access_token]
    response = caller.call("POST", LOGOUT, headers=HEADERS)
    assert response.status_code == 204
    assert cookies_of(response)[COOKIE]["max-age"] == "0"
    assert send_cookie(world, cookies_of(mine)[COOKIE].value).status_code == 401
    assert person.call("GET", "/auth/me").status_code == 200


def test_signing_out_everywhere_in_browser_mode_needs_no_access_token(world: World) -> None:
    person, caller = world.person(), world.caller()
    sign_in(caller, person)
    assert caller.call("POST", LOGOUT, {"everywhere": True}, headers=HEADERS).status_code == 204
    assert person.call("GET", "/auth/me").status_code == 401


def test_an_access_token_signs_out_in_browser_mode_where_there_is_no_cookie(world: World) -> None:
    person = world.person()
    assert person.call("POST", LOGOUT, headers=HEADERS).status_code == 204
    assert person.call("GET", "/auth/me").status_code == 401


@pytest.mark.parametrize(
    "end",
    [
        lambda world, person: person.call("POST", LOGOUT, {"everywhere": True}),
        lambda world, person: world.sql("UPDATE users SET is_active = false"),
        lambda world, person: person.call("DELETE", "/auth/me", {"password": PASSWORD}),
    ],
    ids=["signed out elsewhere", "inactive", "deleted"],
)
def test_signing_out_of_a_dead_session_removes_the_cookie(world: World, end: Callable[[World, Person], object]) -> None:
    person, caller = world.person(), world.caller()
    sign_in(caller, person)
    end(world, person)
    response = caller.call("POST", LOGOUT, headers=HEADERS)
    assert (response.status_code, response.get_json()["code"]) == (401, "revoked_token")
    assert cookies_of(response)[COOKIE]["max-age"] == "0"


def test_the_device_token_comes_and_goes_in_a_cookie_too(world: World) -> None:
    person, caller = world.person(), world.caller()
    response = sign_in(caller, person)
    assert "device_token" not in response.get_json()
    first = cookies_of(response)[COOKIES["device_token"]]
    assert (first.value[:3], int(first["max-age"])) == ("dt_", 180 * 86400)
    assert (first["path"], first["samesite"], first["httponly"]) == ("/", "Strict", True)
    second = cookies_of(sign_in(caller, person))[COOKIES["device_token"]]
    assert second.value != first.value
    body = {"email": person.email, "password": PASSWORD}
    assert caller.call("POST", LOGIN, body).status_code == 200  # without the header, the cookie is ignored
    told = [message.subject for to, message in world.emails() if to == person.email]
    assert told.count("New sign-in to your account") == 2  # of the first sign-in and of the last one
    in_body = caller.call("POST", LOGIN, {**body, "device_token": second.value}, headers=HEADERS)
    assert in_body.status_code == 422


def test_a_listed_origin_may_use_browser_mode_with_credentials(world: World, app_with: AppWith) -> None:
    person, origin = world.person(), "https://app.example.com"
    caller = world.with_app(app_with(cors_origins=(origin,))).caller()
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authapp-client, content-type"}
    allowed = caller.open(f"/api/v1{LOGIN}", method="OPTIONS", headers={"Origin": origin, **asked})
    assert allowed.headers["Access-Control-Allow-Credentials"] == "true"
    assert "authapp-client" in allowed.headers["Access-Control-Allow-Headers"].lower()
    response = sign_in(caller, person, Origin=origin)
    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Origin"] == origin
    assert response.headers["Access-Control-Allow-Credentials"] == "true"
    other = caller.open(f"/api/v1{LOGIN}", method="OPTIONS", headers={"Origin": "https://evil.example", **asked})
    assert {"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials"}.isdisjoint(other.headers.keys())


def test_the_document_names_the_header_and_no_session_requires_a_refresh_token(openapi: dict[str, Any]) -> None:
    operations = {
        path: operation
        for path, methods in openapi["paths"].items()
        for operation in methods.values()
        for parameter in (operation.get("parameters", []) if isinstance(operation, dict) else [])
        if parameter.get("name") == "Authapp-Client"
    }
    assert {f"/api/v1{path}" for path in ("/auth/register", LOGIN, REFRESH, LOGOUT)} <= set(operations)
    assert "refresh_token" not in openapi["components"]["schemas"]["Session"]["required"]


@pytest.mark.parametrize("cookie", ["x", "dt_", "dt_1_2", "\xff\xfe", "dt_" + "0" * 5000, '"quoted; value"'])
def test_a_malformed_device_cookie_is_replaced_by_signing_in(world: World, cookie: str) -> None:
    person, caller = world.person(), world.caller()
    caller._cookies = None  # or the client would replace the header
    response = sign_in(caller, person, Cookie=f"{COOKIES['device_token']}={cookie}")
    assert response.status_code == 200
    assert cookies_of(response)[COOKIES["device_token"]].value not in ("", cookie)


def test_a_refresh_without_a_cookie_removes_none_that_another_tab_has_just_got(world: World) -> None:
    response = refresh(world.caller())
    assert response.status_code == 401
    assert cookies_of(response) == {}
