"""The way from an empty database to this version, and back."""

from __future__ import annotations

import subprocess
import sys

import flask_migrate
import pytest
from sqlalchemy import create_engine, inspect
from sqlalchemy.pool import NullPool

from authapp.db.engine import db
from authapp.dev.postgres import create_database
from authapp.instance import ROOT
from authapp.web.application import Application
from tests.factories import AppWith
from tests.tenant_tables import own_tables

BEFORE_FOUNDERS = """
SET LOCAL session_replication_role = replica; -- no organization has an admin
INSERT INTO users (id, email, password_hash) VALUES ('019aab1c-7d3e-7a40-9a55-000000000001', 'ada@example.com', '');
INSERT INTO organizations (id, name, slug, updated_at, deleted_at) VALUES
    ('019aab1c-7d3e-7a40-9a55-00000000000a', 'A', 'known', '2020-01-01', NULL),
    ('019aab1c-7d3e-7a40-9a55-00000000000b', 'B', 'old', '2020-01-01', '2020-01-01'),
    ('019aab1c-7d3e-7a40-9a55-00000000000c', 'C', 'unknown', '2020-01-01', NULL);
INSERT INTO audit_events (id, action, user_id, organization_id)
SELECT gen_random_uuid(), action, '019aab1c-7d3e-7a40-9a55-000000000001', id FROM organizations, (
    VALUES ('organization.created', 'known'), ('organization.created', 'old'), ('organization.updated', 'unknown')
) AS happened (action, organization) WHERE slug = organization
"""


@pytest.fixture
def empty(app_with: AppWith, socket_folder: str, worker_id: str) -> Application:
    """An application on a database without tables."""
    name = f"migrations_{worker_id}"
    create_database(socket_folder, name)
    app = app_with(database_url=f"postgresql://authapp@/{name}?host={socket_folder}")
    with app.app_context():
        flask_migrate.downgrade(revision="base")
    return app


PARTITIONS = "SELECT relname FROM pg_class WHERE relispartition"


def tables(app: Application) -> set[str]:
    with app.app_context(), db.engine.connect() as connection:
        partitions = set(connection.exec_driver_sql(PARTITIONS).scalars())
        return set(inspect(connection).get_table_names()) - {"alembic_version"} - partitions


def test_up_and_down_and_up_again(empty: Application, migrations: str) -> None:
    with empty.app_context():
        assert tables(empty) == set()
        flask_migrate.upgrade(migrations)
        assert tables(empty) == own_tables()
        flask_migrate.downgrade(migrations, "base")
        assert tables(empty) == set()
        flask_migrate.upgrade(migrations)
        assert tables(empty) == own_tables()


def test_a_migrated_database_has_no_rows(empty: Application, migrations: str) -> None:
    with empty.app_context():
        flask_migrate.upgrade(migrations)
        url = empty.config["SQLALCHEMY_DATABASE_URI"].set(username="postgres")  # row-level security hides nothing
        with create_engine(url, poolclass=NullPool).connect() as connection:
            counted = (connection.exec_driver_sql(f"SELECT count(*) FROM {name}") for name in sorted(tables(empty)))
            counts = [each.scalar() for each in counted]
    assert set(counts) == {0}, "no default account, organization or key"


def test_the_models_are_what_the_migrations_make(empty: Application, migrations: str) -> None:
    with empty.app_context():
        flask_migrate.upgrade(migrations)
    command = [sys.executable, "-m", "flask", "--app", "authapp:create_app", "db", "check", "-d", migrations]
    environment = {"APP_ENV": "testing", "DATABASE_URL": empty.settings.database_url}
    checked = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr  # 1 where autogenerate would write anything


def test_the_founders_of_organizations_are_taken_from_the_audit_log(empty: Application, migrations: str) -> None:
    with empty.app_context():
        flask_migrate.upgrade(migrations, revision="0003")
        superuser = create_engine(empty.config["SQLALCHEMY_DATABASE_URI"].set(username="postgres"), poolclass=NullPool)
        with superuser.begin() as connection:
            connection.exec_driver_sql(BEFORE_FOUNDERS)
        flask_migrate.upgrade(migrations)
        with superuser.begin() as connection:
            found = connection.exec_driver_sql(
                "SELECT slug, email, organizations.updated_at = '2020-01-01' AS untouched "
                "FROM organizations LEFT JOIN users ON users.id = founded_by ORDER BY slug"
            )
            assert [tuple(row) for row in found] == [
                ("known", "ada@example.com", True),
                ("old", "ada@example.com", True),
                ("unknown", None, True),
            ]
            secured = (
                "SELECT count(*) FROM pg_class WHERE relrowsecurity AND relforcerowsecurity AND NOT relispartition"
            )
            assert connection.exec_driver_sql(secured).scalar() == 8
            connection.exec_driver_sql("TRUNCATE users CASCADE")


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
    assert tables(empty) == own_tables()


def test_the_application_needs_no_superuser(empty: Application) -> None:
    with empty.app_context():
        superuser = db.session.execute(db.text("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"))
        assert superuser.scalar() is False
