"""Backup and restore with pg_dump, as docs/operating.md says, and the statements there that delete old rows."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from sqlalchemy import make_url

from authapp.config import Settings
from tests.factories import AppWith, World
from tests.pages import blocks

OPERATING = "docs/operating.md"
TABLES = ("users", "organizations", "memberships", "invitations", "api_keys", "audit_events", "sessions", "outbox")


class Shell:
    """The commands of the page, on the test database."""

    def __init__(self, world: World, settings: Settings, folder: Path) -> None:
        url = make_url(settings.database_url)
        [[binaries]] = world.sql("SELECT setting FROM pg_config WHERE name = 'BINDIR'")
        self.folder, self.database = folder, str(url.database)
        self.names = {
            " authapp\n": f" {self.database}\n",
            "restored": f"{self.database}_restored",
            "=backup": f"=backup_{self.database}",
            "ROLE backup": f"ROLE backup_{self.database}",
        }
        path = f"{binaries}:{os.environ['PATH']}"
        self.environment = {**os.environ, "PGHOST": str(url.query["host"]), "PATH": path}

    def own(self, command: str) -> str:
        """A command of the page, with the names of this test."""
        for name, ours in self.names.items():
            command = command.replace(name, ours)
        return command

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-euc", self.own(command)],
            env=self.environment, cwd=self.folder, capture_output=True, text=True, check=False,
        )  # fmt: skip


def count(world: World) -> dict[str, int]:
    return {table: world.sql(f"SELECT count(*) FROM {table}")[0][0] for table in TABLES}


def test_a_dump_and_its_restore_keep_all_rows_and_row_level_security(
    world: World, app_with: AppWith, settings: Settings, tmp_path: Path
) -> None:
    shell = Shell(world, settings, tmp_path)
    admin = world.person("Acme")
    world.api_key(admin, admin.organization_id, "viewer")
    world.invite(admin, admin.organization_id, "grace@example.com", "viewer")
    dump, restore = blocks(OPERATING, "sh")
    [create_role] = [sql for sql in blocks(OPERATING, "sql") if "BYPASSRLS" in sql]

    as_service = shell.run(dump.replace("--username=backup", "--username=authapp"))
    assert "query would be affected by row-level security policy" in as_service.stderr
    world.sql(shell.own(create_role))
    restored = world.with_app(app_with(database_url=settings.database_url.replace("?", "_restored?")))
    try:
        for command in (dump, restore):
            done = shell.run(command)
            assert done.returncode == 0, done.stderr
        assert count(restored) == count(world)
        secured = "SELECT count(*) FROM pg_class WHERE relrowsecurity AND relforcerowsecurity"
        assert restored.sql(secured) == world.sql(secured)
        assert restored.sign_in(admin).call("GET", f"/organizations/{admin.organization_id}").status_code == 200

        visible_only = dump.replace("--username=backup", "--username=authapp --enable-row-security")
        assert shell.run(visible_only).returncode == 0
        data_only = "pg_restore --username=authapp --data-only --table=organizations --file=- authapp.dump"
        assert "Acme" not in shell.run(data_only).stdout  # it succeeds without the rows
    finally:
        with restored.app.app_context():
            for engine in restored.app.extensions["sqlalchemy"].engines.values():
                engine.dispose()
        shell.run(f"dropdb --username=postgres {shell.database}_restored")
        world.sql(f"DROP ROLE backup_{shell.database}")
