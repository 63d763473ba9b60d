"""An application that declares permissions."""

from __future__ import annotations

import pytest

from authapp.core.roles import Role
from tests.factories import World, WorldWith


@pytest.fixture
def deploying(world_with: WorldWith) -> World:
    """The world of an application in which developers deploy models, and admins delete them."""
    return world_with(permissions={"models.deploy": Role.DEVELOPER, "models.delete": Role.ADMIN})
