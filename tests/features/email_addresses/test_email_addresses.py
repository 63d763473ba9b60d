"""Verifying an address: what the registration sent confirms it, what a stranger asked for takes the account back."""

from __future__ import annotations

from typing import Any

import pytest

from authapp.core.clock import FrozenClock
from tests.factories import PASSWORD, AppWith, Person, World
from tests.features.passwords.test_passwords import ACTIONS, ENDED, FACTOR, NEW, VERIFY, login, reset, subjects

ADA = "ada@example.com"


def register(world: World, email: str = ADA, **registration: Any) -> Person:
    """Register somebody whose verification email is sent."""
    body = {"email": email, "password": PASSWORD, **registration}
    response = world.caller().call("POST", "/auth/register", body)
    assert response.status_code == 201, response.text
    return world._signed_in(email, response.get_json())


def verify(world: World, token: str) -> Any:
    return world.caller().call("POST", "/auth/email/verify", {"token": token})


def resend(world: World, email: str, person: Person | None = None) -> str:
    """Ask for another email, signed in or not, and give its token."""
    caller = person.caller if person else world.caller()
    assert caller.call("POST", "/auth/email/resend", {"email": email}).status_code == 202
    return world.token_for(email)


def is_verified(person: Person) -> bool:
    return bool(person.call("GET", "/auth/me").get_json()["email_verified"])


def test_the_email_of_a_registration_verifies_the_address_and_keeps_what_was_set(world: World) -> None:
    person = register(world, organization_name="Acme")
    message = world.emails()[-1][1]
    assert message.subject == "Verify your email address"
    for part in (message.text, message.html):
        assert "Acme" in part
        assert "http://localhost:8000/verify-email#token=et_" in part
    assert not is_verified(person)
    response = verify(world, world.token_for(ADA))
    assert (response.status_code, response.data) == (204, b"")
    assert is_verified(person)
    assert login(world, ADA, PASSWORD) == 200
    assert [row.action for row in world.sql(ACTIONS, id=person.id)].count("user.email.verified") == 1
    [[sessions]] = world.sql("SELECT count(*) FROM sessions")
    assert sessions == 2  # of the registration and the login: verifying signs nobody in


def test_an_email_that_a_stranger_asked_for_takes_the_account_back(world: World) -> None:
    squatter = register(world, organization_name="Trap")
    world.emails()
    world.sql(FACTOR, id=squatter.id)
    token = resend(world, ADA)
    message = world.emails()[-1][1]
    for part in (message.text, message.html):
        assert "Trap" in part
        assert "password, second factors and sessions are" in part
        assert "use the link of the first email, or sign in" in part
        assert f"#token={token}&take_back=1" in part.replace("&amp;", "&")
    assert verify(world, token).status_code == 204
    assert squatter.call("GET", "/auth/me").status_code == 401
    assert login(world, ADA, PASSWORD) == 401
    [user] = world.sql("SELECT email_verified, password_hash, mfa_enabled FROM users")
    assert tuple(user) == (True, None, False)
    assert world.sql(ENDED, id=squatter.id) == [("taken_back", 1)]
    assert "user.taken_back" in [row.action for row in world.sql(ACTIONS, id=squatter.id)]
    assert subjects(world, ADA)[-1] == "Set a new password"  # it follows without being asked for
    assert reset(world, world.token_for(ADA)).status_code == 204
    assert login(world, ADA, NEW) == 200


def test_an_email_that_the_account_itself_asked_for_keeps_what_was_set(world: World) -> None:
    person = register(world)
    token = resend(world, ADA, person)
    assert "take_back" not in world.emails()[-1][1].text
    assert verify(world, token).status_code == 204
    assert is_verified(person)
    assert login(world, ADA, PASSWORD) == 200


def test_taking_an_account_back_revokes_the_invitations_that_it_has_sent(world: World) -> None:
    squatter = world.person("Acme")
    invitation = world.invite(squatter, squatter.organization_id, "accomplice@example.com", "admin")
    resend(world, squatter.email)
    assert verify(world, world.token_for(squatter.email)).status_code == 204
    accomplice = world.person(email="accomplice@example.com")
    assert accomplice.call("POST", "/invitations/accept", {"token": invitation}).status_code == 410


def test_an_email_that_another_account_asked_for_takes_the_account_back(world: World) -> None:
    squatter = register(world)
    world.emails()
    assert verify(world, resend(world, ADA, world.person())).status_code == 204
    assert squatter.call("GET", "/auth/me").status_code == 401


