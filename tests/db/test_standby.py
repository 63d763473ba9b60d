"""The primary is killed under load, and its standby takes over: no acknowledged write is lost."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from itertools import count
from pathlib import Path
from threading import Event

import pytest

from authapp.instance import ROOT
from tests.factories import PASSWORD
from tests.live import ask, free_port, is_open, serving
from tests.postgres_cluster import Node

CLIENTS = 4
SECONDS_TO_RECOVER = 10
SERVER = ["gunicorn", "-c", "python:authapp.server.settings", "wsgi:app"]
SECRET_KEY = "a-secret-for-tests-that-is-long-enough"
POOLER = """
[databases]
authapp = host=127.0.0.1 port={primary} user=authapp
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 8
server_login_retry = 1
logfile = {folder}/pgbouncer.log
"""
PROXY = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream web {{ {servers} }}
    server {{
        listen 127.0.0.1:{port};
        location / {{ proxy_pass http://web; }}
    }}
}}
"""


class Load:
    """Clients that write and read without a pause, and know what was acknowledged and when."""

    def __init__(self, port: int) -> None:
        self._port, self._over, self._numbers = port, Event(), count()
        self.acknowledged: list[tuple[float, str]] = []
        self.statuses: Counter[int] = Counter()

    @contextmanager
    def running(self) -> Iterator[None]:
        with ThreadPoolExecutor(CLIENTS) as pool:
            clients = [pool.submit(self._write_until_over, number) for number in range(CLIENTS)]
            try:
                self.wait_for(lambda: len(self.acknowledged) > CLIENTS)
                yield
            finally:
                self._over.set()
            for client in clients:
                client.result()

    def _write_until_over(self, number: int) -> None:
        email = f"client{number}-{self._port}@example.com"
        session: dict[str, str] = {}

        def register() -> bool:
            nonlocal session
            status, session = ask(self._port, "POST", "/api/v1/auth/register", {"email": email, "password": PASSWORD})
            assert status in (201, 502, 503), session
            return status == 201

        self.wait_for(register)
        while not self._over.is_set():
            name = f"Organization {next(self._numbers)} of {self._port}"
            status = self._status("POST", "/api/v1/organizations", {"name": name}, session["access_token"])
            if status == 201:
                self.acknowledged.append((time.monotonic(), name))
            assert status in (201, 502, 503)
            assert self._status("GET", "/api/v1/auth/me", None, session["access_token"]) in (200, 502, 503)

    def _status(self, method: str, path: str, body: object, token: str) -> int:
        status, _ = ask(self._port, method, path, body, token)
        self.statuses[status] += 1
        return status

    def wait_for(self, condition: Callable[[], object], seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, self.statuses
            time.sleep(0.01)

    def wait_for_writes_after(self, moment: float) -> float:
        """Seconds from a moment until writes are acknowledged again."""
        self.wait_for(lambda: self.acknowledged[-1][0] > moment + 0.1, SECONDS_TO_RECOVER + 10)
        return next(when for when, _ in self.acknowledged if when > moment + 0.1) - moment


@pytest.fixture
def nodes() -> Iterator[tuple[Node, Node]]:
    """A primary and its synchronous standby."""
    with tempfile.TemporaryDirectory(prefix="authapp-cluster-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        primary, standby = Node(Path(folder) / "one"), Node(Path(folder) / "two")
        try:
            primary.create()
            primary.sql("CREATE ROLE authapp LOGIN")
            primary.sql("CREATE DATABASE authapp OWNER authapp")
            standby.follow(primary)
            yield primary, standby
        finally:
            for node in (primary, standby):
                if (node.data / "postmaster.pid").exists():
                    node.kill()


def fail_over(load: Load, primary: Node, standby: Node, afterwards: Callable[[], None] = lambda: None) -> float:
    """Kill the primary, promote the standby, and let the old primary come back as its standby. Seconds to recover."""
    primary.kill()
    moment = time.monotonic()
    standby.promote()
    afterwards()
    seconds = load.wait_for_writes_after(moment)
    primary.follow(standby)
    load.wait_for(lambda: standby.sql("SELECT pid FROM pg_stat_replication WHERE sync_state = 'sync'"))
    back = time.monotonic()
    load.wait_for(lambda: load.acknowledged[-1][0] > back)
    return seconds


def require_nothing_lost(load: Load, primary: Node) -> None:
    found = Counter(name for (name,) in primary.sql("SELECT name FROM organizations", "authapp"))
    assert [name for _, name in load.acknowledged if found[name] != 1] == []
    assert set(found.values()) == {1}  # what was not acknowledged may be there, but not twice


def migrate(database_url: str) -> None:
    settings = {"APP_ENV": "testing", "SECRET_KEY": SECRET_KEY, "DATABASE_URL": database_url}
    environment = {**os.environ, **settings}
    subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade"], cwd=ROOT, env=environment, check=True
    )


def serving_on(database_url: str) -> AbstractContextManager[tuple[subprocess.Popen[bytes], int, Path]]:
    return serving(
        *SERVER,
        DATABASE_URL=database_url,
        SECRET_KEY=SECRET_KEY,
        PUBLIC_URL="http://localhost",
        BCRYPT_ROUNDS="4",
        WEB_CONCURRENCY="1",
        MAX_ORGANIZATIONS_PER_ACCOUNT="10000",
    )


def test_a_standby_takes_over_and_the_old_primary_comes_back_and_no_acknowledged_write_is_lost(
    nodes: tuple[Node, Node],
) -> None:
    hosts = "&".join(f"host=127.0.0.1:{node.port}" for node in nodes)
    database_url = f"postgresql://authapp@/authapp?{hosts}&target_session_attrs=read-write"
    migrate(database_url)
    with serving_on(database_url) as (_, port, _):
        load = Load(port)
        with load.running():
            assert fail_over(load, nodes[0], nodes[1]) <= SECONDS_TO_RECOVER
            assert fail_over(load, nodes[1], nodes[0]) <= SECONDS_TO_RECOVER
    require_nothing_lost(load, nodes[0])


def program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        pytest.skip(f"needs {name}")
    return found


@contextmanager
def started(*command: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=30)


def test_behind_nginx_and_a_pooler_that_is_told_of_the_new_primary_no_acknowledged_write_is_lost(
    nodes: tuple[Node, Node],
) -> None:
    primary, standby = nodes
    folder, pooler_port, proxy_port = primary.folder.parent, free_port(), free_port()
    pooler, proxy = folder / "pgbouncer.ini", folder / "nginx.conf"
    pooler.write_text(POOLER.format(primary=primary.port, port=pooler_port, folder=primary.folder))
    user = ["-u", "postgres"] if os.geteuid() == 0 else []
    database_url = f"postgresql://authapp@127.0.0.1:{pooler_port}/authapp"
    with ExitStack() as stack:
        pgbouncer = stack.enter_context(started(program("pgbouncer"), "-q", *user, str(pooler)))
        migrate(f"postgresql://authapp@127.0.0.1:{primary.port}/authapp")
        ports = [stack.enter_context(serving_on(database_url))[1] for _ in range(2)]
        servers = " ".join(f"server 127.0.0.1:{port};" for port in ports)
        proxy.write_text(PROXY.format(folder=folder, servers=servers, port=proxy_port))
        stack.enter_context(started(program("nginx"), "-c", str(proxy)))

        def tell_the_pooler() -> None:
            pooler.write_text(POOLER.format(primary=standby.port, port=pooler_port, folder=primary.folder))
            pgbouncer.send_signal(signal.SIGHUP)

        load = Load(proxy_port)
        load.wait_for(lambda: is_open(proxy_port))
        with load.running():
            assert fail_over(load, primary, standby, tell_the_pooler) <= SECONDS_TO_RECOVER
    require_nothing_lost(load, standby)
