"""`GET /metrics` of the processes of gunicorn: counts add up, and a process that ends takes its gauges with it."""

from __future__ import annotations

import signal
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from http.client import HTTPException
from pathlib import Path
from threading import Thread
from typing import NamedTuple
from uuid import uuid4

import psutil
import pytest
from prometheus_client.mmap_dict import MmapedDict

from tests.factories import API, PASSWORD, all_at_once
from tests.live import ask, serving
from tests.metrics import Samples, read, value
from tests.server.test_wire import send

pytestmark = pytest.mark.xdist_group("live")
TOKEN = "a-token-of-the-metrics-in-tests-that-is-long"
COUNT = "http_request_duration_seconds_count"


class Server(NamedTuple):
    """Two workers with production's settings."""

    process: psutil.Process
    port: int

    def workers(self) -> set[int]:
        return {child.pid for child in self.process.children() if child.status() != psutil.STATUS_ZOMBIE}

    def files(self, kind: str) -> set[Path]:
        """In which the workers count."""
        files = [file.path for worker in self.workers() for file in psutil.Process(worker).open_files()]
        return {Path(file) for file in files if Path(file).name.startswith(kind)}

    def scrape(self) -> Samples:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/metrics", headers=headers)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return read(answer.read().decode())


@pytest.fixture(scope="module")
def metered(server: int, socket_folder: str, worker_id: str) -> Iterator[Server]:
    """On the database of the fixture `server`."""
    with serving(
        *("gunicorn", "-c", "python:authapp.server.settings", "wsgi:app"),
        APP_ENV="production",
        SECRET_KEY="a-secret-for-tests-that-is-long-enough",
        DATABASE_URL=f"postgresql://authapp@/live_{worker_id}?host={socket_folder}",
        PUBLIC_URL="https://auth.acme.org",
        METRICS_TOKEN=TOKEN,
        RATE_LIMITS="on",
    ) as (process, port, _said):
        started = Server(psutil.Process(process.pid), port)
        wait_until(lambda: len(started.workers()) == 2)
        yield started
    assert not any(file.parent.exists() for file in started_files), "the folder stays behind"


started_files: set[Path] = set()


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_counts_of_all_workers_add_up(metered: Server) -> None:
    before, labels = metered.scrape(), {"route": "/healthz", "method": "GET", "status": "2xx"}
    answers: list[int] = []
    while len([file for file in metered.files("histogram") if _has_counted(file)]) < 2:
        answers += [status for status, _ in all_at_once([partial(ask, metered.port, "GET", "/healthz")] * 8)]
        assert len(answers) < 1000, "one worker answers all"
    counted = [value(samples, COUNT, **labels) for samples in (before, metered.scrape(), metered.scrape())]
    assert [counted[1] - counted[0], counted[2] - counted[0]] == [len(answers)] * 2
    started_files.update(metered.files("histogram"))


def _has_counted(file: Path) -> bool:
    samples = MmapedDict.read_all_values_from_file(file)  # type: ignore[no-untyped-call]
    return any("/healthz" in sample[0] and sample[1] for sample in samples)


def test_workers_that_are_killed_take_their_gauges_with_them_and_leave_their_counters(metered: Server) -> None:
    credentials = {"email": f"{uuid4()}@example.com", "password": PASSWORD}
    assert ask(metered.port, "POST", f"{API}/auth/register", credentials)[0] == 201

    def sign_in() -> None:
        with suppress(OSError, HTTPException):  # its worker is killed
            ask(metered.port, "POST", f"{API}/auth/login", credentials)

    clients = [Thread(target=sign_in) for _ in range(16)]
    for client in clients:
        client.start()
    wait_until(lambda: value(metered.scrape(), "hash_queue_depth") >= 6)
    killed, counters = metered.workers(), value(metered.scrape(), "http_request_duration_seconds_count")
    for worker in killed:
        psutil.Process(worker).send_signal(signal.SIGKILL)
    wait_until(lambda: len(metered.workers() - killed) == 2)
    for client in clients:
        client.join()
    after = metered.scrape()
    assert value(after, "hash_queue_depth") == value(after, "db_pool_in_use") == 0
    assert value(after, "http_request_duration_seconds_count") >= counters > 0
    [folder] = {file.parent for file in metered.files("histogram")}
    assert {file.name for file in folder.glob("histogram_*")} == {f"histogram_{slot}.db" for slot in range(3)}


def test_a_malformed_request_is_counted_and_answered_with_hsts(metered: Server) -> None:
    before = metered.scrape()
    status, headers, _ = send(metered.port, b"nonsense\r\n\r\n")
    assert (status, headers["Strict-Transport-Security"][:8]) == (400, "max-age=")
    after = metered.scrape()
    assert value(after, "errors_total", code="bad_request") - value(before, "errors_total", code="bad_request") == 1
