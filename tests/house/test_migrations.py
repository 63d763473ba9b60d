"""The way from an empty database to this version, and back."""

from __future__ import annotations

import subprocess
import sys

import flask_migrate
import pytest
from sqlalchemy import inspect

from authapp.core.application import Application
from authapp.core.extensions import db
from authapp.core.postgres import create_database
from config import ROOT
from tests.factories import AppWith


@pytest.fixture
def empty(app_with: AppWith, socket_folder: str, worker_id: str) -> Application:
    """An application on a database without tables."""
    name = f"migrations_{worker_id}"
    create_database(socket_folder, name)
    app = app_with(database_url=f"postgresql://authapp@/{name}?host={socket_folder}")
    with app.app_context():
        flask_migrate.downgrade(revision="base")
    return app


def tables(app: Application) -> set[str]:
    with app.app_context():
        return set(inspect(db.engine).get_table_names()) - {"alembic_version"}


def test_up_and_down_and_up_again(empty: Application, migrations: str) -> None:
    with empty.app_context():
        assert tables(empty) == set()
        flask_migrate.upgrade(migrations)
        assert tables(empty) == set(db.metadata.tables)
        flask_migrate.downgrade(migrations, "base")
        assert tables(empty) == set()
        flask_migrate.upgrade(migrations)
        assert tables(empty) == set(db.metadata.tables)


def test_the_models_are_what_the_migrations_make(empty: Application, migrations: str) -> None:
    with empty.app_context():
        flask_migrate.upgrade(migrations)
        flask_migrate.check(migrations)  # exits with 1 where autogenerate would write anything


def test_of_two_upgrades_at_once_the_second_waits_and_both_succeed(empty: Application, migrations: str) -> None:
    environment = {"APP_ENV": "testing", "DATABASE_URL": empty.settings.database_url}
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade", "-d", migrations]
    with empty.app_context():
        db.session.execute(db.text("SELECT pg_advisory_xact_lock(7216604)"))  # a third one is at it
        upgrades = [subprocess.Popen(command, cwd=ROOT, env=environment) for _ in range(2)]
        waiting = db.text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        while db.session.scalar(waiting) != 2:
            assert [upgrade.poll() for upgrade in upgrades] == [None, None]
        assert tables(empty) == set()
        db.session.rollback()
    assert [upgrade.wait(timeout=60) for upgrade in upgrades] == [0, 0]
    assert tables(empty) == set(db.metadata.tables)


def test_the_application_needs_no_superuser(empty: Application) -> None:
    with empty.app_context():
        superuser = db.session.execute(db.text("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"))
        assert superuser.scalar() is False
