"""Step-up (RFC 9470): routes that need a recent sign-in."""

from __future__ import annotations

import pytest

from authapp.core.clock import FrozenClock
from authapp.services.admission import RECENT
from tests.factories import PASSWORD, UNKNOWN_ID, Person, World

CHALLENGE = 'Bearer error="insufficient_user_authentication", max_age="300"'
PATHS = [
    ("DELETE", "/auth/me", {"password": PASSWORD}),
    ("DELETE", "/organizations/{organization_id}", None),
    ("POST", "/organizations/{organization_id}/api-keys", {"name": "k", "role": "viewer"}),
    ("POST", f"/organizations/{{organization_id}}/api-keys/{UNKNOWN_ID}/rotate", {}),
    ("PATCH", "/organizations/{organization_id}/members/{member_id}", {"role": "admin"}),
]


def call(person: Person, member: Person, method: str, path: str, body: dict[str, str] | None) -> tuple[int, str | None]:
    filled = path.format(organization_id=person.organization_id, member_id=member.id)
    answer = person.call(method, filled, body)
    return answer.status_code, answer.headers.get("WWW-Authenticate")


@pytest.mark.parametrize(("method", "path", "body"), PATHS)
def test_a_route_that_needs_a_recent_sign_in_asks_for_one(
    world: World, time: FrozenClock, method: str, path: str, body: dict[str, str] | None
) -> None:
    person, member = world.person("Acme"), world.person()
    world.join(member, person.organization_id, "viewer")
    time.advance(seconds=RECENT.total_seconds() + 1)
    assert call(person, member, method, path, body) == (401, CHALLENGE)
    time.advance(seconds=-1)
    assert call(person, member, method, path, body)[0] in (200, 201, 204, 404, 409)


@pytest.mark.parametrize(("method", "path", "body"), PATHS)
def test_the_second_factor_of_an_account_is_part_of_a_recent_sign_in(
    world: World, method: str, path: str, body: dict[str, str] | None
) -> None:
    person, member = world.person("Acme"), world.person()
    world.join(member, person.organization_id, "viewer")
    world.sql("UPDATE users SET mfa_enabled = true WHERE id = :id", id=person.id)
    assert call(person, member, method, path, body) == (401, f'{CHALLENGE}, acr_values="mfa"')
    world.sql("UPDATE sessions SET amr = '{pwd,otp,mfa}' WHERE user_id = :id", id=person.id)
    assert call(person, member, method, path, body)[0] in (200, 201, 204, 404, 409)


def test_the_session_row_decides_and_not_the_token(world: World, time: FrozenClock) -> None:
    person = world.person("Acme")
    time.advance(minutes=6)
    world.sql("UPDATE sessions SET authenticated_at = :now", now=time.now())
    assert person.call("DELETE", f"/organizations/{person.organization_id}").status_code == 204


def test_a_role_below_admin_is_given_without_a_recent_sign_in(world: World, time: FrozenClock) -> None:
    person, member = world.person("Acme"), world.person()
    world.join(member, person.organization_id, "viewer")
    time.advance(minutes=6)
    path = f"/organizations/{person.organization_id}/members/{member.id}"
    assert person.call("PATCH", path, {"role": "developer"}).status_code == 200


def test_an_account_without_a_password_needs_none_to_be_deleted(world: World) -> None:
    person, other = world.person(), world.person()
    world.sql("UPDATE users SET password_hash = NULL WHERE id = :id", id=person.id)
    assert person.call("GET", "/auth/me").get_json()["has_password"] is False
    for account, body in ((person, {"password": PASSWORD}), (other, {})):
        answer = account.call("DELETE", "/auth/me", body)
        assert answer.status_code == 422
        assert list(answer.get_json()["errors"]["json"]) == ["password"]
    assert person.call("DELETE", "/auth/me", {}).status_code == 204


def test_nobody_signs_in_to_an_account_without_a_password(world: World) -> None:
    person = world.person()
    world.sql("UPDATE users SET password_hash = NULL")
    answer = world.caller().call("POST", "/auth/login", {"email": person.email, "password": PASSWORD})
    assert (answer.status_code, answer.get_json()["code"]) == (401, "wrong_credentials")
