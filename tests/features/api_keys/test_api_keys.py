"""API keys: actors of their own, inside one organization."""

from __future__ import annotations

import base64
from typing import Any
from uuid import UUID

import pytest

from authapp.core.clock import FrozenClock
from tests.factories import UNKNOWN_ID, Caller, Person, World, statements


def keys_of(admin: Person) -> str:
    return f"/organizations/{admin.organization_id}/api-keys"


def issue(admin: Person, **wishes: Any) -> dict[str, Any]:
    response = admin.call("POST", keys_of(admin), {"name": "pipeline", "role": "developer", **wishes})
    assert response.status_code == 201, response.text
    issued: dict[str, Any] = response.get_json()
    return issued


def reads(world: World, admin: Person, key: str) -> int:
    return world.caller(key).call("GET", f"/organizations/{admin.organization_id}").status_code


def test_a_key_acts_in_its_organization_with_its_role(world: World) -> None:
    admin = world.person("Acme")
    issued = issue(admin)
    assert issued["key"].startswith(f"ak_{issued['id'].replace('-', '')}_")
    key = world.caller(issued["key"])
    organization = key.call("GET", f"/organizations/{admin.organization_id}").get_json()
    assert (organization["name"], organization["role"]) == ("Acme", "developer")
    assert key.call("GET", f"/organizations/{admin.organization_id}/members").status_code == 200
    assert key.call("GET", keys_of(admin)).get_json()["code"] == "role_too_low"


def test_a_key_is_not_the_member_with_its_own_id(world: World) -> None:
    admin = world.person("Acme")
    issued = issue(admin)
    member = f"/organizations/{admin.organization_id}/members/{issued['id']}"
    refused = world.caller(issued["key"]).call("DELETE", member)
    assert (refused.status_code, refused.get_json()["code"]) == (403, "role_too_low")


def test_a_key_is_shown_once_and_stored_as_a_hash(world: World) -> None:
    admin = world.person("Acme")
    issued = issue(admin)
    secret = issued["key"].rpartition("_")[2]
    [listed] = admin.call("GET", keys_of(admin)).get_json()["items"]
    assert listed == {name: value for name, value in issued.items() if name != "key"}
    assert secret not in str(world.sql("SELECT * FROM api_keys, audit_events"))
    assert len(bytes(world.sql("SELECT secret_hash FROM api_keys")[0][0])) == 32


def test_a_key_gets_another_name_and_the_event_has_both(world: World) -> None:
    admin = world.person("Acme")
    issued = issue(admin)
    renamed = admin.call("PATCH", f"{keys_of(admin)}/{issued['id']}", {"name": "  nightly training "})
    assert renamed.status_code == 200
    expected = {**issued, "name": "nightly training"}
    assert renamed.get_json() == {name: value for name, value in expected.items() if name != "key"}
    assert reads(world, admin, issued["key"]) == 200
    admin.call("PATCH", f"{keys_of(admin)}/{issued['id']}", {"name": "nightly training"})
    events = world.sql("SELECT target_id, details FROM audit_events WHERE action = 'api_key.renamed'")
    assert [tuple(event) for event in events] == [
        (UUID(issued["id"]), {"name": "nightly training", "before": "pipeline"})
    ]


@pytest.mark.parametrize(
    ("who", "body", "expected"),
    [
        ("admin", {}, (422, "validation_failed")),
        ("admin", {"name": ""}, (422, "validation_failed")),
        ("admin", {"name": "x" * 101}, (422, "validation_failed")),
        ("admin", {"name": "x", "role": "viewer"}, (422, "validation_failed")),
        ("developer", {"name": "x"}, (403, "role_too_low")),
        ("stranger", {"name": "x"}, (403, "not_a_member")),
        ("key", {"name": "x"}, (403, "role_too_low")),
    ],
)
def test_who_may_not_rename_a_key_and_what_is_no_name(
    world: World, who: str, body: dict[str, str], expected: tuple[int, str]
) -> None:
    admin, developer, stranger = world.person("Acme"), world.person(), world.person()
    world.join(developer, admin.organization_id, "developer")
    issued = issue(admin)
    callers: dict[str, Any] = {
        "admin": admin,
        "developer": developer,
        "stranger": stranger,
        "key": world.caller(issued["key"]),
    }
    answer = callers[who].call("PATCH", f"{keys_of(admin)}/{issued['id']}", body)
    assert (answer.status_code, answer.get_json()["code"]) == expected
    assert admin.call("GET", keys_of(admin)).get_json()["items"][0]["name"] == "pipeline"


def test_a_key_that_is_revoked_or_of_another_organization_is_not_renamed(world: World) -> None:
    admin, other = world.person("Acme"), world.person("Other")
    revoked, foreign = issue(admin), issue(other)
    admin.call("DELETE", f"{keys_of(admin)}/{revoked['id']}")
    for key_id in (revoked["id"], foreign["id"], UNKNOWN_ID):
        answer = admin.call("PATCH", f"{keys_of(admin)}/{key_id}", {"name": "mine"})
        assert (answer.status_code, answer.get_json()["code"]) == (404, "api_key_not_found")
    assert other.call("GET", keys_of(other)).get_json()["items"][0]["name"] == "pipeline"


