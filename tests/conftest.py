"""What every test stands on: a real PostgreSQL, an application on it, and callers who check each answer's shape."""

from __future__ import annotations

import dataclasses
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from _pytest.nodeid import NodeId

from authapp import create_app
from authapp.config import Settings
from authapp.db.engine import db
from authapp.dev.postgres import create_database
from authapp.instance import ROOT
from authapp.testing import Caller
from authapp.testing.world import migrated
from authapp.web.application import Application
from authapp.web.blueprint import Blueprint
from authapp.web.openapi import document
from tests.bench.servers import Postgres
from tests.factories import AppWith, World, WorldWith
from tests.live import running

pytest_plugins = ["authapp.testing.plugin"]  # by this name also where authapp is installed: it is loaded once


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests of a group on one worker: pytest-xdist 3.8 names the group where pytest 9.2 does not read it."""
    for item in items if hasattr(config, "workerinput") else ():
        group = item.get_closest_marker("xdist_group")
        if group and not item.nodeid.endswith(f"@{group.args[0]}"):
            item._id = NodeId.parse(f"{item.nodeid}@{group.args[0]}")


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
def settings(app_settings: Settings) -> Settings:
    return app_settings


@pytest.fixture(scope="session")
def app(settings: Settings) -> Application:
    app = create_app(settings)
    migrated(app)
    return app


@pytest.fixture(scope="session")
def openapi(app: Application) -> dict[str, Any]:
    return migrated(app)


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
def app_with(settings: Settings) -> Iterator[AppWith]:
    """Make further applications, with other settings or arguments of `create_app`, on the same database."""
    made: list[Application] = []

    def make(blueprints: Iterable[Blueprint] = (), **arguments: Any) -> Application:
        changes = {name: arguments.pop(name) for name in [*arguments] if hasattr(settings, name)}
        made.append(create_app(dataclasses.replace(settings, **changes), blueprints, **arguments))
        return made[-1]

    yield make
    for app in made:
        with app.app_context():
            for engine in db.engines.values():
                engine.dispose()


@pytest.fixture
def world_with(world: World, app_with: AppWith) -> WorldWith:
    """Make further applications, each with a world whose callers hold its answers against its own OpenAPI document."""

    def make(**arguments: Any) -> World:
        app = app_with(**arguments)
        return world.with_app(app, document(app))

    return make


@pytest.fixture
def migrations(tmp_path: Path) -> str:
    """The folder of a copy of authapp's own migrations, which have numbers, without those that a clone has added."""

    def added(folder: str, names: list[str]) -> set[str]:
        return {name for name in names if Path(folder).name == "versions" and not re.match(r"\d{4}_", name)}

    return str(shutil.copytree(ROOT / "migrations", tmp_path / "migrations", ignore=added))


@pytest.fixture
def client(caller: Caller) -> Caller:
    """A stranger."""
    return caller
