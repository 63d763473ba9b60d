"""Applications with hooks, claims and a profile, on the database of the run."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from authapp.config import Settings
from authapp.db.engine import db
from authapp.factory import create_app
from authapp.web.application import Application
from authapp.web.openapi import document
from tests.factories import Caller, World

Build = Callable[..., World]


@pytest.fixture
def build(world: World, settings: Settings) -> Iterator[Build]:
    """Make an application, and people who call it. Each answer is held against its own OpenAPI document."""
    made: list[Application] = []

    def make(*, hooks: Any = (), claims: Any = None, profile: Any = None, **changes: Any) -> World:
        app = create_app(dataclasses.replace(settings, **changes), hooks=hooks, claims=claims, profile=profile)
        app.test_client_class = Caller
        made.append(app)
        return World(app, document(app))

    yield make
    for app in made:
        with app.app_context():
            for engine in db.engines.values():
                engine.dispose()
