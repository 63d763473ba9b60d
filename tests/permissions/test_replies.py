"""Where an account and a service read which permissions somebody holds."""

from __future__ import annotations

from typing import Any

import pytest

from authapp.core.permissions import MOST_PERMISSIONS
from authapp.core.roles import ROLES
from tests.factories import UNKNOWN_ID, World, WorldWith, statements
from tests.permissions.conftest import PERMISSIONS

HELD = {
    "viewer": ["models.read"],
    "developer": ["models.deploy", "models.read"],
    "admin": ["models.delete", "models.deploy", "models.read"],
}


def introspect(world: World, token: str, organization_id: str | None) -> dict[str, Any]:
    form = {"token": token, **({"organization_id": organization_id} if organization_id else {})}
    response = world.caller(world.service_key("introspect")).call("POST", "/auth/introspect", data=form)
    assert response.status_code == 200, response.text
    return dict(response.get_json())


def test_my_memberships_have_the_permissions_of_my_role_in_each(models: World) -> None:
    person = models.person("Mine")
    for role in ROLES:
        models.join(person, models.person(f"Of a {role}").organization_id, role)
    memberships = person.call("GET", "/auth/me").get_json()["memberships"]
    assert len(memberships) == 4
    assert all(each["permissions"] == HELD[each["role"]] for each in memberships)


def test_without_declared_permissions_the_lists_are_empty(world: World) -> None:
    person = world.person("Acme")
    [membership] = person.call("GET", "/auth/me").get_json()["memberships"]
    assert membership["permissions"] == []
    assert introspect(world, person.session["access_token"], person.organization_id)["permissions"] == []


def test_my_account_is_still_read_in_one_statement(models: World) -> None:
    person = models.person("Acme")
    with statements(models.app) as sent:
        person.call("GET", "/auth/me")
    assert sent == ["one:select"]


def test_a_guard_of_a_permission_sends_the_one_statement_of_any_guard(models: World) -> None:
    person = models.person("Acme")
    key = models.caller(models.api_key(person, person.organization_id, "viewer", permissions=["models.delete"]))
    path = f"/organizations/{person.organization_id}/models/models.delete"
    key.call("POST", path)  # and records the use of the key, once a minute
    for caller in (person.caller, key):
        with statements(models.app) as sent:
            assert caller.call("POST", path).status_code == 200
        assert sent == ["select"]


@pytest.mark.parametrize("role", HELD)
def test_introspection_tells_the_permissions_in_an_organization(models: World, role: str) -> None:
    founder, member = models.person("Acme"), models.person()
    models.join(member, founder.organization_id, role)
    found = introspect(models, member.session["access_token"], founder.organization_id)
    assert (found["role"], found["permissions"]) == (role, HELD[role])
    assert "permissions" not in introspect(models, member.session["access_token"], None)


def test_introspection_tells_no_permissions_elsewhere(models: World) -> None:
    person, other = models.person("Acme"), models.person("Elsewhere")
    key = models.api_key(person, person.organization_id, "viewer", permissions=["models.delete"])
    for token in (person.session["access_token"], key):
        for organization_id in (other.organization_id, UNKNOWN_ID):
            found = introspect(models, token, organization_id)
            assert (found["active"], found["role"], found["permissions"]) == (True, None, [])
    found = introspect(models, key, person.organization_id)
    assert (found["role"], found["permissions"]) == ("viewer", ["models.delete", "models.read"])


def test_the_document_names_the_permissions_that_are_declared(models: World, openapi: dict[str, Any]) -> None:
    document = models.caller().get("/api/v1/openapi.json").get_json()
    assert document["components"]["schemas"]["Permission"]["enum"] == sorted(PERMISSIONS)
    path = document["paths"]["/api/v1/organizations/{organization_id}/models/models.deploy"]["post"]
    assert path["description"] == "Guard: `require_permission(models.deploy)`"
    assert "permission_missing" in path["responses"]["403"]["description"]
    assert "enum" not in openapi["components"]["schemas"]["Permission"]


def test_a_hundred_memberships_show_all_permissions_that_may_be_declared(world_with: WorldWith, world: World) -> None:
    names = [f"models.p{number:03}" for number in range(MOST_PERMISSIONS)]
    world = world_with(permissions=dict.fromkeys(names, "viewer"))
    person = world.person("Acme")
    world.sql(
        "WITH made AS (INSERT INTO organizations (id, name, slug) SELECT gen_random_uuid(), 'O', 'o-' || n "
        "FROM generate_series(1, 100) n RETURNING id) "
        "INSERT INTO memberships (user_id, organization_id, role) SELECT :id, id, 'admin' FROM made",
        id=person.id,
    )
    me = person.call("GET", "/auth/me").get_json()
    assert (len(me["memberships"]), me["memberships_truncated"]) == (100, True)
    assert all(each["permissions"] == names for each in me["memberships"])
