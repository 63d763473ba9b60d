"""An application that declares permissions."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from authapp import create_app
from authapp.config import Settings
from authapp.core.roles import Role
from authapp.db.engine import db
from authapp.web.openapi import document
from tests.factories import World


@pytest.fixture
def deploying(world: World, settings: Settings) -> Iterator[World]:
    """The world of an application in which developers deploy models, and admins delete them."""
    app = create_app(settings, permissions={"models.deploy": Role.DEVELOPER, "models.delete": Role.ADMIN})
    yield world.with_app(app, document(app))
    with app.app_context():
        for engine in db.engines.values():
            engine.dispose()
