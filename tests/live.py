"""The service in processes of its own, and how to ask it over the wire."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from authapp.instance import ROOT


@contextmanager
def running(folder: Path, **environment: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """`make run` without make: the development server, until it says that it is running."""
    port = free_port()
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryDirectory() as emails:
        process = subprocess.Popen(
            [sys.executable, "-m", "authapp.dev.run"],
            cwd=folder,
            env={
                **os.environ,
                "APP_ENV": "development",
                "PORT": str(port),
                "PYTHONPATH": str(folder),
                "MAIL_URL": f"console:{emails}",
                "RATE_LIMITS": "off",
                **environment,
            },
            stdout=said,
            stderr=said,
        )
        SAID[port], EMAILS[port] = said, Path(emails)
        try:
            while "Stop it with" not in lines_of(said):
                assert process.poll() is None, lines_of(said)
                time.sleep(0.1)
            yield process, port
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=60)


@contextmanager
def serving(
    *command: str, folder: Path = ROOT, **environment: str
) -> Iterator[tuple[subprocess.Popen[bytes], int, Path]]:
    """A WSGI server as an operator starts it, `python -m` before the command: the process, its port, what it says.

    `{port}` in the command is replaced.
    """
    port = int(environment.setdefault("PORT", str(free_port())))
    with tempfile.NamedTemporaryFile("w+") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", *(word.format(port=port) for word in command)],
            cwd=folder,
            env={
                **os.environ,
                "APP_ENV": "testing",
                "PYTHONPATH": f"{ROOT}:{folder}",
                "RATE_LIMITS": "off",
                **environment,
            },
            stdout=said,
            stderr=said,
        )
        try:
            while not is_open(port):
                assert process.poll() is None, lines_of(said)
                time.sleep(0.05)
            yield process, port, Path(said.name)
        finally:
            process.terminate()
            process.wait(timeout=60)


_LOGIN = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
SLOW_CLIENTS = {
    "half a head": (b"GET /healthz HTTP/1.1\r\nHo", b""),
    "half a body": (_LOGIN + b"Content-Length: 60\r\n\r\n{", b""),
    "Expect and no body": (_LOGIN + b"Content-Length: 60\r\nExpect: 100-continue\r\n\r\n", b""),
    "long Content-Length": (_LOGIN + b"Content-Length: 000000000060\r\n\r\n{", b""),
    "half a chunk": (_LOGIN + b"Transfer-Encoding: chunked\r\n\r\n5\r\n12", b""),
    "not reading": (b"GET /docs/assets/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n" * 4, b""),
    "a byte now and then": (b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"x"),
}
"""What a slow client of each kind sends at first, and then again and again."""


@contextmanager
def slow_clients(port: int, kind: str, number: int) -> Iterator[None]:
    """Keep so many connections of slow clients open meanwhile."""
    first, then = SLOW_CLIENTS[kind]
    over = threading.Event()
    with ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection(("127.0.0.1", port), 10)) for _ in range(number)]

        def send_on() -> None:
            while then and not over.wait(0.25):
                for client in clients:
                    with suppress(OSError):  # the server has closed it
                        client.sendall(then)

        for client in clients:
            client.sendall(first)
        thread = threading.Thread(target=send_on)
        thread.start()
        yield
        over.set()
        thread.join()


SAID: dict[int, IO[str]] = {}
"""What the server on a port has said so far, for `lines_of`."""

EMAILS: dict[int, Path] = {}
"""The folder to which the server on a port writes its emails."""


def lines_of(file: IO[str]) -> str:
    return os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0).decode()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def ask(port: int, method: str, path: str, body: Any = None, token: str = "", timeout: float = 30) -> tuple[int, Any]:
    status, _, answer = exchange(port, method, path, body, token, timeout)
    return status, answer


class BehindRouter:
    """Asks a service as a router does that has ended TLS.

    Args:
        port: of the service.
        host: that the client has asked for.
    """

    def __init__(self, port: int, host: str) -> None:
        self._port = port
        self._headers = {"Host": host, "X-Forwarded-For": "203.0.113.5", "X-Forwarded-Proto": "https"}

    def is_up(self) -> bool:
        return is_open(self._port)

    def ask(self, method: str, path: str, body: Any = None, token: str = "") -> tuple[int, Any]:
        return exchange(self._port, method, path, body, token, headers=self._headers)[::2]


def exchange(
    port: int,
    method: str,
    path: str,
    body: Any = None,
    token: str = "",
    timeout: float = 30,
    headers: dict[str, str] | None = None,
) -> tuple[int, http.client.HTTPMessage, Any]:
    """Status, headers and JSON of the answer. Bytes are sent as they are, an iterator of bytes in chunks."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    authorization = {"Authorization": f"Bearer {token}"} if token else {}
    headers = {"Content-Type": "application/json", **authorization, **(headers or {})}
    raw = body if body is None or isinstance(body, (bytes, Iterator)) else json.dumps(body)
    with closing(connection):
        connection.request(method, path, raw, headers)
        response = connection.getresponse()
        text = response.read()
    return response.status, response.headers, json.loads(text) if text else None
