"""Applications that declare permissions, and people who call them."""

from __future__ import annotations

from uuid import UUID

import pytest

from authapp.core.roles import Role
from authapp.decorators.guards import require_permission
from authapp.web.blueprint import Blueprint
from tests.factories import World, WorldWith

PERMISSIONS = {"models.read": Role.VIEWER, "models.deploy": Role.DEVELOPER, "models.delete": Role.ADMIN}


@pytest.fixture
def models(world_with: WorldWith) -> World:
    """The world of an application with a route for each permission."""
    return world_with(permissions=PERMISSIONS, blueprints=[guarded_by(*PERMISSIONS)])


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
