"""Claims of the application in access tokens."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from authapp import TokenSubject
from authapp.core.claims import LARGEST, RESERVED, WrongClaims, checked
from authapp.schemas.introspection import Introspection
from tests.factories import PASSWORD, World, WorldWith


def payload(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))


def plan(subject: TokenSubject) -> dict[str, Any]:
    return {"plan": {"name": "pro", "seats": 3}, "domain": subject.account.email.partition("@")[2]}


OWN = {"plan": {"name": "pro", "seats": 3}, "domain": "example.com"}


def test_each_access_token_has_the_claims_and_no_refresh_token_has(world_with: WorldWith) -> None:
    world = world_with(claims=plan)
    ada = world.person("Acme")
    spent = {"refresh_token": ada.refresh_token}
    sessions = [ada.session, world.sign_in(ada).session]
    sessions += [world.caller().call("POST", "/auth/refresh", spent).get_json() for _ in range(2)]  # the second: grace
    for session in sessions:
        access, refresh = payload(session["access_token"]), payload(session["refresh_token"])
        assert OWN.items() <= access.items()
        assert not OWN.keys() & refresh.keys()
        assert access["sub"] == str(ada.id)
        assert world.caller(session["access_token"]).call("GET", "/auth/me").status_code == 200
    first, second = (payload(session["refresh_token"]) for session in sessions[2:])
    assert first["jti"] == second["jti"]


def test_the_function_is_told_for_which_session_the_token_is(world_with: WorldWith) -> None:
    seen: list[TokenSubject] = []

    def claims(subject: TokenSubject) -> dict[str, Any]:
        seen.append(subject)
        return {}

    ada = world_with(claims=claims).person()
    [subject] = seen
    token = payload(ada.session["access_token"])
    assert [str(subject.user_id), str(subject.session_id)] == [token["sub"], token["sid"]]
    assert subject.account.email == ada.email
    assert (int(subject.auth_time.timestamp()), subject.amr) == (token["auth_time"], token["amr"])


def test_introspection_shows_the_claims_beside_its_own_members(world_with: WorldWith, world: World) -> None:
    with_claims = world_with(claims=plan)
    ada = with_claims.person()
    key = with_claims.service_key("introspect")
    for each in (with_claims, world):  # what the token has, also where another process knows no function
        answer = each.caller(key).open(
            "/api/v1/auth/introspect", method="POST", data={"token": ada.session["access_token"]}
        )
        assert {"active": True, "sub": str(ada.id), **OWN}.items() <= answer.get_json().items()


def test_without_a_function_a_token_has_the_claims_of_authapp_alone(world: World) -> None:
    token = payload(world.person().session["access_token"])
    assert token.keys() == {"iss", "aud", "sub", "sid", "jti", "type", "iat", "exp", "auth_time", "amr"}
    assert token.keys() <= RESERVED


def test_no_claim_can_look_like_a_member_of_the_introspection() -> None:
    assert Introspection().fields.keys() <= RESERVED


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        *(({name: "x"}, f"may not return {name}") for name in sorted(RESERVED)),
        ({"sub": 1, "role": 2}, "may not return role, sub"),
        (None, "has to return a dict"),
        ([("a", 1)], "has to return a dict"),
        ({1: "x"}, "with strings as names"),
        ({"a": object()}, "not JSON"),
        ({"a": {1, 2}}, "not JSON"),
        ({"a": float("nan")}, "not JSON"),
        ({"a": b"x"}, "not JSON"),
        ({"a": "x" * LARGEST}, f"more than {LARGEST}"),
        ({"a": "é" * 200}, f"more than {LARGEST}"),
    ],
)
def test_claims_that_no_token_may_have_are_refused_with_a_sentence(claims: Any, message: str) -> None:
    with pytest.raises(WrongClaims, match=message):
        checked(claims)


def test_a_circle_in_the_claims_is_refused() -> None:
    circle: dict[str, Any] = {}
    circle["circle"] = circle
    with pytest.raises(WrongClaims, match="not JSON"):
        checked(circle)


def test_with_wrong_claims_nobody_signs_in_and_nothing_is_kept(world_with: WorldWith, world: World) -> None:
    ada = world.person()
    broken = world_with(claims=lambda subject: {"role": "admin"})
    response = broken.caller().call("POST", "/auth/login", {"email": ada.email, "password": PASSWORD})
    assert (response.status_code, response.get_json()["code"]) == (500, "internal_error")
    assert len(world.sql("SELECT FROM sessions")) == 1


def test_a_token_with_the_largest_claims_is_accepted(world_with: WorldWith) -> None:
    world = world_with(claims=lambda subject: {"a": "x" * (LARGEST - 8)})
    ada = world.person()
    assert len(ada.session["access_token"]) < 2500
    assert ada.call("GET", "/auth/me").status_code == 200
