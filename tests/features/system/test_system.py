"""What operators, other services and browsers ask."""

from __future__ import annotations

import json
from typing import Any

import pytest

from authapp.db.engine import db
from tests.factories import PASSWORD, AppWith, Caller, World

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"


def test_the_process_lives_without_touching_anything(app_with: AppWith) -> None:
    assert app_with(database_url=NOWHERE).test_client().get("/healthz").get_json() == {"status": "ok"}


def test_it_is_ready_when_the_database_is_migrated(client: Caller) -> None:
    assert client.get("/readyz").get_json() == {"status": "ready"}


@pytest.mark.parametrize(
    ("found", "status"),
    [("0001", 503), ("of-newer-code", 200)],  # in a rolling deploy the migration comes first
)
def test_it_is_ready_unless_migrations_are_missing(world: World, found: str, status: int) -> None:
    [(newest,)] = world.sql("SELECT version_num FROM alembic_version")
    world.sql("UPDATE alembic_version SET version_num = :found", found=found)
    try:
        response = world.caller().get("/readyz")
    finally:
        world.sql("UPDATE alembic_version SET version_num = :newest", newest=newest)
    assert (response.status_code, response.headers.get("Retry-After")) == (status, "2" if status == 503 else None)


@pytest.mark.parametrize("path", ["/readyz", "/api/v1/auth/login"])
def test_a_database_that_is_away_is_a_503(app_with: AppWith, path: str) -> None:
    body = {"email": "ada@example.com", "password": "SecurePassword123"}
    client = app_with(database_url=NOWHERE).test_client()
    response = client.get(path) if path == "/readyz" else client.post(path, json=body)
    assert response.status_code == 503
    assert response.headers["Retry-After"]
    assert response.get_json()["code"] == "service_unavailable"


def test_connections_that_broke_are_replaced_within_the_request(world: World) -> None:
    person = world.person("Acme")
    with world.app.app_context():
        for engine in db.engines.values():
            for connection in [engine.connect() for _ in range(5)]:  # more than there are attempts
                connection.close()
    world.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
              "AND pid <> pg_backend_pid()")  # fmt: skip
    assert person.call("GET", "/auth/me").status_code == 200
    assert person.call("GET", f"/organizations/{person.organization_id}/members").status_code == 200


@pytest.mark.parametrize(
    ("accept", "status"), [(None, 200), ("*/*", 200), ("application/json", 200), ("text/html,*/*;q=0.8", 302)]
)
def test_the_index_sends_browsers_to_the_docs_page_and_gives_programs_addresses(
    client: Caller, accept: str | None, status: int
) -> None:
    response = client.get("/", headers={"Accept": accept} if accept else {})
    assert (response.status_code, response.headers["Vary"]) == (status, "Accept")
    if status == 302:
        assert response.headers["Location"] == "/docs"
    else:
        assert [client.get(address).status_code for address in response.get_json().values()] == [200] * 4


def test_the_docs_page_is_served_with_a_slash_at_its_end_too(client: Caller) -> None:
    assert client.get("/docs/").data == client.get("/docs").data


def test_with_a_shared_secret_no_key_is_published(client: Caller) -> None:
    response = client.get("/.well-known/jwks.json")
    assert response.get_json() == {"keys": []}
    assert response.headers["Cache-Control"].startswith("public")


def test_every_reply_carries_the_security_headers_and_its_id(client: Caller) -> None:
    for path in ("/healthz", "/nothing", "/docs", "/api/v1/auth/me"):
        headers = client.get(path, headers={"X-Request-ID": "chosen-by-the-caller"}).headers
        assert headers["X-Request-ID"] == "chosen-by-the-caller"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("offered", ["", "short", "a" * 65, "with space here", 'quote"quote', "ümlaut-ümlaut"])
def test_a_request_id_that_could_do_harm_is_replaced(client: Caller, offered: str) -> None:
    answered = client.get("/healthz", headers={"X-Request-ID": offered}).headers["X-Request-ID"]
    assert answered != offered
    assert len(answered) == 36


TRACE_ID, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE_ID}-{PARENT}-01"