def test_a_key_outlives_the_membership_of_whoever_made_it(world: World) -> None:
    admin, other = world.person("Acme"), world.person()
    key = issue(admin)["key"]
    world.join(other, admin.organization_id, "admin")
    assert admin.call("DELETE", f"/organizations/{admin.organization_id}/members/{admin.id}").status_code == 204
    assert reads(world, admin, key) == 200


def test_a_revoked_key_is_dead_at_once_and_off_the_list(world: World) -> None:
    admin = world.person("Acme")
    issued = issue(admin)
    path = f"{keys_of(admin)}/{issued['id']}"
    assert admin.call("DELETE", path).status_code == 204
    refused = world.caller(issued["key"]).call("GET", f"/organizations/{admin.organization_id}")
    assert (refused.status_code, refused.get_json()["code"]) == (401, "invalid_api_key")
    assert 'error="invalid_token"' in refused.headers["WWW-Authenticate"]
    assert admin.call("GET", keys_of(admin)).get_json()["items"] == []
    assert admin.call("DELETE", path).get_json()["code"] == "api_key_not_found"
    assert admin.call("POST", f"{path}/rotate", {}).get_json()["code"] == "api_key_not_found"


def test_a_key_is_dead_from_the_moment_it_expires(world: World, time: FrozenClock) -> None:
    admin = world.person("Acme")
    issued = issue(admin, expires_at="2099-01-01T00:00:00+01:00")
    assert issued["expires_at"] == "2098-12-31T23:00:00.000Z"
    assert reads(world, admin, issued["key"]) == 200
    world.sql("UPDATE api_keys SET expires_at = :now", now=time.now())
    assert reads(world, admin, issued["key"]) == 401


def test_a_key_of_a_deleted_organization_opens_nothing(world: World) -> None:
    admin = world.person("Acme")
    key = issue(admin)["key"]
    admin.call("DELETE", f"/organizations/{admin.organization_id}")
    assert reads(world, admin, key) == 401


def test_both_secrets_live_during_the_overlap_and_never_three(world: World, time: FrozenClock) -> None:
    admin = world.person("Acme")
    first = issue(admin)
    path = f"{keys_of(admin)}/{first['id']}/rotate"
    second = admin.call("POST", path, {"overlap_seconds": 60}).get_json()
    assert second["id"] == first["id"]
    assert second["previous_secret_expires_at"] is not None
    assert [reads(world, admin, k["key"]) for k in (first, second)] == [200, 200]
    time.advance(seconds=60)
    assert [reads(world, admin, k["key"]) for k in (first, second)] == [401, 200]
    third = admin.call("POST", path, {"overlap_seconds": 600}).get_json()
    fourth = admin.call("POST", path, {"overlap_seconds": 600}).get_json()
    assert [reads(world, admin, k["key"]) for k in (second, third, fourth)] == [401, 200, 200]


def test_without_an_overlap_the_old_secret_is_dead_at_once(world: World) -> None:
    admin = world.person("Acme")
    first = issue(admin)
    rotated = admin.call("POST", f"{keys_of(admin)}/{first['id']}/rotate")
    assert rotated.status_code == 201
    assert rotated.get_json()["previous_secret_expires_at"] is None
    assert [reads(world, admin, k["key"]) for k in (first, rotated.get_json())] == [401, 200]


def test_the_last_use_is_noted_once_a_minute(world: World, time: FrozenClock) -> None:
    admin = world.person("Acme")
    issued = issue(admin)

    def sent() -> list[str]:
        with statements(world.app) as seen:
            assert reads(world, admin, issued["key"]) == 200
        return seen

    assert issued["last_used_at"] is None
    assert sent() == ["one:select", "one:select"]  # the second holds the UPDATE
    noted = admin.call("GET", keys_of(admin)).get_json()["items"][0]
    assert noted["last_used_at"] is not None
    assert sent() == ["one:select"]
    time.advance(seconds=60)
    assert sent() == ["one:select", "one:select"]
    assert admin.call("GET", keys_of(admin)).get_json()["items"][0]["last_used_at"] > noted["last_used_at"]


def test_a_locked_key_is_read_without_waiting(world: World) -> None:
    admin = world.person("Acme")
    key = issue(admin)["key"]
    with world.superuser.connect() as other:
        other.exec_driver_sql("SELECT FROM api_keys FOR UPDATE")
        assert reads(world, admin, key) == 200
        other.rollback()
    assert world.sql("SELECT last_used_at FROM api_keys")[0].last_used_at is None


