"""`GET /auth/me/export`."""

from __future__ import annotations

from authapp.core.clock import FrozenClock
from authapp.services.personal_data import export
from tests.factories import PASSWORD, World
from tests.passkeys import with_passkey
from tests.second_factors import enrol


def test_my_export_has_all_that_is_known_of_me_and_nothing_of_others(world: World) -> None:
    admin, person, stranger = world.person("Acme"), world.person("Engines"), world.person("Other")
    world.join(person, admin.organization_id, "viewer")
    token = world.invite(person, person.organization_id, "guest@example.com", "viewer")
    assert token
    assert stranger.call("POST", "/organizations", {"name": "Own"}).status_code == 201
    world.api_key(person, person.organization_id, "viewer")
    with_passkey(person)
    enrol(person)
    found = person.call("GET", "/auth/me/export").get_json()
    assert found["user"]["email"] == person.email
    assert {each["organization_name"] for each in found["memberships"]} == {"Acme", "Engines"}
    assert [each["email"] for each in found["invitations_sent"]] == ["guest@example.com"]
    assert [each["name"] for each in found["organizations_founded"]] == ["Engines"]
    assert [len(found[name]) for name in ("sessions", "known_devices", "passkeys", "second_factors")] == [1, 1, 1, 1]
    assert [each["name"] for each in found["api_keys_created"]] == ["a viewer"]
    assert {"new_device"}.isdisjoint(each["kind"] for each in found["emails"])
    assert found["audit_events"][0]["action"] == "user.exported"
    assert found["truncated"] == []
    for text in (admin.email, stranger.email, str(stranger.id), "Own"):
        assert text not in str(found)


def test_invitations_to_me_are_exported_once_my_address_is_verified(world: World) -> None:
    admin, person, other = world.person("Acme"), world.person(), world.person()
    world.invite(admin, admin.organization_id, person.email, "viewer")
    world.invite(admin, admin.organization_id, other.email, "viewer")
    assert person.call("GET", "/auth/me/export").get_json()["invitations_received"] == []
    world.sql("UPDATE users SET email_verified = true WHERE id = :id", id=person.id)
    [invitation] = person.call("GET", "/auth/me/export").get_json()["invitations_received"]
    assert (invitation["email"], invitation["organization_id"]) == (person.email, admin.organization_id)


def test_emails_to_my_address_before_i_had_it_are_not_exported(world: World) -> None:
    admin = world.person("Acme")
    world.invite(admin, admin.organization_id, "ada@example.com", "viewer")
    ada = world.person(email="ada@example.com")
    assert ada.call("GET", "/auth/me/export").get_json()["emails"] == []


def test_emails_to_my_new_address_before_i_had_it_are_not_exported(world: World) -> None:
    ada, bob = world.person(), world.person(email="shared@example.com")
    assert bob.call("POST", "/auth/email/resend", {"email": bob.email}).status_code == 202
    assert bob.call("DELETE", "/auth/me", {"password": PASSWORD}).status_code == 204
    change = {"new_email": "shared@example.com", "password": PASSWORD}
    assert ada.call("POST", "/auth/email/change", change).status_code == 202
    assert ada.call("POST", "/auth/email/verify", {"token": world.token_for("shared@example.com")}).status_code == 204
    assert ada.call("GET", "/auth/me/export").get_json()["emails"] == []
    body = {"current_password": PASSWORD, "new_password": "Another-Password-123"}
    assert ada.call("POST", "/auth/password/change", body).status_code == 204
    assert [each["kind"] for each in ada.call("GET", "/auth/me/export").get_json()["emails"]] == ["password_changed"]


def test_a_list_of_an_export_has_a_limit_which_it_tells(world: World) -> None:
    person = world.person()
    world.sql(
        "INSERT INTO audit_events (id, action, user_id) "
        "SELECT uuidv7(), 'session.started', :id FROM generate_series(1, :most)",
        id=person.id,
        most=export.MOST,
    )
    found = person.call("GET", "/auth/me/export").get_json()
    assert len(found["audit_events"]) == export.MOST
    assert found["truncated"] == ["audit_events"]
    assert found["audit_events"][0]["action"] == "user.exported"  # the newest are first


def test_an_export_needs_a_recent_sign_in(world: World, time: FrozenClock) -> None:
    person = world.person()
    time.advance(minutes=6)
    answer = person.call("GET", "/auth/me/export")
    assert (answer.status_code, answer.get_json()["code"]) == (401, "reauthentication_required")
