"""REGISTRATION_MODE: who may register, and what a stranger learns of who has an account."""

from __future__ import annotations

from typing import Any

import pytest

from authapp.core.clock import FrozenClock
from tests.factories import PASSWORD, AppWith, World, statements
from tests.features.email_addresses.test_email_addresses import verify
from tests.features.passwords.test_passwords import FACTOR, VERIFY, login, subjects

ADA = "ada@example.com"
BODY = {"email": ADA, "password": PASSWORD}


def in_mode(world: World, app_with: AppWith, mode: str) -> World:
    return world.with_app(app_with(registration_mode=mode))


def register(world: World, **changes: Any) -> Any:
    return world.caller().call("POST", "/auth/register", {**BODY, **changes})


def test_in_the_mode_open_anybody_registers_and_a_taken_address_is_told(world: World) -> None:
    assert register(world).status_code == 201
    assert register(world).get_json()["code"] == "email_taken"


@pytest.mark.parametrize(
    ("mode", "detail", "junk"),
    [("invitation", "needs an invitation", (410, "invalid_invitation")),
     ("closed", "If you have an account, sign in.", (403, "registration_closed"))],
)  # fmt: skip
def test_in_the_modes_invitation_and_closed_nobody_registers_without_an_invitation(
    world: World, app_with: AppWith, mode: str, detail: str, junk: tuple[int, str]
) -> None:
    limited = in_mode(world, app_with, mode)
    for change in ({}, {"organization_name": "Acme"}):
        response = register(limited, **change)
        assert (response.status_code, response.get_json()["code"]) == (403, "registration_closed")
        assert detail in response.get_json()["detail"]
    response = register(limited, invitation_token="et_junk")
    assert (response.status_code, response.get_json()["code"]) == junk
    assert world.sql("SELECT FROM users") == []


@pytest.mark.parametrize(
    ("mode", "status", "code"),
    [("open", 201, None), ("safe", 201, None), ("invitation", 201, None), ("closed", 403, "registration_closed")],
)
def test_a_valid_invitation_registers_in_every_mode_but_closed(
    world: World, app_with: AppWith, mode: str, status: int, code: str | None
) -> None:
    admin = world.person("Acme")
    token = world.invite(admin, admin.organization_id, ADA, "viewer")
    response = register(in_mode(world, app_with, mode), invitation_token=token)
    assert (response.status_code, response.get_json().get("code")) == (status, code)
    if code is None:
        assert response.get_json()["user"]["email_verified"] is True
        assert response.get_json()["organization"]["role"] == "viewer"


@pytest.mark.parametrize("mode", ["open", "safe", "invitation"])
def test_an_invitation_that_has_expired_registers_nobody_and_costs_no_hash(
    world: World, app_with: AppWith, time: FrozenClock, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    admin = world.person("Acme")
    token = world.invite(admin, admin.organization_id, ADA, "viewer")
    time.advance(hours=72)
    limited = in_mode(world, app_with, mode)
    monkeypatch.setattr(limited.app.hasher, "hash", None)
    response = register(limited, invitation_token=token)
    assert (response.status_code, response.get_json()["code"]) == (410, "invalid_invitation")


def test_in_the_mode_safe_an_account_is_made_when_its_email_is_sent(world: World, app_with: AppWith) -> None:
    safe = in_mode(world, app_with, "safe")
    response = register(safe, first_name="Ada", organization_name="Acme")
    assert (response.status_code, response.get_json()) == (202, {})
    assert world.sql("SELECT FROM users") == []
    token = safe.token_for(ADA)
    assert login(safe, ADA, PASSWORD) == 401  # and so does an unknown address
    assert verify(safe, token).status_code == 204
    response = safe.caller().call("POST", "/auth/login", BODY)
    assert (response.status_code, response.get_json()["user"]["first_name"]) == (200, "Ada")
    organizations = safe.caller(response.get_json()["access_token"]).call("GET", "/organizations").get_json()["items"]
    assert [(item["name"], item["role"]) for item in organizations] == [("Acme", "admin")]
    assert "Acme" in safe.emails()[0][1].text
    actions = {row.action for row in world.sql("SELECT action FROM audit_events")}
    assert {"user.registered", "organization.created", "user.email.verified"} <= actions


def test_in_the_mode_safe_the_owner_of_a_known_address_is_told_by_email(world: World, app_with: AppWith) -> None:
    person = world.person(email=ADA)
    world.sql(VERIFY, id=person.id)
    safe = in_mode(world, app_with, "safe")
    response = register(safe, password="AnotherPassword456", organization_name="Acme")
    assert (response.status_code, response.get_json()) == (202, {})
    assert subjects(safe, ADA) == ["You already have an account"]
    message = safe.emails()[0][1]
    for part in (message.text, message.html):
        assert "http://localhost:8000/forgot-password" in part
    assert (login(safe, ADA, "AnotherPassword456"), login(safe, ADA, PASSWORD)) == (401, 200)
    assert world.sql("SELECT FROM organizations") == []


def test_in_the_mode_safe_an_address_that_was_never_verified_is_taken_back(world: World, app_with: AppWith) -> None:
    squatter = world.person(email=ADA)
    world.sql(FACTOR, id=squatter.id)
    safe = in_mode(world, app_with, "safe")
    assert register(safe, password="AnotherPassword456").status_code == 202
    assert verify(safe, safe.token_for(ADA)).status_code == 204
    [user] = world.sql("SELECT email_verified, password_hash, mfa_enabled FROM users")
    assert tuple(user) == (True, None, False)


def test_in_the_mode_safe_a_second_registration_leaves_the_token_of_the_first_valid(
    world: World, app_with: AppWith
) -> None:
    safe = in_mode(world, app_with, "safe")
    assert register(safe).status_code == 202
    token = safe.token_for(ADA)
    assert register(safe, password="AnotherPassword456").status_code == 202
    assert "take_back=1" in safe.emails()[-1][1].text
    assert verify(safe, token).status_code == 204
    assert login(safe, ADA, PASSWORD) == 200


def test_in_the_mode_safe_an_account_that_is_switched_off_gets_no_email(world: World, app_with: AppWith) -> None:
    person = world.person(email=ADA)
    world.sql("UPDATE users SET is_active = false WHERE id = :id", id=person.id)
    safe = in_mode(world, app_with, "safe")
    assert register(safe).status_code == 202
    assert safe.emails() == []


def test_in_the_mode_safe_a_password_that_may_not_be_chosen_is_told_at_once(world: World, app_with: AppWith) -> None:
    assert register(in_mode(world, app_with, "safe"), password="short1").status_code == 422


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/auth/register", {"password": PASSWORD, "organization_name": "Acme"}),
        ("/auth/password/forgot", {}),
        ("/auth/email/resend", {}),
    ],
)
def test_a_known_and_an_unknown_address_get_the_same_bytes_by_the_same_statements(
    world: World, app_with: AppWith, path: str, body: dict[str, str]
) -> None:
    verified, new = world.person(), world.person()
    world.sql(VERIFY, id=verified.id)
    safe = in_mode(world, app_with, "safe")
    seen = []
    for email in ("nobody@example.com", verified.email, new.email):
        with statements(safe.app) as sent:
            response = safe.caller().call("POST", path, {"email": email, **body})
        headers = {name: value for name, value in response.headers if name != "X-Request-ID"}
        seen.append((sent, response.status_code, response.data, headers))
    assert seen[0] == seen[1] == seen[2]
    assert seen[0][:2] == (["select", "insert"], 202)
