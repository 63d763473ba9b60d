"""Passwords: changed by whoever knows the present one, reset by whoever reads the mailbox."""

from __future__ import annotations

from typing import Any

import pytest

from authapp.core.clock import FrozenClock
from tests.factories import PASSWORD, Person, World

NEW = "AnotherPassword456"
VERIFY = "UPDATE users SET email_verified = true WHERE id = :id"
FACTOR = (
    "INSERT INTO totp_factors (user_id, encrypted_secret, key_id, confirmed_at) VALUES (:id, '', '', now()); "
    "INSERT INTO recovery_codes (user_id, code_hash) VALUES (:id, 'a'); "
    "UPDATE users SET mfa_enabled = true WHERE id = :id"
)
TOKENS = "SELECT purpose FROM one_time_tokens WHERE used_at IS NULL AND owner_id = :id ORDER BY purpose"
ENDED = "SELECT end_reason, count(*) FROM sessions WHERE user_id = :id AND ended_at IS NOT NULL GROUP BY 1"
ACTIONS = "SELECT action FROM audit_events WHERE user_id = :id ORDER BY id"


def verified(world: World, **registration: Any) -> Person:
    person = world.person(**registration)
    world.sql(VERIFY, id=person.id)
    return person


def login(world: World, email: str, password: str) -> int:
    return world.caller().call("POST", "/auth/login", {"email": email, "password": password}).status_code


def forget(world: World, email: str) -> str:
    """Ask for a reset email, and give its token."""
    assert world.caller().call("POST", "/auth/password/forgot", {"email": email}).status_code == 202
    return world.token_for(email)


def reset(world: World, token: str, password: str = NEW) -> Any:
    return world.caller().call("POST", "/auth/password/reset", {"token": token, "new_password": password})


def subjects(world: World, recipient: str) -> list[str]:
    return [message.subject for to, message in world.emails() if to == recipient]


def test_a_forgotten_password_is_reset_with_the_token_of_an_email(world: World) -> None:
    person = verified(world)
    other = world.sign_in(person)
    response = reset(world, forget(world, person.email))
    assert (response.status_code, response.data) == (204, b"")
    assert login(world, person.email, PASSWORD) == 401
    assert login(world, person.email, NEW) == 200
    for session in (person, other):
        assert session.call("GET", "/auth/me").status_code == 401
        refreshed = world.caller().call("POST", "/auth/refresh", {"refresh_token": session.refresh_token})
        assert refreshed.status_code == 401
    assert world.sql(ENDED, id=person.id) == [("password_changed", 2)]
    assert [row.action for row in world.sql(ACTIONS, id=person.id)].count("user.password.reset") == 1
    assert "Your password was changed" in subjects(world, person.email)


def test_a_forgotten_password_has_the_same_answer_for_an_unknown_address_and_sends_nothing(world: World) -> None:
    person = verified(world)
    answers = [world.caller().call("POST", "/auth/password/forgot", {"email": email}) for email in
               (person.email, "nobody@example.com")]  # fmt: skip
    assert [(answer.status_code, answer.data) for answer in answers] == [(202, b"{}\n")] * 2
    assert [to for to, _ in world.emails()] == [person.email]
    rows = world.sql("SELECT encrypted_body, encrypted_context, due_at, sent_at IS NOT NULL FROM outbox")
    assert rows == [(None, None, None, True)] * 2  # both count towards the limits of their recipient


@pytest.mark.parametrize("ending", ["is_active = false", "deleted_at = now()"])
def test_an_inactive_account_gets_no_reset_email(world: World, ending: str) -> None:
    person = verified(world)
    world.sql(f"UPDATE users SET {ending} WHERE id = :id", id=person.id)
    world.caller().call("POST", "/auth/password/forgot", {"email": person.email})
    assert world.emails() == []


def test_a_reset_token_of_an_account_that_is_switched_off_meanwhile_is_not_valid(world: World) -> None:
    person = verified(world)
    token = forget(world, person.email)
    world.sql("UPDATE users SET is_active = false WHERE id = :id", id=person.id)
    assert reset(world, token).get_json()["code"] == "invalid_email_token"


