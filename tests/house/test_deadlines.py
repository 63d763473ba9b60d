"""Nothing waits for ever, and nobody waits for those who do."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path

import psycopg2
import pytest

from authapp.core.application import Application
from authapp.core.errors import HashQueueFull
from authapp.core.openapi import refusals_of, routes
from authapp.deadlines import SECONDS_FOR_A_REQUEST
from authapp.worker import hashing_routes
from config import ROOT
from tests.factories import API, PASSWORD
from tests.live import ask, free_port, lines_of

pytestmark = pytest.mark.xdist_group("live")

THREADS = 16  # of both workers of `server`
SIGN_INS = 40  # some five seconds of them


@pytest.fixture
def token(server: int) -> str:
    body = {"email": f"deadline{time.monotonic_ns()}@example.com", "password": PASSWORD}
    return str(ask(server, "POST", f"{API}/auth/register", body)[1]["access_token"])


def sign_in_and_stay(port: int, path: str) -> tuple[int, int]:
    """Try to sign in, and use the connection once more when the answer is there."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    body = json.dumps({"email": "nobody@example.com", "password": PASSWORD})
    statuses = []
    for method, target, sent in (("POST", path, body), ("GET", "/healthz", None)):
        connection.request(method, target, sent, {"Content-Type": "application/json"})
        response = connection.getresponse()
        response.read()
        statuses.append(response.status)
    connection.close()
    return statuses[0], statuses[1]


@pytest.mark.parametrize("path", [f"{API}/auth/login", f"{API}/auth/%6Cogin", f"//{API}/auth/login"])
def test_a_line_of_sign_ins_takes_no_thread_from_the_rest(server: int, token: str, path: str) -> None:
    with ThreadPoolExecutor(SIGN_INS) as pool:
        signing_in = [pool.submit(sign_in_and_stay, server, path) for _ in range(SIGN_INS)]
        wait(signing_in, timeout=1)
        reads = [ask(server, "GET", f"{API}/auth/me", token=token)[0] for _ in range(THREADS)]
        still_in_line = sum(not one.done() for one in signing_in)
    assert reads == [200] * THREADS
    assert still_in_line > THREADS
    # also those who waited for longer than a client may take to send a request keep their connection
    assert [one.result() for one in signing_in] == [(401, 200)] * SIGN_INS


def test_every_route_that_hashes_stands_in_line(app: Application) -> None:
    hashing = {(method, rule.rule) for rule, method, view in routes(app) if HashQueueFull in refusals_of(view)}
    assert hashing == hashing_routes(app)
    assert hashing == {
        ("POST", f"{API}/auth/login"),
        ("POST", f"{API}/auth/register"),
        ("DELETE", f"{API}/auth/me"),
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


def test_a_database_that_falls_silent_holds_nobody_for_ever(
    server: int, token: str, socket_folder: str, worker_id: str
) -> None:
    def read(_: int) -> int:
        return ask(server, "GET", f"{API}/auth/me", token=token)[0]

    with ThreadPoolExecutor(2 * THREADS) as pool:
        assert set(pool.map(read, range(2 * THREADS))) == {200}
        with frozen(socket_folder, f"live_{worker_id}"):
            began = time.monotonic()
            answers = list(pool.map(read, range(2 * THREADS)))
            assert time.monotonic() - began < 2 * SECONDS_FOR_A_REQUEST
            assert set(answers) <= {200, 503}
            assert read(0) == 200  # on a new connection
        assert set(pool.map(read, range(2 * THREADS))) == {200}


STUCK = """
import time
import authapp.deadlines
from authapp import create_app
from authapp.core.openapi import Blueprint
from authapp.decorators.access import public

authapp.deadlines.SECONDS_FOR_A_REQUEST = 1.0
authapp.deadlines.SECONDS_TO_UNWIND = 0.5
bp = Blueprint("stuck", __name__, url_prefix="/stuck")


@bp.get("")
@public
def loop() -> str:
    while True:
        time.sleep(0.1)


app = create_app(blueprints=[bp])
"""


def test_a_request_that_never_ends_ends_with_its_process(tmp_path: Path, socket_folder: str, worker_id: str) -> None:
    (tmp_path / "stuck.py").write_text(STUCK)
    port = free_port()
    environment = {
        **os.environ,
        "APP_ENV": "testing",
        "DATABASE_URL": f"postgresql://authapp@/live_{worker_id}?host={socket_folder}",
        "PORT": str(port),
        "PYTHONPATH": f"{ROOT}:{tmp_path}",
        "WEB_CONCURRENCY": "1",
    }
    command = [sys.executable, "-m", "gunicorn", "-c", "python:authapp.server", "--graceful-timeout", "1", "stuck:app"]
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=said, stderr=said)
        try:
            while "Booting worker" not in lines_of(said):
                assert process.poll() is None, lines_of(said)
                time.sleep(0.1)
            with pytest.raises(http.client.RemoteDisconnected):
                ask(port, "GET", f"{API}/stuck")
            ended = time.monotonic()
            while lines_of(said).count("Booting worker") < 2:
                assert time.monotonic() < ended + 20  # by itself, before gunicorn finds out after 30 seconds
                time.sleep(0.1)
            assert ask(port, "GET", "/healthz")[0] == 200
            assert "request.stuck" in lines_of(said)
        finally:
            process.terminate()
            process.wait(timeout=30)