def altered(key: str) -> list[str]:
    """Keys that look like this one."""
    stem, last = key[:-1], key[-1]
    return [
        stem + ("0" if last != "0" else "1"),
        stem,
        key + "0",
        key.replace("ak_", "at_"),
        key.upper(),
        "ak_" + "0" * 32 + "_" + "0" * 49,
        "ak_",
        "ak__",
    ]


def test_junk_costs_no_statement(world: World) -> None:
    admin = world.person("Acme")
    for junk in altered(issue(admin)["key"]):
        with statements(world.app) as sent:
            refused = world.caller(junk).call("GET", f"/organizations/{admin.organization_id}")
        assert refused.status_code == 401
        assert sent == []


def test_a_well_formed_key_with_another_secret_is_refused(world: World) -> None:
    admin = world.person("Acme")
    issued = issue(admin)
    with world.app.app_context():
        forged, _ = world.app.opaque_tokens.make("ak", UUID(issued["id"]))
    assert reads(world, admin, forged) == 401


def ways(key: str) -> list[dict[str, str]]:
    basic = base64.b64encode(f"x:{key}".encode()).decode()
    return [{"Authorization": f"Basic {basic}"}, {"X-API-Key": key}, {"Authorization": key}]


def test_a_key_comes_as_a_bearer_token_and_no_other_way(world: World) -> None:
    admin = world.person("Acme")
    key = issue(admin)["key"]
    for headers in ways(key):
        path = f"/organizations/{admin.organization_id}"
        assert world.caller().call("GET", path, headers=headers).status_code == 401
    assert world.caller().call("GET", f"{path}?access_token={key}").status_code == 401
    bearer = {"Authorization": f"bearer  {key}"}
    assert world.caller().call("GET", path, headers=bearer).status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"role": "viewer"}, "name"),
        ({"name": "x"}, "role"),
        ({"name": "x", "role": "admin"}, "role"),
        ({"name": "", "role": "viewer"}, "name"),
        ({"name": "x", "role": "viewer", "expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"name": "x", "role": "viewer", "expires_at": "2099-01-01T00:00:00"}, "expires_at"),
        ({"name": "x", "role": "viewer", "expires_at": "2099-01-01"}, "expires_at"),
        ({"name": "x", "role": "viewer", "expires_at": "0000-00-00T00:00:00Z"}, "expires_at"),
        ({"name": "x", "role": "viewer", "expires_at": "0001-01-01T00:00:00+23:59"}, "expires_at"),
        ({"name": "x", "role": "viewer", "expires_at": 4102444800}, "expires_at"),
        ({"name": "x", "role": "viewer", "key": "ak_mine"}, "key"),
    ],
)
def test_an_invalid_key_names_the_field(world: World, body: dict[str, Any], field: str) -> None:
    admin = world.person("Acme")
    response = admin.call("POST", keys_of(admin), body)
    assert response.status_code == 422
    assert list(response.get_json()["errors"]["json"]) == [field]


@pytest.mark.parametrize("overlap", [-1, 1.5, "60", 604801, None, True])
def test_an_invalid_overlap_is_refused(world: World, overlap: Any) -> None:
    admin = world.person("Acme")
    issued = issue(admin)
    response = admin.call("POST", f"{keys_of(admin)}/{issued['id']}/rotate", {"overlap_seconds": overlap})
    assert response.status_code == 422


@pytest.mark.parametrize(("method", "path"), [("DELETE", ""), ("POST", "/rotate")])
def test_a_key_of_another_organization_is_not_found_here(world: World, method: str, path: str) -> None:
    admin, stranger = world.person("Acme"), world.person("Elsewhere")
    foreign = issue(stranger)
    for id_ in (foreign["id"], UNKNOWN_ID):
        refused = admin.call(method, f"{keys_of(admin)}/{id_}{path}")
        assert (refused.status_code, refused.get_json()["code"]) == (404, "api_key_not_found")
    assert reads(world, stranger, foreign["key"]) == 200


def test_what_a_key_does_is_in_the_audit_log_under_its_own_id(world: World) -> None:
    admin = world.person("Acme")
    issued = issue(admin, role="viewer")
    world.caller(issued["key"]).call("GET", keys_of(admin))
    path = f"/organizations/{admin.organization_id}/audit-events?actor_id={issued['id']}"
    [event] = admin.call("GET", path).get_json()["items"]
    assert (event["action"], event["actor_type"], event["user_id"]) == ("access.refused", "api_key", None)
    tried = "GET /api/v1/organizations/<organization_id>/api-keys"
    assert event["details"] == {"tried": tried, "needed": "admin", "held": "viewer"}


def test_no_key_reaches_an_account(world: World) -> None:
    admin = world.person("Acme")
    key: Caller = world.caller(issue(admin)["key"])
    refused = key.call("GET", "/auth/me")
    assert (refused.status_code, refused.get_json()["code"]) == (403, "api_key_not_allowed")
    assert key.call("POST", "/organizations", {"name": "Mine"}).status_code == 403
    assert key.call("POST", "/invitations/accept", {"token": "it_x"}).status_code == 403
