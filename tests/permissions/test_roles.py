"""Roles of an application's own, between viewer and admin."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from authapp.core.roles import InvalidDeclaration, Role
from authapp.db import tenancy, transaction
from authapp.decorators.guards import require_organization_role
from authapp.models import TrustedIdentity
from authapp.services.workloads import best_match
from authapp.web.blueprint import Blueprint
from authapp.web.guard_marks import UndeclaredName
from tests.factories import Person, World, WorldWith
from tests.permissions.conftest import guarded_by
from tests.workloads import trust, workload

ROLES = ["viewer", "annotator", "developer", "trainer", "admin"]
PERMISSIONS = {"models.read": "viewer", "models.label": "annotator", "models.deploy": "trainer"}


def labels(*roles: str) -> Blueprint:
    """A route for each role, which it and the higher ones may call."""
    blueprint = Blueprint("labels", __name__, url_prefix="/organizations/<organization_id>/labels")

    def route(role: str) -> None:
        @require_organization_role(role)
        def view(organization_id: UUID) -> dict[str, str]:
            """Use a role."""
            return {"organization_id": str(organization_id)}

        view.__name__ = f"as_{role}"
        blueprint.post(f"/{role}")(view)

    for role in roles:
        route(role)
    return blueprint


@pytest.fixture
def lab(world_with: WorldWith) -> World:
    return world_with(roles=ROLES, permissions=PERMISSIONS, blueprints=[labels(*ROLES), guarded_by(*PERMISSIONS)])


def member_with(world: World, admin: Person, role: str) -> Person:
    member = world.person()
    world.join(member, admin.organization_id, role)
    return member


@pytest.mark.parametrize("held", ROLES)
def test_a_role_includes_the_lower_ones_and_no_higher_one(lab: World, held: str) -> None:
    admin = lab.person("Acme")
    member = member_with(lab, admin, held)
    home = f"/organizations/{admin.organization_id}"
    found = {role: member.call("POST", f"{home}/labels/{role}").status_code for role in ROLES}
    assert found == {role: 200 if ROLES.index(held) >= ROLES.index(role) else 403 for role in ROLES}
    held_names = {name for name, lowest in PERMISSIONS.items() if ROLES.index(held) >= ROLES.index(lowest)}
    for name in PERMISSIONS:
        status = member.call("POST", f"{home}/models/{name}").status_code
        assert status == (200 if name in held_names else 403), name
    [membership] = member.call("GET", "/auth/me").get_json()["memberships"]
    assert (membership["role"], membership["permissions"]) == (held, sorted(held_names))


@pytest.mark.parametrize(
    "roles",
    [
        [],
        ["viewer", "developer"],
        ["viewer", "admin"],
        ["developer", "viewer", "admin"],
        ["annotator", "viewer", "developer", "admin"],
        ["viewer", "developer", "admin", "owner"],
        ["viewer", "developer", "developer", "admin"],
        ["viewer", "annotator", "annotator", "developer", "admin"],
        ["viewer", "Annotator", "developer", "admin"],
        ["viewer", "ánnotator", "developer", "admin"],
        ["viewer", "an notator", "developer", "admin"],
        ["viewer", "2nd", "developer", "admin"],
        ["viewer", "", "developer", "admin"],
        ["viewer", "annotator\n", "developer", "admin"],
        ["viewer", "models.deploy", "developer", "admin"],
        ["viewer", "a" * 33, "developer", "admin"],
        "viewer",
    ],
    ids=repr,
)
def test_roles_that_are_no_total_order_around_the_built_in_ones_are_refused(world_with: WorldWith, roles: Any) -> None:
    with pytest.raises(InvalidDeclaration):
        world_with(roles=roles)


def test_an_application_whose_guard_or_permission_needs_an_undeclared_role_does_not_start(
    world_with: WorldWith,
) -> None:
    with pytest.raises(UndeclaredName, match="annotator is not declared"):
        world_with(blueprints=[labels("annotator")])
    with pytest.raises(InvalidDeclaration, match=r"models\.label"):
        world_with(permissions={"models.label": "annotator"})


def test_members_are_invited_changed_and_filtered_by_a_role_of_ones_own(lab: World) -> None:
    admin = lab.person("Acme")
    home = f"/organizations/{admin.organization_id}"
    invited = lab.person()
    token = lab.invite(admin, admin.organization_id, invited.email, "annotator")
    [text] = [message.text for to, message in lab.emails() if to == invited.email][-1:]
    assert "as annotator." in text
    assert lab.caller().call("POST", "/invitations/preview", {"token": token}).get_json()["role"] == "annotator"
    joined = invited.call("POST", "/invitations/accept", {"token": token})
    assert (joined.status_code, joined.get_json()["role"]) == (200, "annotator")
    found = admin.call("GET", f"{home}/members?role=annotator").get_json()["items"]
    assert [each["user"]["id"] for each in found] == [str(invited.id)]
    changed = admin.call("PATCH", f"{home}/members/{invited.id}", {"role": "trainer"})
    assert (changed.status_code, changed.get_json()["role"]) == (200, "trainer")
    assert admin.call("GET", f"{home}/members?role=annotator").get_json()["items"] == []
    organization = invited.call("GET", home).get_json()
    assert organization["role"] == "trainer"


@pytest.mark.parametrize("role", ["owner", "annotator ", "Annotator", "", "annotator\x00", None, 1, ["annotator"]])
def test_a_role_that_is_not_declared_is_refused_everywhere(lab: World, role: Any) -> None:
    admin = lab.person("Acme")
    home = f"/organizations/{admin.organization_id}"
    bodies = [
        ("POST", f"{home}/invitations", {"email": "new@example.com", "role": role}),
        ("PATCH", f"{home}/members/{admin.id}", {"role": role}),
        ("POST", f"{home}/api-keys", {"name": "x", "role": role}),
    ]
    for method, path, body in bodies:
        assert admin.call(method, path, body).status_code == 422, path
    assert admin.caller.open(f"/api/v1{home}/members", query_string={"role": str(role)}).status_code == 422


def test_the_same_role_is_refused_by_an_application_without_it(world: World) -> None:
    admin = world.person("Acme")
    path = f"/organizations/{admin.organization_id}/invitations"
    assert admin.call("POST", path, {"email": "new@example.com", "role": "annotator"}).status_code == 422


def test_a_key_has_at_most_the_role_developer(lab: World) -> None:
    admin = lab.person("Acme")
    path = f"/organizations/{admin.organization_id}/api-keys"
    found = {role: admin.call("POST", path, {"name": "x", "role": role}).status_code for role in ROLES}
    assert found == {"viewer": 201, "annotator": 201, "developer": 201, "trainer": 422, "admin": 422}
    key = lab.caller(lab.api_key(admin, admin.organization_id, "annotator"))
    home = f"/organizations/{admin.organization_id}"
    assert [key.call("POST", f"{home}/labels/{role}").status_code for role in ROLES] == [200, 200, 403, 403, 403]


def test_the_document_has_the_roles_of_the_application(lab: World, openapi: dict[str, Any]) -> None:
    schemas = lab.caller().get("/api/v1/openapi.json").get_json()["components"]["schemas"]
    assert schemas["Role"]["enum"] == ROLES[::-1]
    for_keys = schemas["NewApiKey"]["properties"]["role"]["allOf"][1]["enum"]
    assert for_keys == ["developer", "annotator", "viewer"]
    assert openapi["components"]["schemas"]["Role"]["enum"] == ["admin", "developer", "viewer"]


def test_a_stored_role_that_is_no_longer_declared_counts_as_viewer_until_an_admin_changes_it(
    lab: World, world: World
) -> None:
    admin = lab.person("Acme")
    home = f"/organizations/{admin.organization_id}"
    trainer = member_with(lab, admin, "trainer")
    key = lab.api_key(admin, admin.organization_id, "annotator")
    assert trainer.call("POST", f"{home}/labels/developer").status_code == 200

    without = world.with_app(world.app)  # declares no roles of its own
    as_admin = without.caller(admin.session["access_token"])
    as_trainer = without.caller(trainer.session["access_token"])
    assert as_trainer.call("GET", home).get_json()["role"] == "viewer"
    assert as_trainer.call("GET", f"{home}/audit-events").get_json()["code"] == "role_too_low"
    assert without.caller(key).call("GET", home).get_json()["role"] == "viewer"
    [membership] = as_trainer.call("GET", "/auth/me").get_json()["memberships"]
    assert membership["role"] == "viewer"
    roles = {each["user"]["id"]: each["role"] for each in as_admin.call("GET", f"{home}/members").get_json()["items"]}
    assert roles[str(trainer.id)] == "viewer"

    for role in ("viewer", "developer"):
        changed = as_admin.call("PATCH", f"{home}/members/{trainer.id}", {"role": role})
        assert (changed.status_code, changed.get_json()["role"]) == (200, role)
        assert world.sql("SELECT role FROM memberships WHERE user_id = :id", id=trainer.id) == [(role,)]
    assert as_admin.call("DELETE", f"{home}/members/{trainer.id}").status_code == 204


def test_an_invitation_whose_role_is_no_longer_declared_is_accepted_and_counts_as_viewer(
    lab: World, world: World
) -> None:
    admin = lab.person("Acme")
    token = lab.invite(admin, admin.organization_id, "bob@example.com", "trainer")
    without = world.with_app(world.app)
    preview = without.caller().call("POST", "/invitations/preview", {"token": token})
    assert (preview.status_code, preview.get_json()["role"]) == (200, "viewer")
    bob = without.person(email="bob@example.com", invitation_token=token)
    [membership] = bob.call("GET", "/auth/me").get_json()["memberships"]
    assert membership["role"] == "viewer"
    refused = bob.call("GET", f"/organizations/{admin.organization_id}/audit-events")
    assert refused.get_json()["code"] == "role_too_low"


def test_keys_and_workloads_stay_developers_where_a_new_order_has_their_role_above(
    lab: World, world_with: WorldWith
) -> None:
    admin = lab.person("Acme")
    home = f"/organizations/{admin.organization_id}"
    key = lab.api_key(admin, admin.organization_id, "annotator")
    trusted = trust(admin, role="annotator")
    assert trusted["role"] == "annotator"
    order = ["viewer", "developer", "annotator", "admin"]
    later = world_with(roles=order, permissions={"models.label": "annotator"}, blueprints=[labels(*order)])
    for program in (later.caller(key), workload(later, trusted)):
        found = [program.call("POST", f"{home}/labels/{role}").status_code for role in order]
        assert found == [200, 200, 403, 403]
        assert program.call("GET", home).get_json()["role"] == "developer"
    as_admin = later.sign_in(admin)
    for kind in ("api-keys", "trusted-identities"):
        [listed] = as_admin.call("GET", f"{home}/{kind}").get_json()["items"]
        assert (listed["role"], listed.get("permissions", [])) == ("developer", [])


def test_of_trusted_identities_that_match_a_role_that_is_no_longer_declared_is_the_lowest(lab: World) -> None:
    admin = lab.person("Acme")
    for name, role in (("first", "developer"), ("second", "viewer")):
        trust(admin, name=name, role=role, claims={"repository_id": "74"})
    lab.sql("UPDATE trusted_identities SET role = 'gone' WHERE name = 'second'")
    with lab.app.app_context():
        tenancy.set_tenant(UUID(admin.organization_id))
        rows = transaction.execute(select(TrustedIdentity.__table__).order_by(TrustedIdentity.id)).all()
        best = best_match(rows, {"repository_id": "74"})
        assert best
        assert best.name == "first"
        transaction.rollback()


def test_the_last_admin_stays_whatever_roles_there_are(lab: World) -> None:
    admin = lab.person("Acme")
    member_with(lab, admin, "trainer")
    path = f"/organizations/{admin.organization_id}/members/{admin.id}"
    refused = admin.call("PATCH", path, {"role": "trainer"})
    assert (refused.status_code, refused.get_json()["code"]) == (409, "last_admin")


@pytest.mark.parametrize("table", ["memberships", "invitations", "api_keys"])
@pytest.mark.parametrize("role", ["Owner", "", "a b", "a\n", "1a", "a" * 33, "ä"])
def test_the_database_holds_roles_to_their_form(lab: World, table: str, role: str) -> None:
    admin = lab.person("Acme")
    lab.api_key(admin, admin.organization_id, "viewer")
    lab.invite(admin, admin.organization_id, "new@example.com", "viewer")
    with pytest.raises(Exception, match=f"ck_{table}_role|too long"):
        lab.sql(f"UPDATE {table} SET role = :role", role=role)


def test_the_database_refuses_a_key_that_is_an_admin(lab: World) -> None:
    admin = lab.person("Acme")
    lab.api_key(admin, admin.organization_id, "viewer")
    with pytest.raises(Exception, match="ck_api_keys_role_below_admin"):
        lab.sql("UPDATE api_keys SET role = 'admin'")


def test_accounts_are_imported_with_a_role_of_ones_own(lab: World, world: World, tmp_path: Any) -> None:
    lines = tmp_path / "users.jsonl"
    lines.write_text(
        '{"organization": {"slug": "acme", "name": "Acme"}}\n'
        '{"email": "boss@example.com", "organizations": [{"slug": "acme", "role": "admin"}]}\n'
        '{"email": "ann@example.com", "organizations": [{"slug": "acme", "role": "annotator"}]}\n'
    )
    done = lab.app.test_cli_runner().invoke(args=["users", "import", str(lines)])
    assert done.exit_code == 0, done.output
    assert lab.sql("SELECT role FROM memberships ORDER BY role") == [("admin",), ("annotator",)]
    refused = world.app.test_cli_runner().invoke(args=["users", "import", "--dry-run", str(lines)])
    assert "Choose one of admin, developer, viewer." in refused.output


def test_the_order_is_that_of_the_application_that_serves(lab: World, world_with: WorldWith) -> None:
    other = world_with(roles=["viewer", "developer", "annotator", "trainer", "admin"], blueprints=[labels("developer")])
    admin = lab.person("Acme")
    annotator = member_with(lab, admin, "annotator")
    path = f"/organizations/{admin.organization_id}/labels/developer"
    assert annotator.call("POST", path).status_code == 403
    assert other.caller(annotator.session["access_token"]).call("POST", path).status_code == 200
    with lab.app.app_context():
        assert not Role("annotator").includes(Role.DEVELOPER)
        assert not Role.ADMIN.includes(Role("owner")), "nobody is at least what is not declared"
    with other.app.app_context():
        assert Role("annotator").includes(Role.DEVELOPER)
