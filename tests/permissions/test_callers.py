"""Each kind of caller at routes that need a permission."""

from __future__ import annotations

import pytest

from authapp.core.clock import FrozenClock
from authapp.core.roles import Role
from tests.factories import Caller, World, WorldWith
from tests.permissions.conftest import PERMISSIONS, guarded_by
from tests.workloads import trust, workload

MISSING = "403 permission_missing"
CALLERS = {  # what each gets from the routes of models.read (viewer), models.deploy (developer), models.delete (admin)
    "anonymous": ("401 missing_token",) * 3,
    "refresh token": ("401 invalid_token",) * 3,
    "signed out": ("401 revoked_token",) * 3,
    "inactive admin": ("401 revoked_token",) * 3,
    "stranger who is admin elsewhere": ("403 not_a_member",) * 3,
    "foreign key with all grants": ("403 not_a_member",) * 3,
    "revoked key with all grants": ("401 invalid_api_key",) * 3,
    "service key": ("401 invalid_token",) * 3,
    "viewer": ("200", MISSING, MISSING),
    "developer": ("200", "200", MISSING),
    "admin": ("200", "200", "200"),
    "viewer's key": ("200", MISSING, MISSING),
    "developer's key": ("200", "200", MISSING),
    "viewer's key with models.deploy": ("200", "200", MISSING),
    "viewer's key with models.delete": ("200", MISSING, "200"),
    "developer's key with models.delete": ("200", "200", "200"),
}


def everybody(world: World) -> tuple[dict[str, Caller], str]:
    """A caller of each kind, and the organization that the routes are called in."""
    admin, developer, viewer, inactive = (world.person(name) for name in ("Acme", None, None, None))
    home = admin.organization_id
    for person, role in ((developer, "developer"), (viewer, "viewer"), (inactive, "admin")):
        world.join(person, home, role)
    world.sql("UPDATE users SET is_active = false WHERE id = :id", id=inactive.id)
    stranger, signed_out = world.person("Elsewhere"), world.sign_in(admin)
    signed_out.call("POST", "/auth/logout")
    every = {"permissions": [*PERMISSIONS]}

    def key(role: str, *grants: str) -> Caller:
        return world.caller(world.api_key(admin, home, role, permissions=grants))

    revoked = world.caller(world.api_key(admin, home, "developer", **every, name="revoked"))
    world.sql("UPDATE api_keys SET revoked_at = now() WHERE name = 'revoked'")
    return {
        "anonymous": world.caller(),
        "refresh token": world.caller(admin.refresh_token),
        "signed out": signed_out.caller,
        "inactive admin": inactive.caller,
        "stranger who is admin elsewhere": stranger.caller,
        "foreign key with all grants": world.caller(
            world.api_key(stranger, stranger.organization_id, "developer", **every)
        ),
        "revoked key with all grants": revoked,
        "service key": world.caller(world.service_key("introspect")),
        "viewer": viewer.caller,
        "developer": developer.caller,
        "admin": admin.caller,
        "viewer's key": key("viewer"),
        "developer's key": key("developer"),
        "viewer's key with models.deploy": key("viewer", "models.deploy"),
        "viewer's key with models.delete": key("viewer", "models.delete"),
        "developer's key with models.delete": key("developer", "models.delete"),
    }, home


def answers(caller: Caller, home: str) -> tuple[str, ...]:
    paths = (f"/organizations/{home}/models/{name}" for name in ("models.read", "models.deploy", "models.delete"))
    found = [caller.call("POST", path) for path in paths]
    return tuple(f"{each.status_code} {(each.json or {}).get('code', '')}".strip() for each in found)


def test_each_caller_is_let_in_by_what_it_holds(models: World) -> None:
    callers, home = everybody(models)
    assert {name: answers(caller, home) for name, caller in callers.items()} == CALLERS


def test_a_suspended_organization_lets_no_holder_in(models: World) -> None:
    callers, home = everybody(models)
    models.sql("UPDATE organizations SET suspended_at = now(), suspension_reason = 'operator' WHERE id = :id", id=home)
    for name in ("admin", "developer's key with models.delete"):
        assert set(answers(callers[name], home)) == {"403 organization_suspended"}


def test_a_new_role_and_a_removal_count_on_the_next_request(models: World) -> None:
    admin, member = models.person("Acme"), models.person()
    home = admin.organization_id
    models.join(member, home, "developer")
    assert answers(member.caller, home) == ("200", "200", MISSING)
    assert admin.call("PATCH", f"/organizations/{home}/members/{member.id}", {"role": "viewer"}).status_code == 200
    assert answers(member.caller, home) == ("200", MISSING, MISSING)
    assert admin.call("DELETE", f"/organizations/{home}/members/{member.id}").status_code == 204
    assert set(answers(member.caller, home)) == {"403 not_a_member"}


def test_a_permission_may_need_a_recent_sign_in_which_no_key_has(world_with: WorldWith, time: FrozenClock) -> None:
    world = world_with(permissions=PERMISSIONS, blueprints=[guarded_by(*PERMISSIONS, recent=True)])
    admin, viewer = world.person("Acme"), world.person()
    home = admin.organization_id
    world.join(viewer, home, "viewer")
    key = world.caller(world.api_key(admin, home, "viewer", permissions=["models.delete"]))
    assert answers(admin.caller, home) == ("200", "200", "200")
    assert answers(key, home) == ("403 api_key_not_allowed", MISSING, "403 api_key_not_allowed")
    job = workload(world, trust(admin, role="viewer"))
    assert answers(job, home) == ("403 workload_not_allowed", MISSING, MISSING)
    time.advance(minutes=6)
    assert set(answers(admin.caller, home)) == {"401 reauthentication_required"}
    assert answers(viewer.caller, home)[1:] == (MISSING, MISSING)


def test_an_unverified_address_is_asked_for_before_the_permission(world_with: WorldWith, world: World) -> None:
    person = world.person("Acme")
    world = world_with(permissions=PERMISSIONS, blueprints=[guarded_by(*PERMISSIONS)], email_verification="required")
    caller = world.caller(person.session["access_token"])
    assert set(answers(caller, person.organization_id)) == {"403 email_not_verified"}


@pytest.mark.parametrize("id_", ["junk", "019aab1c-7d3e-7a40-9a55-000000000000", "%00", "..", "1' OR '1'='1"])
def test_a_hostile_path_is_refused(models: World, id_: str) -> None:
    response = models.person("Acme").call("POST", f"/organizations/{id_}/models/models.read")
    assert response.status_code in (403, 404, 422)


def test_the_role_of_a_permission_may_differ_between_applications(world_with: WorldWith) -> None:
    strict = world_with(permissions={"models.deploy": Role.ADMIN}, blueprints=[guarded_by("models.deploy")])
    lax = world_with(permissions={"models.deploy": Role.VIEWER}, blueprints=[guarded_by("models.deploy")])
    admin, viewer = strict.person("Acme"), strict.person()
    strict.join(viewer, admin.organization_id, "viewer")
    path = f"/organizations/{admin.organization_id}/models/models.deploy"
    assert viewer.call("POST", path).status_code == 403
    assert lax.caller(viewer.session["access_token"]).call("POST", path).status_code == 200
