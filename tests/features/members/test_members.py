"""Listing members, changing roles, removing, leaving."""

from __future__ import annotations

import pytest

from tests.factories import UNKNOWN_ID, Person, World


def team(world: World) -> tuple[Person, Person, Person, str]:
    """An admin, a developer and a viewer of one organization, and the path of its members."""
    admin, developer, viewer = world.person("Acme", first_name="Ada"), world.person(), world.person()
    world.join(developer, admin.organization_id, "developer")
    world.join(viewer, admin.organization_id, "viewer")
    return admin, developer, viewer, f"/organizations/{admin.organization_id}/members"


def test_every_member_sees_all_members_and_their_roles(world: World) -> None:
    admin, developer, viewer, members = team(world)
    world.person("Elsewhere")
    page = viewer.call("GET", members).get_json()
    assert [(m["user"]["id"], m["role"]) for m in page["items"]] == [
        (str(admin.id), "admin"), (str(developer.id), "developer"), (str(viewer.id), "viewer"),
    ]  # fmt: skip
    assert set(page["items"][0]["user"]) == {"id", "email", "first_name", "last_name"}
    assert page["items"][0]["user"]["first_name"] == "Ada"
    assert page["next_cursor"] is None


def test_members_come_in_pages_and_by_role(world: World) -> None:
    admin, developer, viewer, members = team(world)
    first = admin.call("GET", f"{members}?limit=2").get_json()
    second = admin.call("GET", f"{members}?limit=2&cursor={first['next_cursor']}").get_json()
    assert [m["user"]["id"] for m in first["items"] + second["items"]] == [
        str(p.id) for p in (admin, developer, viewer)
    ]
    viewers = admin.call("GET", f"{members}?role=viewer").get_json()["items"]
    assert [m["user"]["id"] for m in viewers] == [str(viewer.id)]


def test_a_new_role_binds_on_the_very_next_request(world: World) -> None:
    admin, developer, _, members = team(world)
    invite = {"email": "new@example.com", "role": "viewer"}
    invitations = members.replace("members", "invitations")
    assert developer.call("POST", invitations, invite).status_code == 403
    changed = admin.call("PATCH", f"{members}/{developer.id}", {"role": "admin"})
    assert (changed.status_code, changed.get_json()["role"]) == (200, "admin")
    assert changed.get_json()["user"]["id"] == str(developer.id)
    assert developer.call("POST", invitations, invite).status_code == 201
    assert admin.call("PATCH", f"{members}/{developer.id}", {"role": "viewer"}).status_code == 200
    refused = developer.call("GET", invitations)
    assert (refused.status_code, refused.get_json()["code"]) == (403, "role_too_low")


def test_a_removed_member_is_out_and_may_come_back(world: World) -> None:
    admin, developer, _, members = team(world)
    assert admin.call("DELETE", f"{members}/{developer.id}").status_code == 204
    assert developer.call("GET", members).get_json()["code"] == "not_a_member"
    again = admin.call("DELETE", f"{members}/{developer.id}")
    assert (again.status_code, again.get_json()["code"]) == (404, "member_not_found")
    token = world.invite(admin, admin.organization_id, developer.email, "viewer")
    assert developer.call("POST", "/invitations/accept", {"token": token}).get_json()["role"] == "viewer"


def test_whoever_wants_to_leaves_and_nobody_but_admins_removes_others(world: World) -> None:
    _, developer, viewer, members = team(world)
    refused = developer.call("DELETE", f"{members}/{viewer.id}")
    assert (refused.status_code, refused.get_json()["code"]) == (403, "role_too_low")
    assert viewer.call("DELETE", f"{members}/{viewer.id}").status_code == 204
    assert viewer.call("GET", members).status_code == 403


