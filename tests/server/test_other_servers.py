"""Other WSGI servers than our gunicorn settings: gunicorn's threaded worker as it comes, waitress, `flask run`."""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import psycopg2
import pytest

from authapp.core.request_context import client_is_connected
from authapp.instance import ROOT
from authapp.web.application import Application
from authapp.web.headers import DEFAULTS
from authapp.web.parsing import LARGEST_BODY
from tests.factories import API, PASSWORD
from tests.live import ask, exchange, free_port, serving

pytestmark = pytest.mark.xdist_group("live")

SERVERS = {
    "gthread": ("gunicorn", "-k", "gthread", "wsgi:app"),
    "waitress": ("waitress", "--listen=127.0.0.1:{port}", "wsgi:app"),
    "flask run": ("flask", "--app", "wsgi", "run", "--port={port}"),
}


@pytest.fixture(scope="module", params=SERVERS)
def other_server(request: pytest.FixtureRequest, server: int, socket_folder: str, worker_id: str) -> Iterator[int]:
    """The port of a server with production's settings, on the database of the fixture `server`."""
    with serving(
        *SERVERS[request.param],
        APP_ENV="production",
        SECRET_KEY="a-secret-for-tests-that-is-long-enough",
        DATABASE_URL=f"postgresql://authapp@/live_{worker_id}?host={socket_folder}",
        PUBLIC_URL="https://auth.acme.org",
        RATE_LIMITS="on",
    ) as (_, port, _said):
        yield port


@pytest.fixture
def credentials() -> dict[str, str]:
    return {"email": f"{uuid4()}@example.com", "password": PASSWORD}


@pytest.fixture
def session(other_server: int, credentials: dict[str, str]) -> dict[str, Any]:
    """Of somebody who has just registered with an organization."""
    body = {**credentials, "organization_name": "Acme Research"}
    status, session = ask(other_server, "POST", f"{API}/auth/register", body)
    assert status == 201
    return dict(session)


def test_register_login_refresh_and_logout_work_under_another_server(
    other_server: int, session: dict[str, Any], credentials: dict[str, str]
) -> None:
    status, me = ask(other_server, "GET", f"{API}/auth/me", token=session["access_token"])
    assert (status, me["email"]) == (200, credentials["email"])
    status, signed_in = ask(other_server, "POST", f"{API}/auth/login", credentials)
    assert status == 200
    status, refreshed = ask(other_server, "POST", f"{API}/auth/refresh", {"refresh_token": signed_in["refresh_token"]})
    assert status == 200
    assert ask(other_server, "POST", f"{API}/auth/logout", token=refreshed["access_token"])[0] == 204
    status, problem = ask(other_server, "GET", f"{API}/auth/me", token=refreshed["access_token"])
    assert (status, problem["code"]) == (401, "revoked_token")


def test_members_are_read_with_a_token_and_with_an_api_key_under_another_server(
    other_server: int, session: dict[str, Any]
) -> None:
    organization = f"{API}/organizations/{session['organization']['id']}"
    body = {"name": "Pipeline", "role": "viewer"}
    status, api_key = ask(other_server, "POST", f"{organization}/api-keys", body, session["access_token"])
    assert status == 201
    for token in (session["access_token"], api_key["key"]):
        status, page = ask(other_server, "GET", f"{organization}/members?limit=1", token=token)
        assert (status, [member["role"] for member in page["items"]]) == (200, ["admin"])


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b'{"first_name": 1}', 422, "validation_failed"),
        (b'{"first_name": ', 400, "invalid_json"),
        (b" " * (LARGEST_BODY + 1), 413, "body_too_large"),
        ([b" " * LARGEST_BODY, b" "], 413, "body_too_large"),
        ([b'{"first_name": ', b'"Ada"}'], 200, None),
    ],
    ids=["invalid", "malformed", "oversized", "oversized in chunks", "in chunks"],
)
def test_bodies_are_read_and_limited_under_another_server(
    other_server: int, session: dict[str, Any], body: bytes | list[bytes], status: int, code: str | None
) -> None:
    sent = body if isinstance(body, bytes) else iter(body)
    answered, headers, answer = exchange(other_server, "PATCH", f"{API}/auth/me", sent, session["access_token"])
    assert (answered, answer.get("code")) == (status, code)
    assert headers["Content-Type"] == ("application/problem+json" if code else "application/json")


