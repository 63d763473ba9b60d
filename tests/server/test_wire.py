"""Requests that are none, bodies that break off, slow clients: raw bytes against real gunicorn."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from uuid import uuid4

import psycopg2
import pytest

from authapp.server.worker import SECONDS_TO_ANSWER, SECONDS_TO_READ
from tests.factories import API, PASSWORD
from tests.live import SAID, SLOW_CLIENTS, ask, lines_of, slow_clients

pytestmark = pytest.mark.xdist_group("live")


@pytest.fixture
def token(server: int) -> str:
    credentials = {"email": f"{uuid4()}@example.com", "password": PASSWORD, "first_name": "Ada"}
    registered = ask(server, "POST", f"{API}/auth/register", credentials)[1]
    return str(registered["access_token"])


def send(port: int, raw: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send bytes, close this side, read the answer to its end."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *headers = head.decode("latin-1").split("\r\n")
    return int(status.split()[1]), dict(header.split(": ", 1) for header in headers), body


def patch(token: str, framing: str, body: bytes) -> bytes:
    head = (
        f"PATCH {API}/auth/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\n{framing}\r\n\r\n"
    )
    return head.encode() + body


def chunked(body: bytes) -> bytes:
    return f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"


LATE = b'{"first_name": "Late"}'
CHUNKED = "Transfer-Encoding: chunked"


@pytest.mark.parametrize(
    ("framing", "body", "status"),
    [
        ("Content-Length: 100", LATE, 400),
        (f"Content-Length: {len(LATE)}", b"", 400),
        (CHUNKED, b"zz\r\n" + LATE, 400),
        (CHUNKED, b"-1\r\n" + LATE, 400),
        (CHUNKED, b"5\r\n" + LATE + b"\r\n0\r\n\r\n", 400),
        (CHUNKED, chunked(LATE)[:-9], 400),
        (CHUNKED, chunked(LATE.ljust(65536) + b"{{{"), 413),
        (CHUNKED, chunked(LATE + b" " * 70000), 413),
        ("Transfer-Encoding: gzip, chunked", chunked(LATE), 400),
        ("Content-Length: 70000", LATE, 413),
        (f"Content-Encoding: gzip\r\nContent-Length: {len(LATE)}", LATE, 415),
    ],
)
def test_a_body_that_is_not_whole_changes_nothing(
    server: int, token: str, framing: str, body: bytes, status: int
) -> None:
    answered, headers, text = send(server, patch(token, framing, body))
    assert (answered, headers["Content-Type"]) == (status, "application/problem+json")
    assert json.loads(text)["status"] == status
    assert ask(server, "GET", f"{API}/auth/me", token=token)[1]["first_name"] == "Ada"


def test_a_whole_body_comes_in_chunks_as_well(server: int, token: str) -> None:
    body = b'{"last_name": "Chunky"}'
    assert send(server, patch(token, CHUNKED, chunked(body)))[0] == 200


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"GET / HTTP/9.9\r\n\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 9000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\nExpect: <b>\r\n\r\n", 417),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n", 400),
    ],
)
def test_what_is_no_request_gets_the_same_format_of_error(server: int, raw: bytes, status: int) -> None:
    answered, headers, text = send(server, raw)
    problem = json.loads(text)
    assert (answered, problem["status"], headers["Content-Type"]) == (status, status, "application/problem+json")
    assert problem["request_id"] == headers["X-Request-ID"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert b"<b>" not in text


@pytest.mark.parametrize(
    "path",
    [
        f"{API}/auth%2fme",
        f"{API}%2Fauth/me",
        f"/%2f{API[1:]}/auth/me",
        f"/{API}/auth/me",
        f"http://x/{API}/auth/me",
        f"http://x{API}/auth%2Fme",
        f"{API}/auth%5cme",
        f"{API}/auth\\me",
        f"{API}/auth%252fme",
        f"{API}/x/../auth/me",
        f"{API}/x/%2e%2e/auth/me",
        f"{API}/x/.%2E/auth/me",
        f"{API}/./auth/me",
        f"{API}//auth/me",
    ],
)
def test_a_path_that_a_proxy_may_read_otherwise_is_not_found(server: int, token: str, path: str) -> None:
    head = f"HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n"
    answered, headers, text = send(server, f"GET {path} {head}".encode())
    assert (answered, headers["Content-Type"]) == (404, "application/problem+json")
    assert json.loads(text)["code"] == "not_found"
    for plain in (f"{API}/auth/me", f"http://x{API}/auth/me"):
        assert send(server, f"GET {plain} {head}".encode())[0] == 200


UNFINISHED = (
    b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
)


@pytest.mark.parametrize("kind", SLOW_CLIENTS)
def test_slow_clients_delay_nobody_else(server: int, token: str, kind: str) -> None:
    with slow_clients(server, kind, 150):
        for _ in range(20):
            began = time.monotonic()
            assert ask(server, "GET", f"{API}/auth/me", token=token)[0] == 200
            assert time.monotonic() - began < 4  # on a busy machine; `make bench` shows how little it really is
            time.sleep(0.02)


def test_a_request_that_does_not_arrive_in_time_is_cut_off_and_logged(server: int) -> None:
    expected = {
        b"": None,  # nothing has begun
        UNFINISHED[:40]: 408,
        UNFINISHED: 408,
        UNFINISHED.replace(b"99", b"000000000000099"): 408,
        UNFINISHED.replace(b"99", b"99999999"): 413,
        patch("x", CHUNKED, b"5\r\n12"): 408,
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{": 408,
    }
    said = len(lines_of(SAID[server]))
    with ExitStack() as stack:
        connections = [
            stack.enter_context(socket.create_connection(("127.0.0.1", server), 2 * SECONDS_TO_READ)) for _ in expected
        ]
        for connection, sent in zip(connections, expected, strict=True):
            connection.sendall(sent)
        answers = [b"".join(iter(partial(connection.recv, 65536), b"")) for connection in connections]
    said_since = lines_of(SAID[server])[said:].splitlines()  # the emails of other tests among it
    lines = [json.loads(line) for line in said_since if line.startswith("{")]
    assert answers[0] == b""
    for answer, status in zip(answers[1:], [*expected.values()][1:], strict=True):
        head, _, body = answer.partition(b"\r\n\r\n")
        problem = json.loads(body)
        assert problem["status"] == status
        assert b"\r\nConnection: close\r\n" in head
        [line] = [line for line in lines if line.get("request_id") == problem["request_id"]]
        assert line["code"] == problem["code"] == ("request_timeout" if status == 408 else "body_too_large")


def test_a_body_in_tiny_chunks_delays_nobody_else(server: int, token: str) -> None:
    body = b"1\r\nx\r\n" * 65530
    head = patch(token, CHUNKED, b"").replace(b"PATCH", b"POST")
    with ExitStack() as stack:
        for _ in range(4):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", server), 10))
            stack.enter_context(ThreadPoolExecutor(1)).submit(connection.sendall, head + body)
        for _ in range(10):
            began = time.monotonic()
            assert ask(server, "GET", "/healthz")[0] == 200
            assert time.monotonic() - began < 2  # it was 2.5 seconds


def test_an_answer_that_nobody_takes_is_cut_off(server: int) -> None:
    with socket.create_connection(("127.0.0.1", server), 2 * SECONDS_TO_ANSWER) as connection:
        connection.sendall(b"GET /docs/assets/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n" * 20)
        time.sleep(SECONDS_TO_ANSWER + 1)
        with contextlib.suppress(ConnectionError):
            while connection.recv(1024 * 1024):
                pass


def test_a_client_that_goes_on_dripping_is_cut_off_all_the_same(server: int) -> None:
    with socket.create_connection(("127.0.0.1", server)) as dripping:
        dripping.sendall(b"GET /healthz HTTP/1.1\r\n")
        began = time.monotonic()
        with contextlib.suppress(OSError):  # it has hung up
            while time.monotonic() < began + 3 * SECONDS_TO_READ:
                time.sleep(0.2)
                dripping.sendall(b"X-a: b\r\n")
    assert SECONDS_TO_READ - 1 < time.monotonic() - began < 2 * SECONDS_TO_READ


def test_a_request_may_come_in_pieces_and_two_in_one_piece(server: int) -> None:
    pieces = (
        b"POST /api/v1/auth/login HTTP/1.1\r",
        b"\nHost: x\r\nContent-Type: application/json\r\n",
        b"Content-Length: 2\r\n\r\n{",
        b"}GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    )
    with socket.create_connection(("127.0.0.1", server), 10) as connection:
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(0.2)
        answers = b"".join(iter(lambda: connection.recv(65536), b"")).split(b"HTTP/1.1 ")
    assert [answer[:3] for answer in answers[1:]] == [b"422", b"200", b"200"]


def test_a_client_that_asks_first_is_told_to_go_on(server: int, token: str) -> None:
    with socket.create_connection(("127.0.0.1", server), 10) as connection:
        head, body = patch(token, f"Content-Length: {len(LATE)}\r\nExpect: 100-continue", b""), LATE
        connection.sendall(head)
        assert connection.recv(65536).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    ("framing", "body"),
    [
        ("Content-Length: 70000", b"x" * 70000),
        ("Content-Length: 70000", b"x"),  # refused without waiting for the rest
        (CHUNKED, chunked(b"x" * 70000)),
    ],
)
def test_an_answer_before_the_whole_request_says_that_the_connection_ends(
    server: int, token: str, framing: str, body: bytes
) -> None:
    raw = patch(token, framing, body).replace(b"Connection: close\r\n", b"")
    with socket.create_connection(("127.0.0.1", server), SECONDS_TO_READ - 2) as connection:
        connection.sendall(raw)
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"\r\nConnection: close\r\n" in answer


def test_who_has_hung_up_keeps_no_place_in_the_line(server: int) -> None:
    accounts = [{"email": f"{uuid4()}@example.com", "password": PASSWORD} for _ in range(8)]
    tokens = [ask(server, "POST", f"{API}/auth/register", account)[1]["access_token"] for account in accounts]
    head = f"POST {API}/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    for account in accounts * 5:
        body = json.dumps(account).encode()
        with socket.create_connection(("127.0.0.1", server)) as connection:
            connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            time.sleep(0.01)
    assert ask(server, "POST", f"{API}/auth/login", accounts[0])[0] == 200
    pages = [ask(server, "GET", f"{API}/auth/sessions?limit=100", token=token)[1]["items"] for token in tokens]
    assert sum(map(len, pages)) < 20 + len(accounts)  # those that were hashed before their client had disconnected


def test_what_is_logged_of_junk_is_about_junk_alone(server: int) -> None:
    body = {"email": f"victim{time.monotonic_ns()}@example.com", "password": PASSWORD}
    user_id = ask(server, "POST", f"{API}/auth/register", body)[1]["user"]["id"]
    said = len(lines_of(SAID[server]))
    for _ in range(40):  # some meet the thread that has just served
        with socket.create_connection(("127.0.0.1", server)) as connection:
            connection.sendall(b"GET /x y z HTTP/1.1\r\nBad Header\r\n\r\n")
            request_id = json.loads(connection.recv(4096).partition(b"\r\n\r\n")[2])["request_id"]
    time.sleep(0.5)
    lines = [json.loads(line) for line in lines_of(SAID[server])[said:].splitlines() if "request.refused" in line]
    assert len(lines) == 40
    assert user_id not in str(lines)
    assert {"user_id", "session_id", "audit"}.isdisjoint({name for line in lines for name in line})
    assert request_id in {line["request_id"] for line in lines}
    assert {line["ip_address"] for line in lines} <= {"127.0.0.1", "::ffff:127.0.0.1"}


def test_a_slow_sender_holds_no_transaction(server: int, token: str, socket_folder: str, worker_id: str) -> None:
    head = (
        f"POST {API}/organizations HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        "Content-Type: application/json\r\nContent-Length: 16\r\n\r\n"
    )
    database = psycopg2.connect(host=socket_folder, user="postgres", dbname=f"live_{worker_id}")
    with socket.create_connection(("127.0.0.1", server)) as connection, database.cursor() as cursor:
        connection.sendall(head.encode() + b'{"name": "Slo')
        time.sleep(0.5)
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction' AND datname = current_database()"
        )
        assert cursor.fetchone() == (0,)
        assert ask(server, "POST", f"{API}/auth/logout", token=token)[0] == 204
        connection.sendall(b'w"}')
        assert connection.recv(4096).startswith(b"HTTP/1.1 401")
    database.close()


def test_no_header_names_the_version_of_a_component(server: int) -> None:
    for path in ("/healthz", "/docs", "/nothing"):
        _, headers, _ = send(server, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert headers["Server"] == "gunicorn"
        assert "X-Powered-By" not in headers
