"""Authenticating again in a session (step-up, RFC 9470)."""

from __future__ import annotations

from typing import Any

import pytest

from authapp.core import clock
from authapp.core.clock import FrozenClock
from tests.factories import PASSWORD, Person, World
from tests.second_factors import WRONG, answer, enrol

DELETION = {"password": PASSWORD}


def reauthenticate(person: Person, **body: Any) -> Any:
    return person.call("POST", "/auth/reauthenticate", body)


def test_a_password_renews_the_authentication_of_this_session_only(world: World, time: FrozenClock) -> None:
    person = world.person()
    other = world.sign_in(person)
    time.advance(minutes=5, seconds=1)
    assert answer(person.call("DELETE", "/auth/me", DELETION)) == (401, "reauthentication_required")
    response = reauthenticate(person, password=PASSWORD)
    assert response.status_code == 200
    now = clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert response.get_json() == {"auth_time": now, "amr": ["pwd"]}
    assert answer(other.call("DELETE", "/auth/me", DELETION)) == (401, "reauthentication_required")
    [event] = world.sql("SELECT * FROM audit_events WHERE action = 'session.reauthenticated'")
    assert (event.actor_id, event.session_id, event.target_id) == (person.id, event.target_id, event.session_id)
    assert person.call("DELETE", "/auth/me", DELETION).status_code == 204  # with the access token of before


def test_with_a_second_factor_it_takes_that_too(world: World, time: FrozenClock) -> None:
    person = world.person()
    app = enrol(person)
    time.advance(minutes=5, seconds=1)
    for body in ({"code": app.code()}, {"recovery_code": app.recovery_codes[0]}):
        response = reauthenticate(person, password=PASSWORD, **body)
        assert (response.status_code, response.get_json()["amr"]) == (200, ["pwd", "otp", "mfa"])
    assert person.call("POST", "/auth/mfa/recovery-codes", {"code": app.code(1)}).status_code == 200


def test_the_next_access_token_says_when_and_how(world: World, time: FrozenClock) -> None:
    person = world.person()
    enrolled = enrol(person)
    time.advance(minutes=2)
    reauthenticate(person, password=PASSWORD, code=enrolled.code())
    refreshed = world.caller().call("POST", "/auth/refresh", {"refresh_token": person.refresh_token}).get_json()
    claims = world.app.tokens.read(refreshed["refresh_token"], "refresh")
    assert claims.session_id
    [row] = world.sql("SELECT authenticated_at, amr FROM sessions")
    assert (row.authenticated_at, row.amr) == (clock.now(), ["pwd", "otp", "mfa"])


@pytest.mark.parametrize(
    ("has_factor", "body", "expected"),
    [
        (False, {}, (422, "validation_failed")),
        (False, {"password": None}, (422, "validation_failed")),
        (False, {"password": "Wrong12345"}, (401, "wrong_credentials")),
        (False, {"password": PASSWORD, "code": WRONG}, (422, "validation_failed")),
        (False, {"password": PASSWORD, "recovery_code": "2222"}, (422, "validation_failed")),
        (True, {"password": PASSWORD}, (422, "validation_failed")),
        (True, {"password": PASSWORD, "code": WRONG, "recovery_code": "2222"}, (422, "validation_failed")),
        (True, {"password": PASSWORD, "code": WRONG}, (401, "wrong_code")),
        (True, {"password": PASSWORD, "recovery_code": "2222"}, (401, "wrong_code")),
        (True, {"password": "Wrong12345", "code": "{code}"}, (401, "wrong_credentials")),
        (True, {"code": "{code}"}, (422, "validation_failed")),
    ],
)
def test_reauthentication_is_refused_and_changes_nothing(
    world: World, time: FrozenClock, has_factor: bool, body: dict[str, Any], expected: tuple[int, str]
) -> None:
    person = world.person()
    code = enrol(person).code() if has_factor else ""
    [before] = world.sql("SELECT authenticated_at, amr FROM sessions")
    time.advance(seconds=1)
    filled = {name: value.format(code=code) if isinstance(value, str) else value for name, value in body.items()}
    assert answer(reauthenticate(person, **filled)) == expected
    assert world.sql("SELECT authenticated_at, amr FROM sessions") == [before]
    if has_factor and "{code}" in body.values():  # it was not used up
        assert reauthenticate(person, password=PASSWORD, code=code).status_code == 200


def test_an_account_without_a_password_cannot_reauthenticate_with_one(world: World) -> None:
    person = world.person()
    world.sql("UPDATE users SET password_hash = NULL")
    response = reauthenticate(person, password=PASSWORD)
    assert answer(response) == (422, "validation_failed")
    assert response.get_json()["errors"] == {"json": {"password": ["Your account has no password."]}}


def test_wrong_passwords_of_sign_in_and_reauthentication_are_counted_together(world: World, time: FrozenClock) -> None:
    person = world.person()
    wrong = {"email": person.email, "password": "Wrong12345", "device_token": person.session["device_token"]}
    for _ in range(5):
        assert reauthenticate(person, password="Wrong12345").status_code == 401
        assert world.caller().call("POST", "/auth/login", wrong).status_code == 401
    assert answer(reauthenticate(person, password=PASSWORD)) == (429, "too_many_attempts")
