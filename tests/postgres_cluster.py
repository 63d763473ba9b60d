"""A primary and a standby of the system's PostgreSQL, with streaming replication, and their failover."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from tests.live import free_port

STANDBY = "standby"
_CONFIGURATION = """
listen_addresses = '127.0.0.1'
unix_socket_directories = '{folder}'
wal_level = replica
wal_log_hints = on
wal_keep_size = 256MB
fsync = off
"""
_CLIENTS = "local all all trust\nhost all all 127.0.0.1/32 trust\nhost replication all 127.0.0.1/32 trust\n"


class Node:
    """One server, which is not running yet.

    Args:
        folder: for its data, which others must be able to enter.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.data, self.port = folder, folder / "data", free_port()
        folder.mkdir()
        _give_to_postgres(folder)

    def create(self) -> None:
        """Make an empty primary."""
        self._run("initdb", "--pgdata", str(self.data), "--username", "postgres", "--auth", "trust", "--no-sync")
        self._write("postgresql.conf", _CONFIGURATION.format(folder=self.folder))
        self._write("pg_hba.conf", _CLIENTS)
        self._start()

    def follow(self, primary: Node) -> None:
        """Start as a standby: from a copy of the primary, or from the own data of when this one was the primary.

        A commit of the primary waits for this standby from now on.
        """
        source = f"host=127.0.0.1 port={primary.port} user=postgres application_name={STANDBY}"
        if self.data.exists():
            primary.sql("CHECKPOINT")  # before it pg_rewind takes the primary for one of the former timeline
            address = f"{source} dbname=postgres"
            self._run("pg_rewind", "--target-pgdata", str(self.data), "--source-server", address, "--no-sync")
        else:
            self._run("pg_basebackup", "--pgdata", str(self.data), "--dbname", source, "--checkpoint", "fast")
        self._write("postgresql.conf", _CONFIGURATION.format(folder=self.folder))
        self._write("postgresql.auto.conf", f"primary_conninfo = '{source}'\n")
        self._write("standby.signal", "")
        self._start()
        primary.sql(f"ALTER SYSTEM SET synchronous_standby_names = '{STANDBY}'")
        primary.sql("SELECT pg_reload_conf()")

    def kill(self) -> None:
        """Stop at once, as without power."""
        self._run("pg_ctl", "stop", "--mode", "immediate", "--pgdata", str(self.data))

    def promote(self) -> None:
        """Make this standby the primary."""
        self._run("pg_ctl", "promote", "--wait", "--pgdata", str(self.data))

    def sql(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """The rows of a statement of the superuser."""
        connection = psycopg2.connect(host="127.0.0.1", port=self.port, user="postgres", dbname=database)
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def _start(self) -> None:
        options = ["--options", f"-p {self.port}", "--log", str(self.folder / "log"), "--wait"]
        self._run("pg_ctl", "start", "--pgdata", str(self.data), *options)

    def _run(self, program: str, *arguments: str) -> None:
        """Run a program of PostgreSQL. It refuses root, and runs as the system's user for it there."""
        found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"), key=lambda path: int(path.parts[-3]))
        if not found:
            pytest.skip("needs postgresql")
        user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        said = self.folder / f"{program}.log"
        with said.open("w") as file:  # no pipe, which the server that it starts would keep open
            done = subprocess.run(
                [*user, str(found[-1]), *arguments], cwd=self.folder, stdout=file, stderr=file, check=False
            )
        log = self.folder / "log"
        assert done.returncode == 0, f"{said.read_text()}{log.read_text()[-2000:] if log.exists() else ''}"

    def _write(self, name: str, text: str) -> None:
        path = self.data / name
        path.write_text(text)
        _give_to_postgres(path)


def _give_to_postgres(path: Path) -> None:
    if os.geteuid() == 0:
        shutil.chown(path, "postgres", "postgres")