@pytest.mark.parametrize("traceparent", [TRACEPARENT, f"cc-{TRACE_ID}-{PARENT}-00", f"cc-{TRACE_ID}-{PARENT}-00-more"])
def test_a_trace_is_in_the_log_line_and_in_the_audit_event(
    world: World, capfd: pytest.CaptureFixture[str], traceparent: str
) -> None:
    body = {"email": world.person().email, "password": "wrong"}
    answer = world.caller().call("POST", "/auth/login", body, headers={"traceparent": traceparent})
    assert answer.headers["X-Request-ID"] == answer.get_json()["request_id"] == TRACE_ID
    assert last_line(capfd)["trace_id"] == TRACE_ID
    assert world.sql("SELECT request_id FROM audit_events ORDER BY id DESC LIMIT 1")[0][0] == TRACE_ID


def test_a_request_id_of_the_caller_stands_beside_its_trace(client: Caller, capfd: pytest.CaptureFixture[str]) -> None:
    headers = {"traceparent": TRACEPARENT, "X-Request-ID": "chosen-by-the-caller"}
    assert client.get("/healthz", headers=headers).headers["X-Request-ID"] == "chosen-by-the-caller"
    line = last_line(capfd)
    assert (line["request_id"], line["trace_id"]) == ("chosen-by-the-caller", TRACE_ID)


@pytest.mark.parametrize(
    "malformed",
    [
        "",
        TRACE_ID,
        f"00-{TRACE_ID}-{PARENT}",
        f"00-{TRACE_ID.upper()}-{PARENT}-01",
        f"00-{TRACE_ID}-{PARENT}-0x",
        f"00-{TRACE_ID}-{PARENT}-01-more",
        f"ff-{TRACE_ID}-{PARENT}-01",
        f"cc-{TRACE_ID}-{PARENT}-01more",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE_ID}-{'0' * 16}-01",
        f" {TRACEPARENT}, {TRACEPARENT}",
        f"00-{TRACE_ID[:-1]}-{PARENT}-01",
        f"00-{TRACE_ID[:-1]}\u0661-{PARENT}-01",
    ],
)
def test_a_malformed_traceparent_is_ignored(client: Caller, capfd: pytest.CaptureFixture[str], malformed: str) -> None:
    answer = client.get("/healthz", headers={"traceparent": malformed})
    assert (answer.status_code, len(answer.headers["X-Request-ID"])) == (200, 36)
    assert "trace_id" not in last_line(capfd)


def last_line(capfd: pytest.CaptureFixture[str]) -> dict[str, Any]:
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines() if line.startswith("{")]
    return dict([line for line in lines if line["event"] == "request"][-1])


def test_nothing_is_cached_but_what_is_public(client: Caller) -> None:
    assert client.get("/api/v1/auth/me").headers["Cache-Control"] == "no-store"
    assert client.get("/api/v1/openapi.json").headers["Cache-Control"].startswith("public")


def test_strict_transport_is_asked_for_where_the_public_address_is_https(app_with: AppWith) -> None:
    secure = app_with(public_url="https://auth.example.com")
    assert "max-age" in secure.test_client().get("/healthz").headers["Strict-Transport-Security"]


PLAIN, SECURE = {"X-Forwarded-Proto": "http"}, {"X-Forwarded-Proto": "https"}
BEHIND_TLS = {"app_env": "production", "public_url": "https://auth.example.com", "trusted_proxies": 1}
REDIRECTED = {
    "/sign-in": "/sign-in",
    "/sign-in?next=%2Faccount&x=a%20b": "/sign-in?next=%2Faccount&x=a%20b",
    "/docs": "/docs",
    "/docs/assets/a%0d%0aSet-Cookie:b": "/docs/assets/a%0D%0ASet-Cookie:b",
    "/docs/assets/%C3%A4%22": "/docs/assets/%C3%A4%22",
    "/.well-known/change-password": "/.well-known/change-password",
    "/": "/",
}


