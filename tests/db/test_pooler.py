"""Behind PgBouncer in transaction mode, where one connection serves everybody in turn, no tenant leaks."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from sqlalchemy import make_url

from authapp.config import Settings
from tests.factories import AppWith, Person, World
from tests.live import free_port

CONNECTIONS = 2  # fewer than clients, so that each is used by all
ROUNDS = 40

CONFIGURATION = """
[databases]
pooled = host={host} dbname={database} user=authapp
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {connections}
max_client_conn = 500
ignore_startup_parameters = extra_float_digits
logfile = {folder}/log
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that another user than ours can reach; pytest's own cannot be."""
    with tempfile.TemporaryDirectory(prefix="authapp-pooler-", ignore_cleanup_errors=True) as path:
        yield Path(path)


@pytest.fixture
def pooled(settings: Settings, folder: Path) -> Iterator[str]:
    """The address of a pooler in front of the test database."""
    pgbouncer = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if pgbouncer is None:
        pytest.skip("needs pgbouncer")
    url, port = make_url(settings.database_url), free_port()
    configuration = folder / "pgbouncer.ini"
    values = {"host": url.query["host"], "database": url.database, "port": port, "folder": folder}
    configuration.write_text(CONFIGURATION.format(connections=CONNECTIONS, **values))
    user = []
    if os.geteuid() == 0:  # it raises to serve as root: it becomes the user that PostgreSQL has become
        user = ["-u", Path(str(values["host"])).owner()]
        for path in (folder, configuration):
            path.chmod(0o777)
    process = subprocess.Popen([pgbouncer, "-q", *user, str(configuration)])
    address = f"postgresql://authapp@127.0.0.1:{port}/pooled"
    try:
        _wait_for(address)
        yield address
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)


def _wait_for(address: str) -> None:
    for _ in range(100):
        try:
            psycopg2.connect(address, connect_timeout=2).close()
        except psycopg2.OperationalError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("pgbouncer does not answer")


def test_many_tenants_over_two_connections_see_their_own_alone(world: World, app_with: AppWith, pooled: str) -> None:
    app = app_with(database_url=pooled)
    people = [world.person(f"Tenant {number}") for number in range(6)]
    keys = [world.caller(world.api_key(person, person.organization_id, "developer")) for person in people]
    for caller in [*keys, *(person.caller for person in people)]:
        caller.application = app

    def look(number: int) -> None:
        person: Person = people[number % len(people)]
        path = f"/organizations/{person.organization_id}"
        for caller in (person.caller, keys[number % len(people)]):
            members = caller.call("GET", f"{path}/members").get_json()["items"]
            assert [member["user"]["id"] for member in members] == [str(person.id)]
        assert person.call("GET", "/organizations").get_json()["items"][0]["id"] == person.organization_id
        assert [m["organization"]["id"] for m in person.call("GET", "/auth/me").get_json()["memberships"]] == [
            person.organization_id
        ]
        other = people[(number + 1) % len(people)]
        assert person.call("GET", f"/organizations/{other.organization_id}/members").status_code == 403
        assert person.call("PATCH", path, {"name": f"{number}"}).status_code == 200
        assert nothing_is_open(pooled)

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(look, range(ROUNDS)))


def nothing_is_open(address: str) -> bool:
    """Whether a stranger on a connection that others have just used finds it closed."""
    connection: Any = psycopg2.connect(address)
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT coalesce(current_setting('authapp.organization_id', true), '') || "
                "coalesce(current_setting('authapp.user_id', true), ''), "
                "(SELECT count(*) FROM memberships), (SELECT count(*) FROM organizations)"
            )
            return bool(cursor.fetchone() == ("", 0, 0))
    finally:
        connection.close()
