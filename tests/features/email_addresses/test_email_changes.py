"""Changing an address: the new one confirms, the old one is told before and can undo it for 7 days."""

from __future__ import annotations

import re
from typing import Any

import pytest

from authapp.core.clock import FrozenClock
from tests.factories import PASSWORD, AppWith, Person, World
from tests.features.email_addresses.test_email_addresses import verify
from tests.features.passwords.test_passwords import (
    ACTIONS,
    ENDED,
    FACTOR,
    NEW,
    TOKENS,
    VERIFY,
    forget,
    login,
    reset,
    subjects,
    verified,
)
from tests.second_factors import enrol

OTHER = "other@example.com"
EMAIL = "SELECT email, email_verified, password_hash IS NOT NULL FROM users WHERE id = :id"


def change(person: Person, new_email: str = OTHER, password: str | None = PASSWORD) -> Any:
    return person.call("POST", "/auth/email/change", {"new_email": new_email, "password": password})


def undo(world: World, token: str) -> Any:
    return world.caller().call("POST", "/auth/email/undo", {"token": token})


def undo_token(world: World, recipient: str) -> str:
    texts = [m.text for to, m in world.emails() if to == recipient and "undo-email-change" in m.text]
    return str(re.findall(r"#token=([^\s&]+)", texts[-1])[0])


def test_an_address_changes_when_the_new_one_confirms(world: World) -> None:
    person = verified(world)
    response = change(person)
    assert (response.status_code, response.get_json()) == (202, {})
    assert tuple(world.sql(EMAIL, id=person.id)[0]) == (person.email, True, True)
    assert subjects(world, person.email) == ["Your email address is about to change"]
    assert verify(world, world.token_for(OTHER)).status_code == 204
    assert tuple(world.sql(EMAIL, id=person.id)[0]) == (OTHER, True, True)
    assert (login(world, person.email, PASSWORD), login(world, OTHER, PASSWORD)) == (401, 200)
    assert person.call("GET", "/auth/me").get_json()["email"] == OTHER
    actions = [row.action for row in world.sql(ACTIONS, id=person.id)]
    assert [action for action in actions if "email" in action] == ["user.email.change_requested", "user.email.changed"]


def test_both_emails_of_a_change_name_both_addresses(world: World) -> None:
    person = verified(world)
    change(person)
    messages = [message for _, message in world.emails()]
    assert [message.subject for message in messages] == [
        "Confirm your new email address",
        "Your email address is about to change",
    ]
    for message, page in zip(messages, ("verify-email", "undo-email-change"), strict=True):
        for part in (message.text, message.html):
            assert person.email in part
            assert OTHER in part
            assert f"http://localhost:8000/{page}#token=et_" in part


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"new_email": OTHER}, 422, "validation_failed"),
        ({"new_email": OTHER, "password": "Wrong12345"}, 401, "wrong_credentials"),
        ({"new_email": "no address", "password": PASSWORD}, 422, "validation_failed"),
        ({"new_email": "person1@example.com", "password": PASSWORD}, 422, "validation_failed"),
        ({"new_email": "person2@example.com", "password": PASSWORD}, 409, "email_taken"),
    ],
)
def test_a_change_that_may_not_be_is_refused_and_sends_nothing(
    world: World, body: dict[str, Any], status: int, code: str
) -> None:
    person, _ = verified(world), world.person()
    response = person.call("POST", "/auth/email/change", body)
    assert (response.status_code, response.get_json()["code"]) == (status, code)
    assert world.emails() == []


def test_a_change_needs_a_recent_sign_in(world: World, time: FrozenClock) -> None:
    person = verified(world)
    time.advance(minutes=6)
    assert change(person).get_json()["code"] == "reauthentication_required"


def test_an_account_without_a_password_changes_its_address_with_none(world: World) -> None:
    person = verified(world)
    world.sql("UPDATE users SET password_hash = NULL")
    assert change(person).status_code == 422
    assert change(person, password=None).status_code == 202


@pytest.mark.parametrize("mode", ["safe", "invitation", "closed"])
def test_a_taken_address_is_told_only_to_who_reads_its_mailbox_where_registering_does_not_tell(
    world: World, app_with: AppWith, mode: str
) -> None:
    person, _ = verified(world), world.person(email=OTHER)
    quiet = world.with_app(app_with(registration_mode=mode))
    caller = quiet.caller(person.session["access_token"])
    body = {"new_email": OTHER, "password": PASSWORD}
    assert caller.call("POST", "/auth/email/change", body).status_code == 202
    response = verify(world, world.token_for(OTHER))
    assert (response.status_code, response.get_json()["code"]) == (409, "email_taken")
    assert world.sql(EMAIL, id=person.id)[0].email == person.email


