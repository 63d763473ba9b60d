"""Invitations: from the email to the membership, and every way in which a token dies."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from authapp.core.clock import FrozenClock
from tests.factories import PASSWORD, UNKNOWN_ID, Person, World

GRACE = "grace@example.com"


def invitations_of(admin: Person) -> str:
    return f"/organizations/{admin.organization_id}/invitations"


def test_an_invited_account_joins_with_the_role_and_its_address_is_verified(world: World) -> None:
    admin, grace = world.person("Acme"), world.person(email=GRACE)
    reply = admin.call("POST", invitations_of(admin), {"email": GRACE.upper(), "role": "developer"})
    assert reply.status_code == 201
    assert (reply.get_json()["email"], reply.get_json()["status"]) == (GRACE, "pending")
    assert reply.get_json()["invited_by"] == str(admin.id)
    token = world.token_for(GRACE)
    assert token not in reply.text
    preview = world.caller().call("POST", "/invitations/preview", {"token": token}).get_json()
    assert preview == {
        "organization": {"name": "Acme"},
        "email": GRACE,
        "role": "developer",
        "expires_at": reply.get_json()["expires_at"],
    }
    joined = grace.call("POST", "/invitations/accept", {"token": token})
    assert joined.status_code == 200
    assert (joined.get_json()["id"], joined.get_json()["role"]) == (admin.organization_id, "developer")
    me = grace.call("GET", "/auth/me").get_json()
    assert me["email_verified"] is True
    assert [(m["organization"]["id"], m["role"]) for m in me["memberships"]] == [(admin.organization_id, "developer")]
    assert admin.call("GET", invitations_of(admin)).get_json()["items"][0]["status"] == "accepted"


def test_a_newcomer_registers_by_invitation_in_one_step(world: World) -> None:
    admin = world.person("Acme")
    token = world.invite(admin, admin.organization_id, GRACE, "viewer")
    grace = world.person(email=GRACE, invitation_token=token)
    assert grace.session["organization"]["id"] == admin.organization_id
    assert grace.session["organization"]["role"] == "viewer"
    assert grace.session["user"]["email_verified"] is True
    assert grace.call("GET", f"/organizations/{admin.organization_id}/members").status_code == 200


def test_registering_with_a_token_for_another_address_makes_nothing(world: World) -> None:
    admin = world.person("Acme")
    token = world.invite(admin, admin.organization_id, GRACE, "viewer")
    body = {"email": "mallory@example.com", "password": PASSWORD, "invitation_token": token}
    refused = world.caller().call("POST", "/auth/register", body)
    assert (refused.status_code, refused.get_json()["code"]) == (403, "not_your_invitation")
    assert world.sql("SELECT FROM users WHERE email = 'mallory@example.com'") == []
    assert [row.action for row in world.sql("SELECT action FROM audit_events ORDER BY id DESC LIMIT 1")] == [
        "invitation.refused"
    ]


def test_a_token_and_an_organization_name_exclude_each_other(world: World) -> None:
    body = {"email": GRACE, "password": PASSWORD, "invitation_token": "it_x", "organization_name": "Mine"}
    refused = world.caller().call("POST", "/auth/register", body)
    assert list(refused.get_json()["errors"]["json"]) == ["invitation_token"]


def test_the_right_address_without_the_token_gives_nothing(world: World) -> None:
    admin = world.person("Acme")
    world.invite(admin, admin.organization_id, GRACE, "admin")
    grace = world.person(email=GRACE)
    assert grace.call("GET", "/auth/me").get_json()["memberships"] == []
    assert grace.call("GET", f"/organizations/{admin.organization_id}").status_code == 403


def test_the_token_without_the_right_address_gives_nothing_and_is_recorded(world: World) -> None:
    admin, mallory = world.person("Acme"), world.person()
    token = world.invite(admin, admin.organization_id, GRACE, "admin")
    refused = mallory.call("POST", "/invitations/accept", {"token": token})
    assert (refused.status_code, refused.get_json()["code"]) == (403, "not_your_invitation")
    assert GRACE not in refused.text
    events = admin.call("GET", f"/organizations/{admin.organization_id}/audit-events?action=invitation.refused")
    assert [event["actor_id"] for event in events.get_json()["items"]] == [str(mallory.id)]
    assert world.person(email=GRACE, invitation_token=token).session["organization"] is not None


def test_inviting_tells_nothing_about_accounts(world: World) -> None:
    admin = world.person("Acme")
    world.person(email=GRACE)
    replies = [
        admin.call("POST", invitations_of(admin), {"email": email, "role": "viewer"}).get_json()
        for email in (GRACE, "nobody@example.com")
    ]
    for reply in replies:
        for changing in ("id", "email", "expires_at", "created_at"):
            del reply[changing]
    assert replies[0] == replies[1]


def revoke(world: World, admin: Person, invitation: str, time: FrozenClock) -> None:
    assert admin.call("DELETE", invitation).status_code == 204


def resend(world: World, admin: Person, invitation: str, time: FrozenClock) -> None:
    assert admin.call("POST", f"{invitation}/resend").status_code == 202


def decline(world: World, admin: Person, invitation: str, time: FrozenClock) -> None:
    assert world.caller().call("POST", "/invitations/decline", {"token": world.token_for(GRACE)}).status_code == 204


def accept(world: World, admin: Person, invitation: str, time: FrozenClock) -> None:
    world.person(email=GRACE, invitation_token=world.token_for(GRACE))
    world.sql("UPDATE users SET email = 'moved@example.com' WHERE email = :email", email=GRACE)


def expire(world: World, admin: Person, invitation: str, time: FrozenClock) -> None:
    time.advance(hours=72)


def delete_the_organization(world: World, admin: Person, invitation: str, time: FrozenClock) -> None:
    assert admin.call("DELETE", f"/organizations/{admin.organization_id}").status_code == 204


def demote_the_inviter(world: World, admin: Person, invitation: str, time: FrozenClock) -> None:
    world.join(world.person(), admin.organization_id, "admin")
    path = f"/organizations/{admin.organization_id}/members/{admin.id}"
    assert admin.call("PATCH", path, {"role": "developer"}).status_code == 200


def deactivate_the_inviter(world: World, admin: Person, invitation: str, time: FrozenClock) -> None:
    world.join(world.person(), admin.organization_id, "admin")
    world.sql("UPDATE users SET is_active = false WHERE id = :id", id=admin.id)


@pytest.mark.parametrize(
    "event",
    [
        revoke,
        resend,
        decline,
        accept,
        expire,
        delete_the_organization,
        demote_the_inviter,
        deactivate_the_inviter,
    ],
    ids=lambda event: event.__name__,
)
def test_a_token_is_dead_after(
    world: World, time: FrozenClock, event: Callable[[World, Person, str, FrozenClock], None]
) -> None:
    admin = world.person("Acme")
    created = admin.call("POST", invitations_of(admin), {"email": GRACE, "role": "viewer"}).get_json()
    token = world.token_for(GRACE)
    assert world.caller().call("POST", "/invitations/preview", {"token": token}).status_code == 200
    event(world, admin, f"{invitations_of(admin)}/{created['id']}", time)
    body = {"email": GRACE, "password": PASSWORD, "invitation_token": token}
    answers = [
        world.caller().call("POST", "/invitations/preview", {"token": token}),
        world.caller().call("POST", "/invitations/decline", {"token": token}),
        world.caller().call("POST", "/auth/register", body),
        world.person(email=GRACE).call("POST", "/invitations/accept", {"token": token}),
    ]
    assert {(answer.status_code, answer.get_json()["code"]) for answer in answers} == {(410, "invalid_invitation")}


def test_an_email_sent_again_works_and_has_the_whole_time(world: World, time: FrozenClock) -> None:
    admin = world.person("Acme")
    created = admin.call("POST", invitations_of(admin), {"email": GRACE, "role": "viewer"}).get_json()
    time.advance(hours=80)
    admin = world.sign_in(admin)
    [listed] = admin.call("GET", f"/organizations/{admin_organization(world)}/invitations").get_json()["items"]
    assert (listed["id"], listed["status"]) == (created["id"], "expired")
    path = f"/organizations/{admin_organization(world)}/invitations/{created['id']}"
    assert admin.call("POST", f"{path}/resend").get_json()["status"] == "pending"
    time.advance(hours=71)
    assert world.person(email=GRACE, invitation_token=world.token_for(GRACE)).session["organization"]


def admin_organization(world: World) -> str:
    [[organization_id]] = world.sql("SELECT id FROM organizations")
    return str(organization_id)


@pytest.mark.parametrize("ending", ["DELETE", "POST"])
def test_an_email_that_is_withdrawn_or_sent_anew_before_it_left_is_never_sent(world: World, ending: str) -> None:
    admin = world.person("Acme")
    created = admin.call("POST", invitations_of(admin), {"email": GRACE, "role": "viewer"}).get_json()
    path = f"{invitations_of(admin)}/{created['id']}"
    admin.call(ending, path if ending == "DELETE" else f"{path}/resend")
    assert len(world.emails()) == (0 if ending == "DELETE" else 1)


def test_what_somebody_may_not_grant_any_more_is_not_granted_later_either(world: World) -> None:
    admin, other = world.person("Acme"), world.person()
    world.join(other, admin.organization_id, "admin")
    token = world.invite(other, admin.organization_id, GRACE, "admin")
    member = f"/organizations/{admin.organization_id}/members/{other.id}"
    for role in ("developer", "admin"):
        assert admin.call("PATCH", member, {"role": role}).status_code == 200
    assert world.caller().call("POST", "/invitations/preview", {"token": token}).status_code == 410
    body = {"email": GRACE, "role": "viewer"}
    assert admin.call("POST", invitations_of(admin), body).status_code == 201  # nor does it block the address


def test_an_email_names_its_sender_by_address_and_makes_links_of_no_name(world: World) -> None:
    admin = world.person("Win www.evil.example/now http://evil.example", first_name="Google", last_name="<Security>")
    world.invite(admin, admin.organization_id, GRACE, "viewer")
    [(_, message)] = world.emails()
    assert f"Google Security ({admin.email})" in " ".join(message.text.split())
    for part in (message.subject, message.text, message.html):
        assert "evil.example" not in part
        assert "http://evil" not in part


def test_one_address_has_one_pending_invitation(world: World, time: FrozenClock) -> None:
    admin = world.person("Acme")
    body = {"email": GRACE, "role": "viewer"}
    first = admin.call("POST", invitations_of(admin), body).get_json()
    twice = admin.call("POST", invitations_of(admin), body)
    assert (twice.status_code, twice.get_json()["code"]) == (409, "invitation_pending")
    assert len(world.emails()) == 1
    other = world.person("Elsewhere")
    assert other.call("POST", invitations_of(other), body).status_code == 201
    admin.call("DELETE", f"{invitations_of(admin)}/{first['id']}")
    assert admin.call("POST", invitations_of(admin), body).status_code == 201


def test_an_expired_invitation_stands_in_nobodys_way(world: World, time: FrozenClock) -> None:
    admin = world.person("Acme")
    body = {"email": GRACE, "role": "viewer"}
    admin.call("POST", invitations_of(admin), body)
    time.advance(hours=72)
    organization_id, admin = admin.organization_id, world.sign_in(admin)
    assert admin.call("POST", f"/organizations/{organization_id}/invitations", body).status_code == 201
    listed = admin.call("GET", f"/organizations/{organization_id}/invitations").get_json()["items"]
    assert [item["status"] for item in listed] == ["pending", "expired"]


def test_an_expired_invitation_is_sent_again_unless_its_address_has_been_invited_anew(
    world: World, time: FrozenClock
) -> None:
    admin = world.person("Acme")
    created = admin.call("POST", invitations_of(admin), {"email": GRACE, "role": "viewer"}).get_json()
    path, organization_id = f"{invitations_of(admin)}/{created['id']}", admin.organization_id
    time.advance(hours=72)
    admin = world.sign_in(admin)
    invitations = f"/organizations/{organization_id}/invitations"
    another = admin.call("POST", invitations, {"email": GRACE, "role": "viewer"}).get_json()
    refused = admin.call("POST", f"{path}/resend")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "invitation_pending")
    assert admin.call("DELETE", f"{invitations}/{another['id']}").status_code == 204
    again = admin.call("POST", f"{path}/resend")
    assert (again.status_code, again.get_json()["status"]) == (202, "pending")
    assert world.person(email=GRACE, invitation_token=world.token_for(GRACE)).session["organization"]


@pytest.mark.parametrize("status", ["accepted", "declined", "revoked"])
def test_an_invitation_that_is_over_is_not_sent_again(world: World, status: str) -> None:
    admin = world.person("Acme")
    created = admin.call("POST", invitations_of(admin), {"email": GRACE, "role": "viewer"}).get_json()
    world.sql("UPDATE invitations SET status = :status", status=status)
    refused = admin.call("POST", f"{invitations_of(admin)}/{created['id']}/resend")
    assert (refused.status_code, refused.get_json()["code"]) == (404, "invitation_not_found")


def test_members_are_not_invited_again(world: World) -> None:
    admin = world.person("Acme")
    refused = admin.call("POST", invitations_of(admin), {"email": admin.email, "role": "viewer"})
    assert (refused.status_code, refused.get_json()["code"]) == (409, "already_member")


def test_whoever_became_a_member_meanwhile_keeps_the_role(world: World) -> None:
    admin, grace = world.person("Acme"), world.person(email=GRACE)
    token = world.invite(admin, admin.organization_id, GRACE, "admin")
    world.join(grace, admin.organization_id, "viewer")
    refused = grace.call("POST", "/invitations/accept", {"token": token})
    assert (refused.status_code, refused.get_json()["code"]) == (409, "already_member")
    assert grace.call("GET", f"/organizations/{admin.organization_id}").get_json()["role"] == "viewer"


def test_seats_are_counted_when_somebody_joins(world: World) -> None:
    admin, grace = world.person("Acme"), world.person(email=GRACE)
    world.sql("UPDATE organizations SET seats = 1")
    token = world.invite(admin, admin.organization_id, GRACE, "viewer")
    refused = grace.call("POST", "/invitations/accept", {"token": token})
    assert (refused.status_code, refused.get_json()["code"]) == (409, "seats_exhausted")
    world.sql("UPDATE organizations SET seats = 2")
    assert grace.call("POST", "/invitations/accept", {"token": token}).status_code == 200


@pytest.mark.parametrize(
    "token",
    [
        "it_",
        "it_x",
        "ak_{}",
        "it_{}x",
        "IT_{}",
        "it_{} ",
        "it_" + "0" * 32 + "_" + "0" * 49,
        "\u0130t_{}",
    ],
)
def test_a_token_that_was_never_written_opens_nothing(world: World, token: str) -> None:
    admin = world.person("Acme")
    true_one = world.invite(admin, admin.organization_id, GRACE, "viewer")
    made_up = token.format(true_one.removeprefix("it_"))
    answer = world.caller().call("POST", "/invitations/preview", {"token": made_up})
    assert (answer.status_code, answer.get_json()["code"]) == (410, "invalid_invitation")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"role": "viewer"}, "email"),
        ({"email": GRACE}, "role"),
        ({"email": "grace", "role": "viewer"}, "email"),
        ({"email": GRACE, "role": "owner"}, "role"),
        ({"email": GRACE, "role": "viewer", "expires_at": "2030-01-01T00:00:00Z"}, "expires_at"),
    ],
)
def test_an_invalid_invitation_names_the_field(world: World, body: dict[str, str], field: str) -> None:
    admin = world.person("Acme")
    response = admin.call("POST", invitations_of(admin), body)
    assert response.status_code == 422
    assert list(response.get_json()["errors"]["json"]) == [field]


@pytest.mark.parametrize(("method", "path"), [("DELETE", ""), ("POST", "/resend")])
def test_only_a_pending_invitation_of_this_organization_can_be_withdrawn_or_sent_again(
    world: World, method: str, path: str
) -> None:
    admin, stranger = world.person("Acme"), world.person("Elsewhere")
    created = stranger.call("POST", invitations_of(stranger), {"email": GRACE, "role": "viewer"}).get_json()
    for id_ in (created["id"], UNKNOWN_ID):
        refused = admin.call(method, f"{invitations_of(admin)}/{id_}{path}")
        assert (refused.status_code, refused.get_json()["code"]) == (404, "invitation_not_found")
    assert stranger.call("DELETE", f"{invitations_of(stranger)}/{created['id']}").status_code == 204
    assert stranger.call(method, f"{invitations_of(stranger)}/{created['id']}{path}").status_code == 404
