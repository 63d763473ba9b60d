"""What becomes of passkeys when an account changes in other ways."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from authapp.core.clock import FrozenClock
from tests.factories import PASSWORD, Person, World
from tests.features.email_addresses.test_email_changes import change, undo, undo_token
from tests.features.passwords.test_passwords import NEW, forget, reset, verified
from tests.passkeys import Passkey, begin_registration, begin_sign_in, sign_in, with_passkey
from tests.second_factors import answer, enrol

IDENTITY = (
    "INSERT INTO identities (id, user_id, provider, issuer, subject, created_at) "
    "VALUES (gen_random_uuid(), :user, 'github', 'https://github.com', :subject, :created_at)"
)


def link(world: World, person: Person, subject: str, time: FrozenClock) -> None:
    world.sql(IDENTITY, user=person.id, subject=subject, created_at=time.now())


def test_a_new_password_keeps_passkeys_and_the_email_says_how_many_there_are(world: World, time: FrozenClock) -> None:
    person = verified(world)
    assert reset(world, forget(world, person.email)).status_code == 204
    assert "linked identities" not in world.emails()[-1][1].text
    passkey = with_passkey(person := verified(world, email="ada@example.com"))
    with_passkey(person)
    link(world, person, "1", time)
    assert reset(world, forget(world, person.email)).status_code == 204
    message = world.emails()[-1][1]
    for part in (message.text, message.html):
        assert "2 passkeys, 1 linked identities" in " ".join(part.split())
    assert sign_in(world, passkey).status_code == 200


def test_whoever_registered_somebody_elses_address_has_no_passkey_once_its_owner_resets_it(world: World) -> None:
    passkey = with_passkey(squatter := world.person(email="ada@example.com"))
    assert reset(world, forget(world, squatter.email)).status_code == 204
    assert answer(sign_in(world, passkey)) == (404, "passkey_not_found")
    assert world.sql("SELECT user_id FROM passkey_users") == []


def test_undoing_a_change_of_address_removes_what_was_added_since(world: World, time: FrozenClock) -> None:
    person = verified(world)
    before = with_passkey(person)
    link(world, person, "before", time)
    time.advance(days=8)
    person = world.sign_in(person)
    link(world, person, "a moment before", time)
    change(person)
    time.advance(minutes=1)
    since = with_passkey(person)
    link(world, person, "since", time)
    assert undo(world, undo_token(world, person.email)).status_code == 204
    assert sign_in(world, before).status_code == 200
    assert answer(sign_in(world, since)) == (404, "passkey_not_found")
    assert [row.subject for row in world.sql("SELECT subject FROM identities")] == ["before"]


def test_a_new_password_ends_registrations_that_have_begun(world: World) -> None:
    person = verified(world)
    begun = begin_registration(person)
    body = {"current_password": PASSWORD, "new_password": NEW}
    assert person.call("POST", "/auth/password/change", body).status_code == 204
    sent = {"challenge_id": begun["challenge_id"], "passkey": Passkey().create(begun["options"])}
    response = person.call("POST", "/auth/passkeys", sent)
    assert answer(response) == (422, "validation_failed")


def test_an_account_that_is_active_again_starts_without_passkeys(world: World) -> None:
    passkey = with_passkey(person := world.person())
    begun = begin_sign_in(world)
    for command in ("deactivate", "activate"):
        assert world.app.test_cli_runner().invoke(args=["users", command, person.email]).exit_code == 0
    body = {"challenge_id": begun["challenge_id"], "passkey": passkey.get(begun["options"])}
    assert answer(world.caller().call("POST", "/auth/login/passkey", body)) == (404, "passkey_not_found")


def test_removing_a_passkey_ends_other_sessions(world: World) -> None:
    passkey = with_passkey(person := world.person())
    other = world.caller(sign_in(world, passkey).get_json()["access_token"])
    [listed] = person.call("GET", "/auth/passkeys").get_json()["items"]
    assert person.call("DELETE", f"/auth/passkeys/{listed['id']}").status_code == 204
    assert answer(other.call("GET", "/auth/me")) == (401, "revoked_token")
    assert person.call("GET", "/auth/me").status_code == 200


@pytest.mark.parametrize(("add", "told"), [(with_passkey, "1 passkey"), (enrol, "an authenticator app")])
def test_whoever_verifies_an_address_is_told_what_else_can_sign_in(
    world: World, add: Callable[[Person], object], told: str
) -> None:
    person = world.person()
    assert person.call("POST", "/auth/email/resend", {"email": person.email}).status_code == 202
    before = world.token_for(person.email)
    add(person)
    answered = world.caller().call("POST", "/auth/email/verify", {"token": before})
    assert answer(answered) == (410, "invalid_email_token")
    last = [message for _, message in world.emails() if message.subject == "Verify your email address"][-1]
    assert f"The account has {told}. If you have not added all of that, do not open" in " ".join(last.text.split())


def test_nothing_is_added_to_an_unverified_account_whose_owner_could_not_be_told(world: World) -> None:
    person = world.person()
    answers = []
    for _ in range(6):
        begun = begin_registration(person)
        sent = {"challenge_id": begun["challenge_id"], "passkey": Passkey().create(begun["options"])}
        added = person.call("POST", "/auth/passkeys", sent)
        answers.append(answer(added))
        if added.status_code == 201:
            person.call("DELETE", f"/auth/passkeys/{added.get_json()['id']}")
    assert answers[0] == (201, None)
    assert answers[-1] == (409, "limit_reached")
    token = world.token_for(person.email)
    assert world.caller().call("POST", "/auth/email/verify", {"token": token}).status_code == 204


def test_an_unverified_account_may_have_several_passkeys_and_one_email_tells_of_them(world: World) -> None:
    person = world.person()
    for _ in range(3):
        with_passkey(person)
    subjects = [message.subject for to, message in world.emails() if to == person.email]
    assert subjects.count("Verify your email address") == 1