def test_asking_for_another_email_with_a_token_that_is_not_live_is_an_error(world: World) -> None:
    person = world.person("Acme")
    key = world.api_key(person, person.organization_id, "viewer")
    person.call("POST", "/auth/logout")
    for token, answer in (
        (person.session["access_token"], (401, "revoked_token")),
        ("junk", (401, "invalid_token")),
        (key, (403, "api_key_not_allowed")),
    ):
        response = world.caller(token).call("POST", "/auth/email/resend", {"email": person.email})
        assert (response.status_code, response.get_json()["code"]) == answer
    assert world.emails() == []


def test_an_email_that_a_stranger_asked_for_leaves_the_token_of_the_registration_valid(world: World) -> None:
    person = register(world)
    token = world.token_for(ADA)
    taking_back = resend(world, ADA)
    assert verify(world, token).status_code == 204
    assert is_verified(person)
    assert verify(world, taking_back).status_code == 410  # there is nothing to take back
    assert login(world, ADA, PASSWORD) == 200


def test_taking_an_account_back_makes_the_token_of_its_registration_invalid(world: World) -> None:
    register(world)
    token = world.token_for(ADA)
    assert verify(world, resend(world, ADA)).status_code == 204
    assert verify(world, token).status_code == 410


def test_a_verified_address_is_verified_once_and_keeps_its_factors(world: World) -> None:
    person = register(world)
    world.emails()
    token = resend(world, ADA)
    world.sql(FACTOR, id=person.id)
    world.sql(VERIFY, id=person.id)
    assert verify(world, token).status_code == 204
    assert login(world, ADA, PASSWORD) == 401  # mfa_required
    assert is_verified(person)
    assert world.sql("SELECT FROM totp_factors") != []


def test_another_verification_email_has_the_same_answer_for_every_address_and_is_sent_where_needed(
    world: World,
) -> None:
    new, done = world.person(), world.person()
    world.sql(VERIFY, id=done.id)
    answers = [
        world.caller().call("POST", "/auth/email/resend", {"email": email})
        for email in (new.email, done.email, "nobody@example.com")
    ]
    assert [(answer.status_code, answer.data) for answer in answers] == [(202, b"{}\n")] * 3
    assert [to for to, _ in world.emails()] == [new.email]


@pytest.mark.parametrize("life", ["used", "replaced", "expired", "of another purpose", "junk"])
def test_a_verification_token_that_is_not_valid_is_gone(world: World, time: FrozenClock, life: str) -> None:
    person = register(world)
    token = world.token_for(ADA)
    if life == "used":
        assert verify(world, token).status_code == 204
        world.sql("UPDATE users SET email_verified = false")
    elif life == "replaced":
        resend(world, ADA, person)
    elif life == "expired":
        time.advance(hours=24)
    elif life == "of another purpose":
        world.sql("UPDATE one_time_tokens SET purpose = 'reset'")
    else:
        token = "junk"
    response = verify(world, token)
    assert (response.status_code, response.get_json()["code"]) == (410, "invalid_email_token")
    assert world.sql("SELECT FROM users WHERE email_verified") == []
    if life == "of another purpose":
        assert reset(world, token).status_code == 204
    assert person.email == ADA


def test_an_invitation_verifies_the_address_so_no_other_email_does(world: World) -> None:
    admin = world.person("Acme")
    token = world.invite(admin, admin.organization_id, ADA, "viewer")
    assert is_verified(register(world, invitation_token=token))
    assert subjects(world, ADA) == ["You are invited to Acme"]


@pytest.mark.parametrize(("verified", "status", "code"), [(True, 200, None), (False, 403, "email_not_verified")])
def test_routes_of_organizations_ask_for_a_verified_address_where_that_is_required(
    world: World, app_with: AppWith, verified: bool, status: int, code: str | None
) -> None:
    person = register(world, organization_name="Acme")
    key = world.api_key(person, person.organization_id, "viewer")
    if verified:
        assert verify(world, world.token_for(ADA)).status_code == 204
    strict = world.with_app(app_with(email_verification="required"))
    path = f"/organizations/{person.organization_id}"
    for method, below in (("GET", ""), ("GET", "/members"), ("GET", "/audit-events")):
        response = strict.caller(person.session["access_token"]).call(method, path + below)
        assert (response.status_code, response.get_json().get("code")) == (status, code)
    assert strict.caller(person.session["access_token"]).call("GET", "/auth/me").status_code == 200
    assert strict.caller(key).call("GET", path).status_code == 200  # a key has no address


def test_an_unverified_account_signs_in_where_verification_is_required(world: World, app_with: AppWith) -> None:
    register(world)
    assert login(world.with_app(app_with(email_verification="required")), ADA, PASSWORD) == 200
