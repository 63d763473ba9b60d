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
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any


@contextmanager
def running(folder: Path, **environment: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """`make run` without make: the development server, until it says that it is running."""
    port = free_port()
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "authapp.development"],
            cwd=folder,
            env={**os.environ, "APP_ENV": "development", "PORT": str(port), "PYTHONPATH": str(folder), **environment},
            stdout=said,
            stderr=said,
        )
        SAID[port] = said
        try:
            while "Stop it with" not in lines_of(said):
                assert process.poll() is None, lines_of(said)
                time.sleep(0.1)
            yield process, port
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)


SAID: dict[int, IO[str]] = {}
"""What the server on a port has said so far, for `lines_of`."""


def lines_of(file: IO[str]) -> str:
    return os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0).decode()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ask(port: int, method: str, path: str, body: Any = None, token: str = "", timeout: float = 30) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    connection.request(method, path, json.dumps(body) if body is not None else None, headers)
    response = connection.getresponse()
    text = response.read()
    connection.close()
    return response.status, json.loads(text) if text else None
