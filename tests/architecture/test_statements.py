"""How many statements each route sends. One SELECT for authentication and authorization; nothing hidden."""

from __future__ import annotations

import pytest

from tests.factories import PASSWORD, World, statements
from tests.second_factors import begin, complete, enrol

RESERVED = ["insert"] * 3  # attempts: the address with the network, the address, the network
# sessions beyond the limit end; the session and its event; devices beyond the limit go; the device
SIGNED_IN = ["update", "insert", "insert", "delete", "insert"]
LOCKED = ["select"] * 3  # the account with its session, the organization, whether the caller is still an admin


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("GET", "/auth/me", None, ["one:select"]),
        ("PATCH", "/auth/me", {"first_name": "Ada"}, ["select", "select", "update", "insert"]),
        ("GET", "/auth/sessions", None, ["select", "select"]),
        ("GET", "/auth/audit-events", None, ["select", "select"]),
        ("DELETE", "/auth/sessions", None, ["select", "update"]),
        ("POST", "/auth/logout", None, ["select", "update", "insert"]),
        ("GET", "/organizations", None, ["select", "select"]),
        # lock the account, count what it has created; set the tenant; the organization, its admin and the event
        ("POST", "/organizations", {"name": "New"}, [*["select"] * 4, "insert", "insert", "insert"]),
        ("GET", "/organizations/{organization_id}", None, ["one:select"]),
        ("PATCH", "/organizations/{organization_id}", {"name": "New"}, ["select", *LOCKED, "update", "insert"]),
        ("DELETE", "/organizations/{organization_id}", None, ["select", *LOCKED, "update", "insert"]),
        ("GET", "/organizations/{organization_id}/members", None, ["select", "select"]),
        ("GET", "/organizations/{organization_id}/invitations", None, ["select", "select"]),
        ("GET", "/organizations/{organization_id}/api-keys", None, ["select", "select"]),
        ("GET", "/organizations/{organization_id}/audit-events", None, ["select", "select"]),
        # lock, look who else is an admin; revoke the member's own invitations; the member for the reply
        (
            "PATCH",
            "/organizations/{organization_id}/members/{member_id}",
            {"role": "developer"},
            ["select", *LOCKED, "select", "update", "update", "insert", "select"],
        ),
        (
            "DELETE",
            "/organizations/{organization_id}/members/{member_id}",
            None,
            ["select", *LOCKED, "select", "update", "delete", "insert"],
        ),
        # whether it is a member's address; what has expired; how many are pending; token, invitation, email and event
        (
            "POST",
            "/organizations/{organization_id}/invitations",
            {"email": "new@example.com", "role": "viewer"},
            ["select", *LOCKED, "select", "update", "select", *["insert"] * 4],
        ),
        (
            "POST",
            "/organizations/{organization_id}/api-keys",
            {"name": "k", "role": "viewer"},
            ["select", *LOCKED, "select", "insert", "insert"],
        ),
        ("GET", "/auth/mfa", None, ["select", "select"]),
        ("POST", "/auth/mfa/totp", None, ["select", "select", "insert"]),
        # the password as at sign-in; lock the account; the session and its event
        (
            "POST",
            "/auth/reauthenticate",
            {"password": PASSWORD},
            ["select", *RESERVED, "one:select", "with", "select", "update", "insert"],
        ),
        ("POST", "/auth/refresh", {"refresh_token": "{refresh_token}"}, ["update"]),
        (
            "POST",
            "/auth/login",
            {"email": "{email}", "password": PASSWORD},
            # the account before its password is checked; the attempts are given back; the account is locked and
            # changed; the email about a new device
            [*RESERVED, "one:select", "with", "select", "update", *SIGNED_IN, "insert"],
        ),
        ("POST", "/auth/login", {"email": "{email}", "password": "Wrong12345"}, [*RESERVED, "one:select", "insert"]),
        ("POST", "/auth/login", {"email": "no@example.com", "password": PASSWORD}, [*RESERVED, "one:select", "insert"]),
        # the account and its event; the account again to lock it
        (
            "POST",
            "/auth/register",
            {"email": "new@example.com", "password": PASSWORD},
            ["insert", "insert", "select", *SIGNED_IN],
        ),
    ],
)
def test_a_route_sends_these_statements_and_no_other(
    world: World, method: str, path: str, body: dict[str, str] | None, expected: list[str]
) -> None:
    person, member = world.person("Acme"), world.person()
    world.join(member, person.organization_id, "viewer")
    known = {
        "member_id": str(member.id),
        "email": person.email,
        "organization_id": person.organization_id,
        "refresh_token": person.refresh_token,
    }
    filled = {name: value.format(**known) for name, value in body.items()} if body else None
    with statements(world.app) as sent:
        response = person.call(method, path.format(**known), filled)
    assert response.status_code in (200, 201, 204, 401)
    assert sent == expected


def test_completing_a_sign_in_with_a_second_factor_sends_these_statements(world: World) -> None:
    app = enrol(person := world.person())
    token = begin(world, person)
    with statements(world.app) as sent:
        assert complete(world, token, code=app.code()).status_code == 200
    # the challenge; the attempt; the account is locked, and the challenge still there
    expected = ["select", "insert", "select", "select"]
    # the secret and its step; the attempt is uncounted; the challenge goes
    expected += ["select", "update", "with", "delete"]
    assert sent == [*expected, "select", "update", *SIGNED_IN, "insert"]  # as at sign-in


def test_a_refused_token_costs_one_statement_and_junk_costs_none(world: World) -> None:
    person = world.person()
    person.call("POST", "/auth/logout")
    with statements(world.app) as sent:
        assert person.call("GET", "/auth/me").status_code == 401
        assert world.caller("junk").call("GET", "/auth/me").status_code == 401
        assert world.caller().call("GET", "/auth/me").status_code == 401
    assert sent == ["one:select"]
