"""Rate limits in the processes of gunicorn, with a real Redis."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from functools import partial

import pytest

from authapp.decorators.rate_limits import RATE_LIMITS
from tests.factories import API, all_at_once
from tests.live import ask, serving
from tests.redis_server import RedisServer, redis_server

pytestmark = pytest.mark.xdist_group("live")  # which has the server
MOST = int(RATE_LIMITS["POST /invitations/decline"].split()[0])
CLIENTS = 32


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture
def port(server: int, redis: RedisServer, socket_folder: str, worker_id: str) -> Iterator[int]:
    """The port of two workers that count in Redis, on the database of the fixture `server`."""
    with serving(
        *("gunicorn", "-c", "python:authapp.server.settings", "wsgi:app"),
        SECRET_KEY="a-secret-for-tests-that-is-long-enough",
        DATABASE_URL=f"postgresql://authapp@/live_{worker_id}?host={socket_folder}",
        REDIS_URL=redis.url,
        RATE_LIMITS="on",
    ) as (_, port, _said):
        while ask(port, "GET", "/readyz")[1].get("redis") != "up":
            time.sleep(0.1)
        yield port


def decline(port: int) -> int:
    return ask(port, "POST", f"{API}/invitations/decline", {"token": "x" * 40})[0]


def test_two_workers_let_exactly_as_many_pass_as_the_limit(port: int) -> None:
    time.sleep((60 - time.time()) % 60 if time.time() % 60 > 50 else 0)  # all within one window
    answers = [status for _ in range(3) for status in all_at_once([partial(decline, port)] * CLIENTS)]
    assert Counter(answers) == {410: MOST, 429: 3 * CLIENTS - MOST}


def test_a_redis_that_hangs_blocks_no_worker(port: int, redis: RedisServer) -> None:
    redis.hang()
    began = time.monotonic()
    answers = all_at_once([partial(decline, port)] * CLIENTS)
    assert set(answers) <= {410, 429}
    assert time.monotonic() - began < 2
    began = time.monotonic()
    for _ in range(CLIENTS):
        assert ask(port, "GET", "/healthz")[0] == 200
        assert decline(port) in (410, 429)
    assert time.monotonic() - began < 2  # 32 waits would take 3 seconds
    redis.go_on()
