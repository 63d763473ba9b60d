"""The fixtures. pytest loads this in every run, so it imports nothing of authapp before a test asks for one."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from authapp.config import Settings
    from authapp.core.clock import FrozenClock
    from authapp.testing.caller import Caller
    from authapp.testing.world import Person, World
    from authapp.web.application import Application


@pytest.fixture(scope="session")
def socket_folder(pytestconfig: pytest.Config) -> Iterator[str]:
    """The folder of the socket of a PostgreSQL, which the workers of xdist share. It ends with the run."""
    from authapp.testing.postgres import shared_postgres  # noqa: PLC0415  here and below: see above

    run = getattr(pytestconfig, "workerinput", {}).get("testrunuid") or uuid.uuid4().hex
    with shared_postgres(Path(tempfile.gettempdir()) / f"authapp-{run}") as folder:
        yield folder


@pytest.fixture(scope="session")
def app_settings(pytestconfig: pytest.Config, socket_folder: str) -> Settings:
    """Production's settings but for a cheap hash, emails that are kept and no rate limits, on a database of its own."""
    from authapp.config import Settings  # noqa: PLC0415
    from authapp.dev.postgres import create_database  # noqa: PLC0415

    name = f"authapp_{getattr(pytestconfig, 'workerinput', {}).get('workerid', 'master')}"
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


@pytest.fixture
def world(app: Application) -> Iterator[World]:
    """An empty database, and people to put into it. `app` is yours: see docs/testing.md."""
    from authapp.testing.world import World, migrated  # noqa: PLC0415

    world = World(app, migrated(app))
    yield world
    world.clear()


@pytest.fixture
def person(world: World) -> Person:
    """Somebody who is signed in, the admin of the organization Acme."""
    return world.person("Acme")


@pytest.fixture
def caller(world: World) -> Caller:
    """A stranger."""
    return world.caller()


@pytest.fixture
def time() -> Iterator[FrozenClock]:
    """Time that moves when the test says so."""
    from authapp.core import clock  # noqa: PLC0415

    with clock.frozen() as frozen:
        yield frozen