@pytest.mark.parametrize("path", REDIRECTED)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_page_that_is_opened_in_plain_http_redirects_to_https(app_with: AppWith, method: str, path: str) -> None:
    client = app_with(**BEHIND_TLS).test_client()
    response = client.open(path, method=method, headers={**PLAIN, "Host": "evil.example.com"})
    assert (response.status_code, response.headers["Location"]) == (308, f"https://auth.example.com{REDIRECTED[path]}")


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/api/v1/auth/me", PLAIN),
        ("POST", "/api/v1/auth/login", PLAIN),
        ("OPTIONS", "/api/v1/auth/login", PLAIN),
        ("GET", "/api/v1/auth/sso/github/callback?code=x&state=y", PLAIN),
        ("GET", "/.well-known/jwks.json", PLAIN),
        ("GET", "/metrics", PLAIN),
        ("GET", "/nothing", PLAIN),
        ("POST", "/sign-in", PLAIN),
        ("GET", "/sign-in", {**PLAIN, "Authorization": "Bearer x"}),
        ("GET", "/api/v1/auth/me", {"X-Forwarded-Proto": "https, http"}),
        ("GET", "/api/v1/auth/me", {"X-Forwarded-Proto": "HTTP"}),
    ],
)
def test_what_comes_in_plain_http_is_refused_and_not_redirected(
    app_with: AppWith, method: str, path: str, headers: dict[str, str]
) -> None:
    response = app_with(**BEHIND_TLS).test_client().open(path, method=method, headers=headers)
    assert (response.status_code, response.get_json()["code"]) == (403, "https_required")
    assert "Location" not in response.headers


@pytest.mark.parametrize(
    ("path", "headers", "changed", "status"),
    [
        ("/healthz", PLAIN, {}, 200),
        ("/readyz", PLAIN, {}, 200),
        ("/sign-in", SECURE, {}, 200),
        ("/api/v1/auth/me", SECURE, {}, 401),
        ("/api/v1/auth/me", {"X-Forwarded-Proto": "http, https"}, {}, 401),
        ("/api/v1/auth/me", {"X-Forwarded-Proto": "HTTPS"}, {}, 401),
        ("/api/v1/auth/me", {}, {}, 401),  # inside of the network
        ("/api/v1/auth/me", PLAIN, {"trusted_proxies": 0}, 401),  # forged, or unknown
        ("/api/v1/auth/me", PLAIN, {"public_url": "http://auth.example.com"}, 401),
        ("/api/v1/auth/me", PLAIN, {"app_env": "testing"}, 401),
    ],
)
def test_https_health_checks_and_what_no_trusted_proxy_has_forwarded_are_answered(
    world: World, app_with: AppWith, path: str, headers: dict[str, str], changed: dict[str, Any], status: int
) -> None:
    client = app_with(**{**BEHIND_TLS, **changed}).test_client()
    assert client.get(path, headers=headers).status_code == status


GIVEN_BY = {"gunicorn": {"REQUEST_URI": ""}, "waitress": {"RAW_URI": ""}, "werkzeug": {}}


@pytest.mark.parametrize("server", GIVEN_BY)
@pytest.mark.parametrize("path", ["/api/v1/auth%2fme", "/api/v1%2Fauth/me", "/docs%2Fassets/index.css"])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_an_encoded_slash_in_the_path_is_not_found(world: World, server: str, path: str, method: str) -> None:
    answer = world.person().caller.open(path, method=method, environ_overrides=GIVEN_BY[server])
    assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")


def test_an_encoded_slash_in_the_query_is_welcome(client: Caller) -> None:
    assert client.get("/healthz?return_to=%2Faccount").status_code == 200


def test_only_listed_origins_may_read_replies_in_a_browser(app_with: AppWith) -> None:
    origins = ("https://app.example.com", "http://[::1]:3000")
    client = app_with(cors_origins=origins).test_client()
    for origin in origins:
        listed = client.options("/api/v1/auth/login", headers=preflight(origin))
        assert listed.headers["Access-Control-Allow-Origin"] == origin
        assert "authorization" in listed.headers["Access-Control-Allow-Headers"].lower()
    refused = ("https://evil.example.com", "https://app.example.com.evil.example.com", "null", "http://1:3000")
    for origin in (*refused, "https://app-example.com", "https://APP.example.com"):
        reply = client.options("/api/v1/auth/login", headers=preflight(origin))
        assert "Access-Control-Allow-Origin" not in reply.headers


CACHEABLE = ("/.well-known/jwks.json", "/api/v1/openapi.json", "/docs", "/docs/start.js", "/docs/assets/swagger-ui.css")


