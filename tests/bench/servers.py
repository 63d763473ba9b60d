"""PostgreSQL and gunicorn, started for the benchmark and stopped with it."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2

from authapp.db.engine import TIMEOUTS
from authapp.dev.postgres import ROLE, embedded_postgres
from authapp.instance import ROOT
from tests.live import free_port

SECRET = "a-secret-for-the-benchmark-that-is-long-enough"
ISSUER = "http://localhost"
WORKERS, THREADS = 2, 8
_STATEMENT = re.compile(r"LOG:  statement: (.*?)(?=\n\S*\d{4}-\d\d-\d\d |\Z)", re.DOTALL)
_TRANSACTION_CONTROL = ("BEGIN", "COMMIT", "ROLLBACK")


@dataclass(frozen=True)
class Postgres:
    """The running server."""

    folder: Path
    socket_folder: str

    @property
    def pid(self) -> int:
        return int((self.folder / "postmaster.pid").read_text().split()[0])

    def url(self, database: str, user: str = ROLE) -> str:
        return f"postgresql://{user}@/{database}?host={self.socket_folder}"

    def execute(self, database: str, *statements: str) -> None:
        """Run statements as the superuser, each in a transaction of its own."""
        connection = psycopg2.connect(self.url(database, "postgres"))
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        connection.close()

    @contextmanager
    def overheard(self) -> Iterator[list[str]]:
        """The statements that reach the server meanwhile, those that begin and end transactions left out."""
        heard: list[str] = []
        reload = "SELECT pg_reload_conf()"
        self.execute("postgres", "ALTER SYSTEM SET log_statement = 'all'", reload)
        time.sleep(0.5)
        log = self.folder / "log"
        before = log.stat().st_size
        yield heard
        time.sleep(0.2)
        said = log.read_text()[before:]
        self.execute("postgres", "ALTER SYSTEM RESET log_statement", reload)
        heard += [
            found
            for found in _STATEMENT.findall(said)
            if not found.startswith(_TRANSACTION_CONTROL) and found.strip() != TIMEOUTS.strip()
        ]


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A server with the durability of production."""
    with (
        tempfile.TemporaryDirectory(prefix="authapp-bench-", ignore_cleanup_errors=True) as folder,
        embedded_postgres(Path(folder) / "postgres") as socket_folder,
    ):
        yield Postgres(Path(folder) / "postgres", socket_folder)


@dataclass(frozen=True)
class Server:
    """A running gunicorn."""

    pid: int
    port: int
    seconds_to_first_answer: float


@contextmanager
def gunicorn(application: str, database_url: str, bcrypt_rounds: int, first_path: str) -> Iterator[Server]:
    """Serve an application with authapp's settings of gunicorn, until it has answered at `first_path`."""
    port = free_port()
    environment = {
        **os.environ,
        "ACCESS_TOKEN_EXPIRE_MINUTES": "120",
        "APP_ENV": "testing",
        "BCRYPT_ROUNDS": str(bcrypt_rounds),
        "DATABASE_URL": database_url,
        "JWT_ISSUER": ISSUER,
        "JWT_SECRET_KEY": SECRET,
        "PORT": str(port),
        "RATE_LIMITS": "off",
        "SECRET_KEY": SECRET,
        "WEB_CONCURRENCY": str(WORKERS),
        "WEB_THREADS": str(THREADS),
    }
    command = [sys.executable, "-m", "gunicorn", "-c", "python:authapp.server.settings", application]
    with tempfile.TemporaryFile() as said:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=said, stderr=said)
        try:
            _wait_for_answer(process, port, first_path)
            yield Server(process.pid, port, time.perf_counter() - started)
        finally:
            process.terminate()
            process.wait(timeout=30)


def _wait_for_answer(process: subprocess.Popen[bytes], port: int, path: str) -> None:
    while process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        with contextlib.suppress(OSError), contextlib.closing(connection):
            connection.request("GET", path)
            if connection.getresponse().status < 500:
                return
        time.sleep(0.01)
    raise RuntimeError("gunicorn has ended before it answered")