def test_asking_for_another_change_replaces_the_first_one(world: World) -> None:
    person = verified(world)
    change(person)
    first, first_undo = world.token_for(OTHER), undo_token(world, person.email)
    change(person, "third@example.com")
    assert verify(world, first).status_code == 410
    assert undo(world, first_undo).status_code == 410
    assert verify(world, world.token_for("third@example.com")).status_code == 204


def test_a_confirmed_change_voids_the_reset_tokens_of_the_address_before(world: World) -> None:
    person = verified(world)
    change(person)
    confirmation = world.token_for(OTHER)
    token = forget(world, person.email)
    verify(world, confirmation)
    assert reset(world, token).status_code == 410


def test_whoever_is_signed_in_cannot_keep_the_owner_of_the_mailbox_from_a_reset(world: World) -> None:
    person = verified(world)
    token = forget(world, person.email)
    change(person)
    changed = {"current_password": PASSWORD, "new_password": "AnotherPassword456"}
    assert person.call("POST", "/auth/password/change", changed).status_code == 204
    assert reset(world, token).status_code == 204
    assert verify(world, world.token_for(OTHER)).status_code == 410


def test_an_address_that_nobody_has_verified_is_not_kept_from_its_owner(world: World) -> None:
    squatter = world.person(email="ada@example.com")
    change(squatter)
    assert verify(world, world.token_for(OTHER)).status_code == 204
    body = {"email": "ada@example.com", "password": PASSWORD}
    assert world.caller().call("POST", "/auth/register", body).status_code == 201


def test_factors_set_since_the_first_of_several_requests_for_a_change_are_removed_by_undoing(
    world: World, time: FrozenClock
) -> None:
    person = verified(world)
    change(person)
    time.advance(minutes=1)
    enrol(person)
    time.advance(minutes=1)
    change(person, "third@example.com")
    assert undo(world, undo_token(world, person.email)).status_code == 204
    [[enabled]] = world.sql("SELECT mfa_enabled FROM users WHERE id = :id", id=person.id)
    assert not enabled


def test_an_address_that_was_verified_after_a_change_was_asked_for_stays_verified_when_it_is_undone(
    world: World,
) -> None:
    person = world.person()
    world.caller(person.session["access_token"]).call("POST", "/auth/email/resend", {"email": person.email})
    token = world.token_for(person.email)
    change(person)
    undoing = undo_token(world, person.email)
    assert verify(world, token).status_code == 204
    assert verify(world, world.token_for(OTHER)).status_code == 204
    assert undo(world, undoing).status_code == 204
    [[email, is_verified]] = world.sql("SELECT email, email_verified FROM users WHERE id = :id", id=person.id)
    assert (email, is_verified) == (person.email, True)


@pytest.mark.parametrize("confirmed", [False, True])
def test_a_change_is_undone_before_and_after_it_was_confirmed(world: World, confirmed: bool) -> None:
    person = verified(world)
    change(person)
    confirmation, token = world.token_for(OTHER), undo_token(world, person.email)
    if confirmed:
        assert verify(world, confirmation).status_code == 204
    response = undo(world, token)
    assert (response.status_code, response.data) == (204, b"")
    assert tuple(world.sql(EMAIL, id=person.id)[0]) == (person.email, True, False)
    assert person.call("GET", "/auth/me").status_code == 401
    assert world.sql(ENDED, id=person.id) == [("email_change_undone", 1)]
    for table in ("mfa_challenges", "known_devices"):
        assert world.sql(f"SELECT FROM {table}") == []
    assert login(world, person.email, PASSWORD) == 401  # who has changed the address knew the password
    assert verify(world, confirmation).status_code == 410
    assert undo(world, token).status_code == 410
    assert subjects(world, person.email)[-1] == "Set a new password"
    assert reset(world, world.token_for(person.email)).status_code == 204
    assert login(world, person.email, NEW) == 200
    assert "user.email.change_undone" in [row.action for row in world.sql(ACTIONS, id=person.id)]


