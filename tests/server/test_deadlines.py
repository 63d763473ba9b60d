"""Time limits and queues: nothing waits for ever, and what waits delays nobody else."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psutil
import psycopg2
import pytest

from authapp.core.errors import RequestTimeout
from authapp.security.hash_queue import HashQueueFull
from authapp.server.worker import SECONDS_TO_ANSWER, ClientSocket
from authapp.web.application import Application
from authapp.web.openapi import routes_that_raise
from tests.factories import API, LOCK_WAITS, PASSWORD
from tests.live import ask, serving

pytestmark = pytest.mark.xdist_group("live")

READS = 32
SIGN_INS = 32  # some four seconds of them


@pytest.fixture
def token(server: int) -> str:
    body = {"email": f"deadline{time.monotonic_ns()}@example.com", "password": PASSWORD}
    return str(ask(server, "POST", f"{API}/auth/register", body)[1]["access_token"])


def sign_in_and_stay(port: int) -> tuple[int, int]:
    """Try to sign in, and use the connection once more when the answer is there."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    body = json.dumps({"email": f"{uuid4()}@example.com", "password": PASSWORD})
    statuses = []
    for method, target, sent in (("POST", f"{API}/auth/login", body), ("GET", "/healthz", None)):
        connection.request(method, target, sent, {"Content-Type": "application/json"})
        response = connection.getresponse()
        response.read()
        statuses.append(response.status)
    connection.close()
    return statuses[0], statuses[1]


def test_sign_ins_that_wait_in_the_hash_queue_delay_no_other_request(server: int, token: str) -> None:
    with ThreadPoolExecutor(SIGN_INS) as pool:
        signing_in = [pool.submit(sign_in_and_stay, server) for _ in range(SIGN_INS)]
        wait(signing_in, timeout=1)
        reads = [ask(server, "GET", f"{API}/auth/me", token=token)[0] for _ in range(READS)]
        still_waiting = sum(not one.done() for one in signing_in)
    assert reads == [200] * READS
    assert still_waiting > SIGN_INS / 4
    # also those who waited for longer than a client may take to send a request keep their connection
    assert [one.result() for one in signing_in] == [(401, 200)] * SIGN_INS


def test_a_client_is_looked_for_after_the_deadline_of_its_request_too() -> None:
    ours, theirs = socket.socketpair()
    client = ClientSocket(ours)
    client.read_until = time.monotonic() - 1
    client.settimeout(0)
    with pytest.raises(BlockingIOError):
        client.recv(1, socket.MSG_PEEK)
    theirs.close()
    assert client.recv(1, socket.MSG_PEEK) == b""
    with pytest.raises(RequestTimeout):
        client.recv(1)
    ours.close()


def test_every_route_that_hashes_has_time_for_the_hash_queue(app: Application) -> None:
    assert routes_that_raise(HashQueueFull, app) == {
        ("POST", f"{API}/auth/login"),
        ("POST", f"{API}/auth/register"),
        ("DELETE", f"{API}/auth/me"),
        ("POST", f"{API}/auth/email/change"),
        ("POST", f"{API}/auth/password/change"),
        ("POST", f"{API}/auth/password/reset"),
        ("POST", f"{API}/auth/reauthenticate"),
    }


@contextmanager
def frozen(socket_folder: str, database: str) -> Iterator[None]:
    """Stop the processes of PostgreSQL that serve a database, as a stalled disk or a lost network does."""
    connection = psycopg2.connect(host=socket_folder, user="postgres", dbname="postgres")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE datname = %s", [database])
        pids = [pid for (pid,) in cursor.fetchall()]
    connection.close()
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def test_a_database_that_is_frozen_holds_no_request_for_ever(
    server: int, token: str, socket_folder: str, worker_id: str
) -> None:
    def read(_: int) -> int:
        return ask(server, "GET", f"{API}/auth/me", token=token)[0]

    with ThreadPoolExecutor(READS) as pool:
        assert set(pool.map(read, range(READS))) == {200}
        with frozen(socket_folder, f"live_{worker_id}"):
            began = time.monotonic()
            answers = [pool.submit(read, number) for number in range(READS)]
            time.sleep(1)
            assert ask(server, "GET", "/healthz")[0] == 200
            assert {answer.result() for answer in answers} <= {200, 503}
            assert time.monotonic() - began < SECONDS_TO_ANSWER + 5
            assert read(0) == 200  # on a new connection
        assert set(pool.map(read, range(READS))) == {200}


