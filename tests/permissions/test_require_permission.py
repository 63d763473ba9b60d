"""The guard `require_permission`, and what an application may declare."""

from __future__ import annotations

from typing import Any

import pytest

from authapp.core.permissions import MOST_PERMISSIONS
from authapp.core.roles import InvalidDeclaration, Role
from authapp.web.guard_marks import UndeclaredName, UnguardedRoute
from tests.factories import World, WorldWith
from tests.permissions.conftest import PERMISSIONS, guarded_by

ROLES = ["viewer", "developer", "admin"]


@pytest.mark.parametrize("permission", PERMISSIONS)
@pytest.mark.parametrize("held", ROLES)
def test_a_permission_is_held_by_its_role_and_the_higher_ones(models: World, held: str, permission: str) -> None:
    founder, member = models.person("Acme"), models.person()
    models.join(member, founder.organization_id, held)
    response = member.call("POST", f"/organizations/{founder.organization_id}/models/{permission}")
    enough = ROLES.index(held) >= ROLES.index(PERMISSIONS[permission])
    assert response.status_code == (200 if enough else 403)
    assert response.get_json().get("code") == (None if enough else "permission_missing")


def test_a_missing_permission_is_an_event_of_the_organization(models: World) -> None:
    founder, member = models.person("Acme"), models.person()
    models.join(member, founder.organization_id, "viewer")
    member.call("POST", f"/organizations/{founder.organization_id}/models/models.delete")
    events = founder.call("GET", f"/organizations/{founder.organization_id}/audit-events?action=access.refused")
    [event] = events.get_json()["items"]
    assert event["actor_id"] == str(member.id)
    assert (event["details"]["needed"], event["details"]["held"]) == ("models.delete", "viewer")


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("deploy", Role.ADMIN),
        ("Models.deploy", Role.ADMIN),
        ("models.", Role.ADMIN),
        (".deploy", Role.ADMIN),
        ("models..deploy", Role.ADMIN),
        ("models.2deploy", Role.ADMIN),
        ("models.deploy\n", Role.ADMIN),
        ("models.déploy", Role.ADMIN),
        ("models:deploy", Role.ADMIN),
        ("models." + "x" * 94, Role.ADMIN),
        ("models.deploy", "owner"),
        ("models.deploy", None),
    ],
)
def test_a_permission_that_is_malformed_cannot_be_declared(world_with: WorldWith, name: str, role: Any) -> None:
    with pytest.raises(InvalidDeclaration, match="permission"):
        world_with(permissions={name: role})


def test_the_number_of_permissions_is_limited(world_with: WorldWith) -> None:
    names = [f"models.p{number}" for number in range(MOST_PERMISSIONS + 1)]
    with pytest.raises(InvalidDeclaration, match="at most"):
        world_with(permissions=dict.fromkeys(names, Role.ADMIN))
    assert len(world_with(permissions=dict.fromkeys(names[1:], Role.ADMIN)).app.permissions) == MOST_PERMISSIONS


def test_the_permissions_of_an_application_are_frozen(models: World) -> None:
    with pytest.raises(TypeError):
        models.app.permissions["models.deploy"] = Role.VIEWER  # type: ignore[index]
    assert list(models.app.permissions) == sorted(PERMISSIONS)


def test_an_application_whose_guard_needs_an_undeclared_permission_does_not_start(world_with: WorldWith) -> None:
    with pytest.raises(UndeclaredName, match=r"models\.delpoy is not declared"):
        world_with(permissions=PERMISSIONS, blueprints=[guarded_by("models.delpoy")])


def test_a_route_that_needs_a_permission_has_an_organization_in_its_path(world_with: WorldWith) -> None:
    blueprint = guarded_by("models.deploy")
    blueprint.url_prefix = "/models"
    with pytest.raises(UnguardedRoute, match="organization_id"):
        world_with(permissions=PERMISSIONS, blueprints=[blueprint])