def test_answers_have_security_headers_and_a_request_id_under_another_server(
    other_server: int, session: dict[str, Any]
) -> None:
    for path, expected in (("/healthz", 200), (f"{API}/auth/me", 200), (f"{API}/nowhere", 404)):
        status, headers, answer = exchange(other_server, "GET", path, token=session["access_token"])
        assert status == expected
        assert {name: headers[name] for name in DEFAULTS} == DEFAULTS
        assert headers["Strict-Transport-Security"]
        assert headers.get_all("X-Request-ID") == [answer.get("request_id", headers["X-Request-ID"])]


def test_ambiguous_paths_are_not_found_under_another_server(
    other_server: int, session: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    paths = [f"{API}/auth%2fme", f"{API}%2Fauth/me", f"http://x/{API}/auth/me", f"{API}//auth/me"]
    if request.node.callspec.params["other_server"] != "flask run":  # Python's http.server makes one slash of two
        paths.append(f"/{API}/auth/me")
    for path in paths:
        status, problem = ask(other_server, "GET", path, token=session["access_token"])
        assert (path, status, problem["code"]) == (path, 404, "not_found")


def test_a_header_shortens_no_path_under_another_server(other_server: int, session: dict[str, Any]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", other_server, timeout=30)
    headers = {"SCRIPT_NAME": "/public", "Authorization": f"Bearer {session['access_token']}"}
    connection.request("GET", f"/public{API}/auth/me", headers=headers)
    assert connection.getresponse().status == 404
    connection.close()


@pytest.mark.usefixtures("session")
def test_parallel_sign_ins_succeed_under_another_server(other_server: int, credentials: dict[str, str]) -> None:
    def sign_in(_: int) -> tuple[int, str | None]:
        status, answer = ask(other_server, "POST", f"{API}/auth/login", credentials, timeout=60)
        return status, answer.get("code")

    with ThreadPoolExecutor(8) as pool:  # fewer than the attempts that may fail
        answers = list(pool.map(sign_in, range(20)))
    assert set(answers) <= {(200, None), (503, "hash_queue_full")}
    assert (200, None) in answers


def test_clients_that_disconnect_harm_nobody_else_under_another_server(
    other_server: int, session: dict[str, Any], credentials: dict[str, str]
) -> None:
    body = json.dumps(credentials).encode()
    head = f"POST {API}/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    whole = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    for sent in (whole, whole[:-1], whole[: len(head) // 2], b"", whole):
        with socket.create_connection(("127.0.0.1", other_server)) as connection:
            connection.sendall(sent)
    assert ask(other_server, "POST", f"{API}/auth/login", credentials)[0] == 200
    page = ask(other_server, "GET", f"{API}/auth/sessions", token=session["access_token"])[1]
    assert 2 <= len(page["items"]) <= 4  # nothing was done twice, and nothing for half a request


def test_a_locked_table_ends_in_503_under_another_server(
    other_server: int, session: dict[str, Any], socket_folder: str, worker_id: str
) -> None:
    database = psycopg2.connect(host=socket_folder, user="postgres", dbname=f"live_{worker_id}")
    with database.cursor() as cursor:
        cursor.execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
        began = time.monotonic()
        for method, body in (("GET", None), ("PATCH", {"first_name": "Ada"})):
            status, problem = ask(other_server, method, f"{API}/auth/me", body, session["access_token"])
            assert (status, problem["code"]) == (503, "service_unavailable")
        assert time.monotonic() - began < 6  # twice the lock timeout of 1.5 seconds, and a busy machine
        database.rollback()
    database.close()
    assert ask(other_server, "GET", f"{API}/auth/me", token=session["access_token"])[0] == 200


def test_a_client_that_is_connected_by_tls_is_served(app: Application) -> None:
    ours, theirs = socket.socketpair()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    connection = context.wrap_socket(ours, server_side=True, do_handshake_on_connect=False)
    with theirs, connection, app.test_request_context(environ_overrides={"gunicorn.socket": connection}):
        assert client_is_connected()


@pytest.mark.parametrize("name", SERVERS)
def test_another_server_ends_with_unsafe_settings_and_does_not_restart_for_ever(name: str) -> None:
    port = str(free_port())
    environment = {key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "SECRET_KEY")}
    done = subprocess.run(
        [sys.executable, "-m", *(word.format(port=port) for word in SERVERS[name])],
        cwd=ROOT,
        env={**environment, "APP_ENV": "production", "PORT": port},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    assert done.stderr.count("SECRET_KEY: not set") == 1
    assert "Traceback" not in done.stderr
