"""Workloads: actors of their own, inside one organization, as long as their trusted identity is there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from authapp.core import clock
from authapp.core.clock import FrozenClock
from tests.factories import UNKNOWN_ID, World, statements
from tests.providers.job_server import JobServer
from tests.workloads import exchange, trust, workload


def test_a_workload_acts_in_its_organization_with_the_role_of_its_trusted_identity(world: World) -> None:
    admin, other = world.person("Acme"), world.person("Other")
    caller = workload(world, trust(admin, role="viewer"))
    home = f"/organizations/{admin.organization_id}"
    with statements(world.app) as sent:
        assert caller.call("GET", home).get_json()["role"] == "viewer"
    assert sent == ["one:select"]
    assert caller.call("GET", f"{home}/members").status_code == 200
    assert caller.call("GET", f"{home}/api-keys").get_json()["code"] == "role_too_low"
    for foreign in (other.organization_id, UNKNOWN_ID):
        assert caller.call("GET", f"/organizations/{foreign}").get_json()["code"] == "not_a_member"
    [event] = world.sql("SELECT actor_type, actor_id, session_id FROM audit_events WHERE action = 'access.refused'")
    assert event.actor_type == "workload"
    assert event.session_id is not None


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/auth/me"), ("DELETE", "/auth/me"), ("GET", "/organizations"), ("POST", "/auth/logout")],
)
def test_a_workload_has_no_account(world: World, method: str, path: str) -> None:
    refused = workload(world, trust(world.person("Acme"))).call(method, path)
    assert (refused.status_code, refused.get_json()["code"]) == (403, "workload_not_allowed")


@pytest.mark.parametrize("changes", [{"sub": UNKNOWN_ID}, {"sub": "account"}, {"sid": "not-a-uuid"}, {"amr": None}])
def test_a_workload_is_nobody_else(world: World, changes: dict[str, Any]) -> None:
    admin = world.person("Acme")
    if changes.get("sub") == "account":
        changes = {"sub": str(admin.id)}
    refused = workload(world, trust(admin), **changes).call("GET", f"/organizations/{admin.organization_id}")
    assert refused.status_code == 401


def test_the_token_of_a_session_is_no_workloads_whatever_its_type_says(world: World) -> None:
    admin = world.person("Acme")
    now = clock.now()
    trusted = trust(admin)
    claims = {"sub": trusted["id"], "sid": UNKNOWN_ID, "auth_time": int(now.timestamp()), "amr": []}
    for token_type in ("access", "refresh"):
        token = world.app.tokens.issue(token_type, claims, now, now + timedelta(minutes=5))
        assert world.caller(token).call("GET", f"/organizations/{admin.organization_id}").status_code == 401


@pytest.mark.parametrize("end", ["identity", "organization", "suspended"])
def test_the_token_is_dead_on_the_request_after_its_identity_or_organization_ends(world: World, end: str) -> None:
    admin = world.person("Acme")
    trusted = trust(admin)
    caller, home = workload(world, trusted), f"/organizations/{admin.organization_id}"
    assert caller.call("GET", home).status_code == 200
    if end == "identity":
        assert admin.call("DELETE", f"{home}/trusted-identities/{trusted['id']}").status_code == 204
    elif end == "organization":
        assert admin.call("DELETE", home).status_code == 204
    else:
        world.sql("UPDATE organizations SET suspended_at = now(), suspension_reason = 'operator'")
    refused = caller.call("GET", home)
    expected = (403, "organization_suspended") if end == "suspended" else (401, "revoked_token")
    assert (refused.status_code, refused.get_json()["code"]) == expected


def test_the_token_expires(world: World, time: FrozenClock) -> None:
    admin = world.person("Acme")
    caller = workload(world, trust(admin))
    time.advance(minutes=15)
    assert caller.call("GET", f"/organizations/{admin.organization_id}").get_json()["code"] == "expired_token"


def test_other_services_are_told_of_a_trusted_identity_that_was_deleted(world: World) -> None:
    admin = world.person("Acme")
    trusted = trust(admin)
    admin.call("DELETE", f"/organizations/{admin.organization_id}/trusted-identities/{trusted['id']}")
    items = world.caller(world.service_key("revocations")).call("GET", "/auth/revocations").get_json()["items"]
    assert [item["sub"] for item in items] == [trusted["id"]]


@pytest.mark.parametrize("asked", [None, "own", "other"])
def test_introspection_answers_for_a_workload(world: World, asked: str | None) -> None:
    admin, other = world.person("Acme"), world.person("Other")
    trusted = trust(admin)
    token = workload(world, trusted).access_token
    service = world.caller(world.service_key("introspect"))
    organization = {"own": admin.organization_id, "other": other.organization_id}.get(asked or "")
    form = {"token": token, **({"organization_id": organization} if organization else {})}
    answer = service.post("/api/v1/auth/introspect", data=form).get_json()
    assert answer.items() >= {"active": True, "actor_type": "workload", "sub": trusted["id"], "amr": []}.items()
    assert answer.get("role", "not asked") == {None: "not asked", "own": "developer", "other": None}[asked]
    admin.call("DELETE", f"/organizations/{admin.organization_id}/trusted-identities/{trusted['id']}")
    assert service.post("/api/v1/auth/introspect", data=form).get_json() == {"active": False}


def test_a_job_whose_identity_is_deleted_meanwhile_gets_no_token(world: World, jobs: JobServer) -> None:
    admin = world.person("Acme")
    trusted = trust(admin)
    jobs.answers = {"/jwks": lambda: (world.sql("DELETE FROM trusted_identities"), jobs._jwks())[1]}
    refused = exchange(world, admin.organization_id, jobs.token(admin.organization_id))
    assert refused.get_json()["code"] == "invalid_subject_token"
    assert trusted["id"] not in str(world.sql("SELECT actor_id FROM audit_events"))
