"""Applications that declare permissions, and people who call them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest

from authapp import create_app
from authapp.config import Settings
from authapp.core.roles import Role
from authapp.db.engine import db
from authapp.decorators.guards import require_permission
from authapp.web.application import Application
from authapp.web.blueprint import Blueprint
from authapp.web.openapi import document
from tests.factories import World

PERMISSIONS = {"models.read": Role.VIEWER, "models.deploy": Role.DEVELOPER, "models.delete": Role.ADMIN}
Declaring = Callable[..., World]
"""Makes an application with these settings and arguments of `create_app`, and gives the world that calls it."""


@pytest.fixture
def declaring(world: World, settings: Settings) -> Iterator[Declaring]:
    made: list[Application] = []

    def declare(**arguments: Any) -> World:
        changes = {name: arguments.pop(name) for name in [*arguments] if hasattr(settings, name)}
        app = create_app(dataclasses.replace(settings, **changes), **arguments)
        made.append(app)
        return world.with_app(app, document(app))

    yield declare
    for app in made:
        with app.app_context():
            for engine in db.engines.values():
                engine.dispose()


@pytest.fixture
def models(declaring: Declaring) -> World:
    """The world of an application with a route for each permission."""
    return declaring(permissions=PERMISSIONS, blueprints=[guarded_by(*PERMISSIONS)])


def guarded_by(*permissions: str, **conditions: bool) -> Blueprint:
    """A blueprint with a route for each permission, which only its holders may call."""
    blueprint = Blueprint("models", __name__, url_prefix="/organizations/<organization_id>/models")

    def route(permission: str) -> None:
        @require_permission(permission, **conditions)
        def view(organization_id: UUID) -> dict[str, str]:
            """Use a permission."""
            return {"organization_id": str(organization_id)}

        view.__name__ = permission.replace(".", "_")
        blueprint.post(f"/{permission}")(view)

    for permission in permissions:
        route(permission)
    return blueprint
