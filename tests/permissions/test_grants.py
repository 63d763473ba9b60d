"""Permissions that are granted to API keys."""

from __future__ import annotations

from typing import Any

import pytest

from authapp.core.clock import FrozenClock
from authapp.core.permissions import MOST_PERMISSIONS
from tests.factories import CLIENTS, ROUNDS, Caller, Person, World, WorldWith, all_at_once
from tests.permissions.conftest import PERMISSIONS, guarded_by

HOSTILE = [
    ["models.delpoy"],
    ["models.read", "models.read"],
    ["viewer"],
    ["models.*"],
    [""],
    ["models.read\x00"],
    ["models.read "],
    ["MODELS.READ"],
    [None],
    [1],
    [["models.read"]],
    [{"name": "models.read"}],
    "models.read",
    {"models.read": True},
    None,
    True,
    ["models.read"] * (MOST_PERMISSIONS + 1),
]


def keys_of(person: Person) -> str:
    return f"/organizations/{person.organization_id}/api-keys"


def issue(person: Person, role: str, *permissions: str) -> dict[str, Any]:
    body = {"name": "deployer", "role": role, "permissions": permissions}
    response = person.call("POST", keys_of(person), body)
    assert response.status_code == 201, response.text
    return dict(response.get_json())


def use(caller: Caller, person: Person, permission: str) -> int:
    return caller.call("POST", f"/organizations/{person.organization_id}/models/{permission}").status_code


def test_a_key_shows_all_that_it_holds_by_role_or_by_grant(models: World) -> None:
    admin = models.person("Acme")
    issued = issue(admin, "viewer", "models.delete")
    assert issued["permissions"] == ["models.delete", "models.read"]
    [listed] = admin.call("GET", keys_of(admin)).get_json()["items"]
    assert listed["permissions"] == issued["permissions"]
    renamed = admin.call("PATCH", f"{keys_of(admin)}/{issued['id']}", {"name": "another"}).get_json()
    assert renamed["permissions"] == issued["permissions"]
    assert issue(admin, "developer")["permissions"] == ["models.deploy", "models.read"]


def test_the_event_of_a_new_key_has_its_grants_and_no_other(models: World) -> None:
    admin = models.person("Acme")
    issue(admin, "viewer", "models.deploy", "models.delete")
    issue(admin, "viewer")
    events = admin.call("GET", f"/organizations/{admin.organization_id}/audit-events?action=api_key.created").get_json()
    assert [event["details"] for event in events["items"]] == [
        {"name": "deployer", "role": "viewer"},
        {"name": "deployer", "role": "viewer", "permissions": ["models.delete", "models.deploy"]},
    ]


def test_a_rotated_key_keeps_its_grants(models: World) -> None:
    admin = models.person("Acme")
    issued = issue(admin, "viewer", "models.delete")
    rotated = admin.call("POST", f"{keys_of(admin)}/{issued['id']}/rotate", {"overlap_seconds": 60}).get_json()
    assert rotated["permissions"] == issued["permissions"]
    assert [use(models.caller(each["key"]), admin, "models.delete") for each in (issued, rotated)] == [200, 200]


@pytest.mark.parametrize("permissions", HOSTILE, ids=lambda value: repr(value)[:30])
def test_what_is_no_list_of_declared_permissions_is_refused(models: World, permissions: Any) -> None:
    admin = models.person("Acme")
    body = {"name": "deployer", "role": "viewer", "permissions": permissions}
    response = admin.call("POST", keys_of(admin), body)
    assert (response.status_code, response.get_json()["code"]) == (422, "validation_failed")
    assert "permissions" in response.get_json()["errors"]["json"]
    assert len(response.data) < 20_000


def test_an_application_without_permissions_grants_none(world: World) -> None:
    admin = world.person("Acme")
    body = {"name": "deployer", "role": "viewer", "permissions": ["models.deploy"]}
    assert admin.call("POST", keys_of(admin), body).status_code == 422
    assert admin.call("POST", keys_of(admin), {**body, "permissions": []}).status_code == 201


@pytest.mark.parametrize("role", ["viewer", "developer"])
def test_only_an_admin_grants_and_no_key_does(models: World, role: str) -> None:
    admin, member = models.person("Acme"), models.person()
    models.join(member, admin.organization_id, role)
    body = {"name": "mine", "role": "viewer", "permissions": ["models.delete"]}
    key = models.caller(issue(admin, "developer", *PERMISSIONS)["key"])
    for caller in (member.caller, key):
        refused = caller.call("POST", keys_of(admin), body)
        assert (refused.status_code, refused.get_json()["code"]) == (403, "role_too_low")


def test_an_admin_grants_only_within_minutes_of_a_sign_in(models: World, time: FrozenClock) -> None:
    admin = models.person("Acme")
    time.advance(minutes=6)
    refused = admin.call("POST", keys_of(admin), {"name": "x", "role": "viewer", "permissions": ["models.delete"]})
    assert (refused.status_code, refused.get_json()["code"]) == (401, "reauthentication_required")


def test_a_grant_cannot_be_changed_later(models: World) -> None:
    admin = models.person("Acme")
    issued = issue(admin, "viewer")
    grants = {"permissions": ["models.delete"]}
    for method, path, body in (("PATCH", "", {"name": "x", **grants}), ("POST", "/rotate", grants)):
        assert admin.call(method, f"{keys_of(admin)}/{issued['id']}{path}", body).status_code == 422
    assert use(models.caller(issued["key"]), admin, "models.delete") == 403


def test_a_grant_that_is_no_longer_declared_counts_for_nothing(models: World, world_with: WorldWith) -> None:
    admin = models.person("Acme")
    issued = issue(admin, "viewer", "models.delete")
    remaining = {name: role for name, role in PERMISSIONS.items() if name != "models.delete"}
    later = world_with(permissions=remaining, blueprints=[guarded_by(*remaining)])
    key = later.caller(issued["key"])
    assert [use(key, admin, name) for name in remaining] == [200, 403]
    [listed] = later.caller(admin.session["access_token"]).call("GET", keys_of(admin)).get_json()["items"]
    assert listed["permissions"] == ["models.read"]
    assert use(models.caller(issued["key"]), admin, "models.delete") == 200, "and counts where it still is"


def test_the_database_bounds_the_grants_of_a_key(models: World) -> None:
    admin = models.person("Acme")
    issue(admin, "viewer")
    with pytest.raises(Exception, match="ck_api_keys_permissions_bounded"):
        models.sql(f"UPDATE api_keys SET permissions = array_fill('x.y'::text, ARRAY[{MOST_PERMISSIONS + 1}])")


def test_a_key_that_is_revoked_while_it_is_used_holds_nothing_once_that_has_answered(models: World) -> None:
    admin = models.person("Acme")
    for _ in range(ROUNDS):
        issued = issue(admin, "viewer", "models.delete")
        path = f"{keys_of(admin)}/{issued['id']}"

        def revoke(path: str = path) -> int:
            return admin.call("DELETE", path).status_code

        def call(key: str = issued["key"]) -> int:
            return use(models.caller(key), admin, "models.delete")

        [revoked, *found] = all_at_once([revoke, *[call] * (CLIENTS - 1)])
        assert revoked == 204
        assert set(found) <= {200, 401}
        assert call() == 401