def test_a_reset_keeps_the_second_factor_of_a_verified_address(world: World) -> None:
    person = verified(world)
    world.sql(FACTOR, id=person.id)
    assert reset(world, forget(world, person.email)).status_code == 204
    response = world.caller().call("POST", "/auth/login", {"email": person.email, "password": NEW})
    assert response.get_json()["code"] == "mfa_required"


def test_a_reset_of_an_address_that_nobody_had_verified_removes_what_was_set_before(world: World) -> None:
    squatter = world.person("Trap", email="victim@example.com")
    world.sql(FACTOR, id=squatter.id)
    token = forget(world, squatter.email)
    message = world.emails()[-1][1]
    for part in (message.text, message.html):
        assert "Trap" in part
        assert "Nobody has verified this address before" in part
    assert reset(world, token).status_code == 204
    assert squatter.call("GET", "/auth/me").status_code == 401
    signed_in = world.caller().call("POST", "/auth/login", {"email": squatter.email, "password": NEW})
    user = signed_in.get_json()["user"]
    assert (signed_in.status_code, user["mfa_enabled"], user["email_verified"]) == (200, False, True)
    for table in ("totp_factors", "recovery_codes"):
        assert world.sql(f"SELECT FROM {table}") == []
    assert world.sql(ENDED, id=squatter.id) == [("taken_back", 1)]
    actions = [row.action for row in world.sql(ACTIONS, id=squatter.id)]
    assert {"user.taken_back", "user.email.verified", "user.password.reset"} <= set(actions)


def test_a_reset_voids_what_waits_and_forgets_failed_attempts_and_devices(world: World, time: FrozenClock) -> None:
    person = verified(world)
    device = {"email": person.email, "password": PASSWORD, "device_token": person.session["device_token"]}
    body = {"new_email": "other@example.com", "password": PASSWORD}
    assert person.call("POST", "/auth/email/change", body).status_code == 202
    world.sql(FACTOR, id=person.id)
    waiting = world.caller().call("POST", "/auth/login", device).get_json()
    assert waiting["code"] == "mfa_required"
    world.sql("UPDATE users SET mfa_enabled = false")
    for _ in range(3):
        assert login(world, person.email, "Wrong12345") == 401
    assert reset(world, forget(world, person.email)).status_code == 204
    assert world.sql(TOKENS, id=person.id) == []
    for table in ("mfa_challenges", "known_devices", "attempt_counters WHERE subject IS NOT NULL"):
        assert world.sql(f"SELECT FROM {table}") == [], table


@pytest.mark.parametrize("life", ["used", "replaced", "expired", "of another purpose", "altered", "junk"])
def test_a_reset_token_that_is_not_valid_is_gone_and_changes_nothing(
    world: World, time: FrozenClock, life: str
) -> None:
    person = verified(world)
    token = forget(world, person.email)
    if life == "used":
        assert reset(world, token, "YetAnotherPassword7").status_code == 204
    elif life == "replaced":
        forget(world, person.email)
    elif life == "expired":
        time.advance(minutes=60)
    elif life == "of another purpose":
        world.sql("UPDATE one_time_tokens SET purpose = 'change' WHERE purpose = 'reset'")
    else:
        token = token[:-1] + ("a" if token[-1] != "a" else "b") if life == "altered" else "junk"
    response = reset(world, token)
    assert (response.status_code, response.get_json()["code"]) == (410, "invalid_email_token")
    assert login(world, person.email, NEW) == 401
    if life == "of another purpose":
        assert world.sql("SELECT FROM one_time_tokens WHERE used_at IS NULL") != []


def test_a_reset_token_lives_for_sixty_minutes(world: World, time: FrozenClock) -> None:
    person = verified(world)
    token = forget(world, person.email)
    time.advance(minutes=59)
    assert reset(world, token).status_code == 204


@pytest.mark.parametrize("path", ["change", "reset"])
@pytest.mark.parametrize(
    ("password", "complaint"),
    [("short1", "at least 8"), ("Lovelace1815", "own email or name"), ("password123", "easy to guess")],
)
def test_a_new_password_follows_the_policy_wherever_it_is_set(
    world: World, path: str, password: str, complaint: str
) -> None:
    person = verified(world, last_name="Lovelace")
    token = forget(world, person.email)
    known = {"change": {"current_password": PASSWORD}, "reset": {"token": token}}[path]
    response = person.call("POST", f"/auth/password/{path}", {**known, "new_password": password})
    assert response.status_code == 422
    [said] = response.get_json()["errors"]["json"]["new_password"][:1]
    assert complaint in said
    assert reset(world, token).status_code == 204  # the token is not used


