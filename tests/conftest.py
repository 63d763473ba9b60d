"""What every test stands on: a real PostgreSQL, an application on it, and callers who check each answer's shape."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import flask_migrate
import psycopg2
import pytest
from _pytest.nodeid import NodeId

from authapp import create_app
from authapp.config import Settings
from authapp.core import clock
from authapp.core.clock import FrozenClock
from authapp.db.engine import db
from authapp.dev.postgres import create_database, embedded_postgres
from authapp.instance import ROOT
from authapp.web.application import Application
from authapp.web.blueprint import Blueprint
from authapp.web.openapi import document
from tests.bench.servers import Postgres
from tests.factories import Caller, World
from tests.live import running
from tests.watchdog import watchdog

SOCKET_FOLDER = pytest.StashKey[str]()
SERVER = pytest.StashKey[contextlib.ExitStack]()


def pytest_configure(config: pytest.Config) -> None:
    """Start one PostgreSQL for the run; the workers of xdist are told where it is."""
    if hasattr(config, "workerinput"):
        config.stash[SOCKET_FOLDER] = config.workerinput["socket_folder"]
        return
    stack = contextlib.ExitStack()
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="authapp-", ignore_cleanup_errors=True)))
    stack.enter_context(watchdog(str(folder)))
    with embedded_postgres(folder / "postgres") as socket_folder:
        _configure(socket_folder)
    socket_folder = stack.enter_context(embedded_postgres(folder / "postgres"))
    create_database(socket_folder, "authapp")  # and the role, before the workers ask for theirs at once
    config.stash[SERVER], config.stash[SOCKET_FOLDER] = stack, socket_folder


def pytest_configure_node(node: Any) -> None:
    node.workerinput["socket_folder"] = node.config.stash[SOCKET_FOLDER]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests of a group on one worker: pytest-xdist 3.8 names the group where pytest 9.2 does not read it."""
    for item in items if hasattr(config, "workerinput") else ():
        group = item.get_closest_marker("xdist_group")
        if group and not item.nodeid.endswith(f"@{group.args[0]}"):
            item._id = NodeId.parse(f"{item.nodeid}@{group.args[0]}")


def pytest_unconfigure(config: pytest.Config) -> None:
    if SERVER in config.stash:
        config.stash[SERVER].close()


def _configure(socket_folder: str) -> None:
    """Trade safety for speed, and make room for the threads of the races in every worker."""
    connection = psycopg2.connect(host=socket_folder, user="postgres", dbname="postgres")
    connection.autocommit = True
    with connection.cursor() as cursor:
        for setting in ("fsync = off", "synchronous_commit = off", "full_page_writes = off", "max_connections = 1000"):
            cursor.execute(f"ALTER SYSTEM SET {setting}")
    connection.close()


@pytest.fixture(scope="session")
def socket_folder(pytestconfig: pytest.Config) -> str:
    return pytestconfig.stash[SOCKET_FOLDER]


@pytest.fixture(scope="session")
def postgres(socket_folder: str) -> Postgres:
    """The PostgreSQL of this run, as the benchmark takes it."""
    connection = psycopg2.connect(host=socket_folder, user="postgres", dbname="postgres")
    with connection.cursor() as cursor:
        cursor.execute("SHOW data_directory")
        [[folder]] = cursor.fetchall()
    connection.close()
    return Postgres(Path(folder), socket_folder)


@pytest.fixture(scope="session")
def settings(socket_folder: str, worker_id: str) -> Settings:
    """Production's settings but for a cheap hash, on this worker's own database."""
    name = f"authapp_{worker_id}"
    create_database(socket_folder, name)
    return Settings(
        app_env="testing",
        secret_key="a-secret-for-tests-that-is-long-enough",
        database_url=f"postgresql://authapp@/{name}?host={socket_folder}",
        bcrypt_rounds=4,
        web_threads=32,
        mail_url="memory:",
        public_url="http://localhost:8000",
        jwt_issuer="http://localhost:8000",
        rate_limits="off",
    )


@pytest.fixture(scope="session")
def app(settings: Settings) -> Application:
    app = create_app(settings)
    app.test_client_class = Caller
    with app.app_context():
        flask_migrate.upgrade()
    return app


@pytest.fixture(scope="session")
def openapi(app: Application) -> dict[str, Any]:
    return document(app)


@pytest.fixture(scope="session")
def server(socket_folder: str, worker_id: str) -> Iterator[int]:
    """The port of two real workers, on a database of their own, at the cost of hashing that production has."""
    name = f"live_{worker_id}"
    create_database(socket_folder, name)
    url = f"postgresql://authapp@/{name}?host={socket_folder}"
    secret_key = "a-secret-for-tests-that-is-long-enough"
    with running(ROOT, DATABASE_URL=url, SECRET_KEY=secret_key) as (_, port):
        yield port


@pytest.fixture
def app_with(settings: Settings) -> Iterator[Callable[..., Application]]:
    """Make further applications, with other settings, on the same database."""
    made: list[Application] = []

    def make(blueprints: Iterable[Blueprint] = (), **changes: Any) -> Application:
        made.append(create_app(dataclasses.replace(settings, **changes), blueprints))
        return made[-1]

    yield make
    for app in made:
        with app.app_context():
            for engine in db.engines.values():
                engine.dispose()


@pytest.fixture
def migrations(tmp_path: Path) -> str:
    """The folder of a copy of authapp's own migrations, which have numbers, without those that a clone has added."""

    def added(folder: str, names: list[str]) -> set[str]:
        return {name for name in names if Path(folder).name == "versions" and not re.match(r"\d{4}_", name)}

    return str(shutil.copytree(ROOT / "migrations", tmp_path / "migrations", ignore=added))


@pytest.fixture
def client(world: World) -> Caller:
    """A stranger."""
    return world.caller()


@pytest.fixture
def world(app: Application, openapi: dict[str, Any]) -> Iterator[World]:
    """An empty database, and people to put into it."""
    world = World(app, openapi)
    yield world
    world.clear()


@pytest.fixture
def time() -> Iterator[FrozenClock]:
    """Time that moves when the test says so."""
    with clock.frozen() as frozen:
        yield frozen