def test_a_change_can_be_undone_for_seven_days(world: World, time: FrozenClock) -> None:
    person = verified(world)
    change(person)
    verify(world, world.token_for(OTHER))
    token = undo_token(world, person.email)
    time.advance(days=7)
    assert undo(world, token).status_code == 410
    assert world.caller().call(
        "POST", "/auth/register", {"email": person.email, "password": PASSWORD}
    ).status_code == 201  # fmt: skip


def test_the_undo_link_survives_a_reset_at_the_new_address_and_a_second_change(world: World) -> None:
    person = verified(world)
    change(person)
    token = undo_token(world, person.email)
    verify(world, world.token_for(OTHER))
    again = change(person, "third@example.com")
    assert (again.status_code, again.get_json()["code"]) == (409, "limit_reached")
    assert "can be undone until" in again.get_json()["detail"]
    assert reset(world, forget(world, OTHER)).status_code == 204
    assert undo(world, token).status_code == 204
    assert tuple(world.sql(EMAIL, id=person.id)[0]) == (person.email, True, False)


@pytest.mark.parametrize(
    ("confirmed_at", "stays"),
    [("now() - interval '8 days'", True), ("now() - interval '6 days'", False), ("now()", False)],
)
def test_an_undone_change_removes_the_second_factor_that_was_confirmed_within_a_week_before_or_since(
    world: World, confirmed_at: str, stays: bool
) -> None:
    person = verified(world)
    change(person)
    world.sql(FACTOR, id=person.id)
    world.sql(f"UPDATE totp_factors SET confirmed_at = {confirmed_at}")
    assert undo(world, undo_token(world, person.email)).status_code == 204
    assert (world.sql("SELECT FROM totp_factors") != []) is stays
    assert (world.sql("SELECT FROM recovery_codes") != []) is stays
    [[enabled]] = world.sql("SELECT mfa_enabled FROM users")
    assert enabled is stays


def test_an_address_that_was_never_verified_is_restored_as_that(world: World) -> None:
    squatter = world.person(email="victim@example.com")
    change(squatter)
    token = undo_token(world, "victim@example.com")
    verify(world, world.token_for(OTHER))
    world.sql(FACTOR, id=squatter.id)
    assert undo(world, token).status_code == 204
    assert tuple(world.sql(EMAIL, id=squatter.id)[0]) == ("victim@example.com", False, False)


def test_an_address_stays_reserved_while_the_change_that_left_it_can_be_undone(world: World) -> None:
    person, other = verified(world), verified(world)
    change(person)
    verify(world, world.token_for(OTHER))
    body = {"email": person.email, "password": PASSWORD}
    assert world.caller().call("POST", "/auth/register", body).get_json()["code"] == "email_taken"
    assert change(other, person.email).get_json()["code"] == "email_taken"


def test_a_reserved_address_is_not_confirmed_either(world: World) -> None:
    person, other = verified(world), verified(world)
    change(other, "wanted@example.com")
    confirmation = world.token_for("wanted@example.com")
    world.sql("UPDATE users SET email = 'wanted@example.com' WHERE id = :id", id=person.id)
    change(Person(person.id, "wanted@example.com", person.caller, person.session))
    verify(world, world.token_for(OTHER))
    response = verify(world, confirmation)
    assert (response.status_code, response.get_json()["code"]) == (409, "email_taken")
    assert world.sql(TOKENS, id=other.id) != []  # and is not used


def test_a_change_beyond_the_limit_of_emails_of_the_new_address_is_refused(world: World) -> None:
    person = verified(world)
    for _ in range(5):
        assert change(person).status_code == 202
    response = change(person)
    assert (response.status_code, response.get_json()["code"]) == (409, "limit_reached")
    assert len(subjects(world, person.email)) == 5
    assert world.sql(VERIFY, id=person.id) == []


def test_a_deleted_account_frees_its_addresses(world: World) -> None:
    person = verified(world)
    change(person)
    verify(world, world.token_for(OTHER))
    assert person.call("DELETE", "/auth/me", {"password": PASSWORD}).status_code == 204
    for email in (person.email, OTHER):
        body = {"email": email, "password": PASSWORD}
        assert world.caller().call("POST", "/auth/register", body).status_code == 201


@pytest.mark.parametrize(("is_verified", "notices"), [(True, 7), (False, 5)])
def test_the_notices_of_changes_are_always_sent_to_a_verified_address_alone(
    world: World, is_verified: bool, notices: int
) -> None:
    person = verified(world) if is_verified else world.person()
    for number in range(7):
        assert change(person, f"other{number}@example.com").status_code == 202
    assert len(subjects(world, person.email)) == notices