@pytest.mark.parametrize(
    ("lock", "method", "body"),
    [
        ("SELECT FROM users FOR UPDATE", "PATCH", {"first_name": "Ada"}),
        ("LOCK TABLE users IN ACCESS EXCLUSIVE MODE", "GET", None),
    ],
)
def test_rows_that_somebody_else_has_locked_end_in_503_and_hold_up_nothing_else(
    server: int, token: str, socket_folder: str, worker_id: str, lock: str, method: str, body: dict[str, str] | None
) -> None:
    def call(_: int) -> tuple[int, str, float]:
        began = time.monotonic()
        status, answer = ask(server, method, f"{API}/auth/me", body, token)
        return status, answer["code"], time.monotonic() - began

    database = psycopg2.connect(host=socket_folder, user="postgres", dbname=f"live_{worker_id}")
    with ThreadPoolExecutor(60) as pool, database.cursor() as cursor:
        cursor.execute(lock)
        calls = [pool.submit(call, number) for number in range(60)]
        while not all(one.done() for one in calls):
            began = time.monotonic()
            assert ask(server, "GET", "/healthz")[0] == 200
            assert time.monotonic() - began < 1  # while the threads of this test compete for it
            time.sleep(0.05)
        assert {(status, code) for status, code, _ in (one.result() for one in calls)} == {(503, "service_unavailable")}
        assert max(seconds for _, _, seconds in (one.result() for one in calls)) < 4  # 2.5, and a busy machine
        cursor.execute(LOCK_WAITS)
        assert cursor.fetchone() == (0,)
        database.rollback()
    assert ask(server, method, f"{API}/auth/me", body, token)[0] == 200
    database.close()


NEVER_ENDING = """
import time
import authapp.server.worker
from authapp import create_app
from authapp.web.blueprint import Blueprint
from authapp.decorators.guards import public

authapp.server.worker.SECONDS_TO_ANSWER = 0.5
bp = Blueprint("never", __name__, url_prefix="/never")


@bp.get("/waits")
@public
def wait() -> str:
    while True:
        time.sleep(0.1)


@bp.get("/computes")
@public
def compute() -> str:
    while True:
        pass


app = create_app(blueprints=[bp])
"""


SETTINGS = ("gunicorn", "-c", "python:authapp.server.settings")


@pytest.fixture
def database_url(server: int, socket_folder: str, worker_id: str) -> str:
    return f"postgresql://authapp@/live_{worker_id}?host={socket_folder}"


def test_a_request_that_never_ends_is_answered_503_and_ends_with_its_process(tmp_path: Path, database_url: str) -> None:
    (tmp_path / "never.py").write_text(NEVER_ENDING)
    command = (*SETTINGS, "--timeout", "2", "never:app")
    with serving(*command, folder=tmp_path, DATABASE_URL=database_url, WEB_CONCURRENCY="1") as (_, port, said):
        assert ask(port, "GET", f"{API}/never/waits")[0] == 503
        assert '"path": "/api/v1/never/waits"' in said.read_text()
        with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
            ask(port, "GET", f"{API}/never/computes")
        assert ask(port, "GET", "/healthz")[0] == 200  # of a new process
        assert said.read_text().count("Booting worker") == 2


def test_a_killed_master_leaves_no_worker_that_holds_the_port(database_url: str) -> None:
    with serving(*SETTINGS, "wsgi:app", DATABASE_URL=database_url) as (master, port, _):
        assert ask(port, "GET", "/healthz")[0] == 200
        workers = psutil.Process(master.pid).children()
        master.kill()
        master.wait()
        _, left = psutil.wait_procs(workers, timeout=3)
        assert left == []
    with serving(*SETTINGS, "wsgi:app", DATABASE_URL=database_url, PORT=str(port)):
        assert ask(port, "GET", "/healthz")[0] == 200