def test_a_token_that_is_not_valid_costs_no_hash(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []
    monkeypatch.setattr(world.app.hasher, "hash", hashed.append)
    assert reset(world, "et_019aab1c7d3e7a409a552f2f6c1d9b10_junk").status_code == 410
    assert hashed == []


def test_a_password_is_changed_and_other_sessions_end(world: World) -> None:
    person = verified(world)
    other = world.sign_in(person)
    token = forget(world, person.email)
    body = {"current_password": PASSWORD, "new_password": NEW}
    assert person.call("POST", "/auth/password/change", body).status_code == 204
    assert person.call("GET", "/auth/me").status_code == 200
    assert other.call("GET", "/auth/me").status_code == 401
    assert (login(world, person.email, PASSWORD), login(world, person.email, NEW)) == (401, 200)
    assert reset(world, token).status_code == 410
    assert world.sql(ENDED, id=person.id) == [("password_changed", 1)]
    assert "Your password was changed" in subjects(world, person.email)
    assert "user.password.changed" in [row.action for row in world.sql(ACTIONS, id=person.id)]


def test_a_change_of_the_password_needs_the_present_one_with_the_limits_of_a_sign_in(world: World) -> None:
    person = verified(world)
    answers = [
        person.call("POST", "/auth/password/change", {"current_password": "Wrong12345", "new_password": NEW})
        for _ in range(11)
    ]
    codes = [answer.get_json()["code"] for answer in answers]
    assert codes == ["wrong_credentials"] * 10 + ["too_many_attempts"]
    assert login(world, person.email, NEW) != 200


def test_a_change_to_the_present_password_is_refused_once_that_was_checked(world: World) -> None:
    person = verified(world)
    for current, status in ((PASSWORD, 422), (NEW, 401)):
        body = {"current_password": current, "new_password": current}
        response = person.call("POST", "/auth/password/change", body)
        assert response.status_code == status
        if status == 422:
            assert response.get_json()["errors"] == {"json": {"new_password": ["This is your present password."]}}
    assert world.emails() == []


def test_the_first_password_of_an_account_is_set_by_email_alone(world: World) -> None:
    person = verified(world)
    world.sql("UPDATE users SET password_hash = NULL")
    body = {"current_password": PASSWORD, "new_password": NEW}
    response = person.call("POST", "/auth/password/change", body)
    assert response.status_code == 422
    assert "no password" in response.get_json()["errors"]["json"]["current_password"][0]
    assert reset(world, forget(world, person.email)).status_code == 204
    assert login(world, person.email, NEW) == 200


def test_the_email_about_a_new_password_names_the_live_keys_that_the_account_has_created(world: World) -> None:
    person, colleague = world.person("Acme"), world.person()
    world.sql(VERIFY, id=person.id)
    world.join(colleague, person.organization_id, "admin")
    for number in range(22):
        world.api_key(person, person.organization_id, "viewer", name=f"key{number:02}")
    world.sql("UPDATE api_keys SET revoked_at = now() WHERE name = 'key00'")
    world.api_key(colleague, person.organization_id, "viewer", name="not mine")
    assert reset(world, forget(world, person.email)).status_code == 204
    message = world.emails()[-1][1]
    for part in (message.text, message.html):
        assert ", ".join(f"key{number:02}" for number in range(1, 21)) + " and others" in part
        assert "not mine" not in part
        assert "key00" not in part
    assert world.caller(world.api_key(colleague, person.organization_id, "viewer")).call(
        "GET", f"/organizations/{person.organization_id}"
    ).status_code == 200  # fmt: skip


def test_the_address_of_somebody_else_gets_no_endless_notices_of_an_account_that_it_never_verified(
    world: World,
) -> None:
    squatter = world.person(email="victim@example.com")
    passwords = [PASSWORD, NEW]
    for _ in range(8):
        body = dict(zip(("current_password", "new_password"), passwords, strict=True))
        assert squatter.call("POST", "/auth/password/change", body).status_code == 204
        passwords.reverse()
    assert len(subjects(world, "victim@example.com")) == 5