@pytest.mark.parametrize("path", CACHEABLE)
@pytest.mark.parametrize(
    "origins", [("https://app.example.com",), ("https://app.example.com", "https://b.example.com")]
)
@pytest.mark.parametrize("origin", [None, "https://app.example.com", "https://evil.example.com"])
def test_a_shared_cache_keeps_replies_to_different_origins_apart_by_vary(
    app_with: AppWith, path: str, origins: tuple[str, ...], origin: str | None
) -> None:
    client = app_with(cors_origins=origins).test_client()
    reply = client.get(path, headers={"Origin": origin} if origin else {}, buffered=True)
    assert "no-store" not in reply.headers["Cache-Control"]
    assert [value.lower() for value in reply.headers.getlist("Vary")] == ["origin"]
    assert reply.headers.get("Access-Control-Allow-Origin") == (origin if origin in origins else None)
    cached = client.get(path, headers={"If-None-Match": reply.headers.get("ETag", "")}, buffered=True)
    assert cached.headers["Vary"] == "Origin"


@pytest.mark.parametrize("headers", [{}, {"Origin": "https://app.example.com"}, {"Origin": "https://evil.example.com"}])
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/api/v1/auth/me", 401), ("GET", "/nothing", 404), ("PUT", "/docs", 405), ("OPTIONS", "/docs", 200),
     ("POST", "/api/v1/auth/login", 415), ("GET", "/", 200), ("GET", "/sign-in", 200)],
)  # fmt: skip
def test_every_reply_varies_by_origin_where_some_are_listed(
    app_with: AppWith, headers: dict[str, str], method: str, path: str, status: int
) -> None:
    client = app_with(cors_origins=("https://app.example.com",)).test_client()
    reply = client.open(path, method=method, headers=headers, data=b"{}" if method == "POST" else None)
    assert (reply.status_code, "Origin" in reply.headers.getlist("Vary")) == (status, True)


@pytest.mark.parametrize("path", CACHEABLE)
def test_without_listed_origins_no_reply_varies_by_origin(client: Caller, path: str) -> None:
    reply = client.get(path, headers={"Origin": "https://app.example.com"}, buffered=True)
    assert {"Vary", "Access-Control-Allow-Origin"}.isdisjoint(reply.headers.keys())


def preflight(origin: str) -> dict[str, str]:
    return {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type",
    }


def test_a_forwarded_address_is_believed_only_from_as_many_proxies_as_are_trusted(
    app_with: AppWith, world: World
) -> None:
    spoofed = {"X-Forwarded-For": "198.51.100.7, 203.0.113.9"}
    person = world.person()
    world.caller().call(
        "POST", "/auth/login", {"email": person.email, "password": "SecurePassword123"}, headers=spoofed
    )
    behind_one = app_with(trusted_proxies=1).test_client()
    behind_one.post(
        "/api/v1/auth/login", json={"email": person.email, "password": "SecurePassword123"}, headers=spoofed
    )
    items = person.call("GET", "/auth/sessions").get_json()["items"]
    assert [item["ip_address"] for item in items] == ["203.0.113.9", "127.0.0.1", "127.0.0.1"]


@pytest.mark.parametrize(
    ("forwarded_for", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("203.0.113.9:5678", "203.0.113.9"),
        ("2001:DB8::1", "2001:db8::1"),
        ("[::1]", "::1"),
        ("[::1]:80", "::1"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%eth0]:80", "fe80::1"),
        ("fe80::1%", None),
        ("203.0.113.9%eth0", None),
        ("unknown", None),
        ("_hidden", None),
        ("203.0.113.9/24", None),
        ("203.0.113.009", None),
        ("203.0.113", None),
        ("[]", None),
        (":80", None),
        ("\u0661.2.3.4", None),
        ("", "127.0.0.1"),
        (" , ", "127.0.0.1"),
    ],
)
def test_whatever_a_proxy_forwards_as_an_address_can_be_stored(
    app_with: AppWith, world: World, forwarded_for: str, address: str | None
) -> None:
    person = world.person()
    client = app_with(trusted_proxies=1).test_client()
    for password, status in ((PASSWORD, 200), ("wrong", 401)):
        body = {"email": person.email, "password": password}
        answer = client.post("/api/v1/auth/login", json=body, headers={"X-Forwarded-For": forwarded_for})
        assert answer.status_code == status
    assert person.call("GET", "/auth/sessions").get_json()["items"][0]["ip_address"] == address
    events = world.sql("SELECT host(ip_address) FROM audit_events ORDER BY id DESC LIMIT 2")
    assert [event[0] for event in events] == [address, address]


def test_an_upgrade_to_websocket_is_ignored(client: Caller) -> None:
    headers = {"Connection": "Upgrade", "Upgrade": "websocket"}
    assert client.get("/healthz", headers=headers).status_code == 200