@pytest.mark.parametrize(
    ("method", "body"), [("DELETE", None), ("PATCH", {"role": "viewer"}), ("PATCH", {"role": "developer"})]
)
def test_the_last_admin_stays_admin(world: World, method: str, body: dict[str, str] | None) -> None:
    admin, developer, _, members = team(world)
    path = f"{members}/{admin.id}"
    refused = admin.call(method, path, body)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "last_admin")
    assert admin.call("GET", members).get_json()["items"][0]["role"] == "admin"
    admin.call("PATCH", f"{members}/{developer.id}", {"role": "admin"})
    assert admin.call(method, path, body).status_code in (200, 204)


def test_an_inactive_admin_does_not_count(world: World) -> None:
    admin, developer, _, members = team(world)
    admin.call("PATCH", f"{members}/{developer.id}", {"role": "admin"})
    world.sql("UPDATE users SET is_active = false WHERE id = :id", id=developer.id)
    assert admin.call("DELETE", f"{members}/{admin.id}").get_json()["code"] == "last_admin"


def test_the_same_role_again_changes_nothing_and_is_not_recorded(world: World) -> None:
    admin, _, viewer, members = team(world)
    assert admin.call("PATCH", f"{members}/{viewer.id}", {"role": "viewer"}).status_code == 200
    assert admin.call("PATCH", f"{members}/{admin.id}", {"role": "admin"}).status_code == 200
    assert world.sql("SELECT FROM audit_events WHERE action = 'member.role.changed'") == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "field"),
    [
        ("PATCH", UNKNOWN_ID, {"role": "viewer"}, 404, None),
        ("DELETE", UNKNOWN_ID, None, 404, None),
        ("PATCH", "me", {"role": "viewer"}, 422, "user_id"),
        ("PATCH", UNKNOWN_ID, {"role": "owner"}, 422, "role"),
        ("PATCH", UNKNOWN_ID, {"role": "Admin"}, 422, "role"),
        ("PATCH", UNKNOWN_ID, {"role": None}, 422, "role"),
        ("PATCH", UNKNOWN_ID, {"role": ["admin"]}, 422, "role"),
        ("PATCH", UNKNOWN_ID, {}, 422, "role"),
        ("PATCH", UNKNOWN_ID, {"role": "viewer", "user_id": UNKNOWN_ID}, 422, "user_id"),
        ("PATCH", UNKNOWN_ID, {"role": "viewer", "password": "SecurePassword456"}, 422, "password"),
    ],
)
def test_what_cannot_be_done_is_said(
    world: World, method: str, path: str, body: dict[str, str] | None, status: int, field: str | None
) -> None:
    admin, *_, members = team(world)
    response = admin.call(method, f"{members}/{path}", body)
    assert response.status_code == status
    if field:
        [errors] = response.get_json()["errors"].values()
        assert list(errors) == [field]
    else:
        assert response.get_json()["code"] == "member_not_found"


def test_a_member_of_another_organization_is_not_found_here(world: World) -> None:
    admin, *_, members = team(world)
    stranger = world.person("Elsewhere")
    for method, body in (("PATCH", {"role": "admin"}), ("DELETE", None)):
        assert admin.call(method, f"{members}/{stranger.id}", body).get_json()["code"] == "member_not_found"
    assert stranger.call("GET", f"/organizations/{stranger.organization_id}").get_json()["role"] == "admin"


def test_the_emails_of_invitations_that_are_revoked_with_their_inviter_are_cancelled(world: World) -> None:
    founder, admin = world.person("Acme"), world.person()
    world.join(admin, founder.organization_id, "admin")
    path = f"/organizations/{founder.organization_id}"
    world.emails()  # those of joining are sent
    for number in range(2):
        body = {"email": f"guest{number}@example.com", "role": "viewer"}
        assert admin.call("POST", f"{path}/invitations", body).status_code == 201
    assert founder.call("DELETE", f"{path}/members/{admin.id}").status_code == 204
    assert world.sql("SELECT recipient FROM outbox WHERE sent_at IS NULL") == []
