"""How many statements each route sends. One SELECT for authentication and authorization; nothing hidden."""

from __future__ import annotations

import pytest

from tests.factories import PASSWORD, World, statements
from tests.features.audit.test_sealing import seal
from tests.features.passwords.test_passwords import forget
from tests.passkeys import Passkey, begin_registration, begin_sign_in
from tests.second_factors import begin, complete, enrol
from tests.workloads import RULE

RESERVED = GIVEN_BACK = ["one:with"]  # an attempt
OWN_PASSWORD = ["select", *RESERVED, "one:select", *GIVEN_BACK]  # the device of the session first
# sessions beyond the limit end, and services are told; devices beyond the limit go; the device; the session, its event
SIGNED_IN = ["with", "delete", "insert", "insert", "insert"]
EMAIL = ["select", "insert"]  # the recipient is locked; the email, if it is within the limits
LOCKED = ["select"] * 3  # the account with its session, the organization, whether the caller is still an admin


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("GET", "/auth/me", None, ["one:select"]),
        # the account is set as the tenant; the event, the account and its twelve lists
        ("GET", "/auth/me/export", None, ["select", "select", "insert", *["select"] * 13]),
        ("PATCH", "/auth/me", {"first_name": "Ada"}, ["select", "select", "update", "insert"]),
        ("GET", "/auth/sessions", None, ["select", "select"]),
        ("GET", "/auth/audit-events", None, ["select", "select"]),
        ("DELETE", "/auth/sessions", None, ["select", "with"]),
        ("POST", "/auth/logout", None, ["select", "with", "insert"]),
        ("GET", "/organizations", None, ["select", "select"]),
        ("GET", "/organizations?slug=acme", None, ["select", "select"]),
        # lock the account, count what it has created; set the tenant; the organization, its admin and the event
        ("POST", "/organizations", {"name": "New"}, [*["select"] * 4, "insert", "insert", "insert"]),
        ("GET", "/organizations/{organization_id}", None, ["one:select"]),
        ("PATCH", "/organizations/{organization_id}", {"name": "New"}, ["select", *LOCKED, "update", "insert"]),
        ("DELETE", "/organizations/{organization_id}", None, ["select", *LOCKED, "update", "insert"]),
        ("GET", "/organizations/{organization_id}/members", None, ["select", "select"]),
        ("GET", "/organizations/{organization_id}/invitations", None, ["select", "select"]),
        ("GET", "/organizations/{organization_id}/api-keys", None, ["select", "select"]),
        (
            "PATCH",
            "/organizations/{organization_id}/api-keys/{api_key_id}",
            {"name": "New"},
            ["select", *LOCKED, "select", "update", "insert"],
        ),
        ("GET", "/organizations/{organization_id}/audit-events", None, ["select", "select"]),
        # the event with its leaf, the checkpoint, the leaves beside it
        ("GET", "/organizations/{organization_id}/audit-events/{event_id}/proof", None, ["select"] * 4),
        # lock, look who else is an admin; revoke the member's own invitations; the member for the reply
        (
            "PATCH",
            "/organizations/{organization_id}/members/{member_id}",
            {"role": "developer"},
            ["select", *LOCKED, "select", "update", "with", "insert", "select"],
        ),
        (
            "DELETE",
            "/organizations/{organization_id}/members/{member_id}",
            None,
            ["select", *LOCKED, "select", "with", "delete", "insert"],
        ),
        # whether it is a member's address; what has expired; how many are pending; token, invitation, email and event
        (
            "POST",
            "/organizations/{organization_id}/invitations",
            {"email": "new@example.com", "role": "viewer"},
            ["select", *LOCKED, "select", "update", "select", "insert", "insert", *EMAIL, "insert"],
        ),
        (
            "POST",
            "/organizations/{organization_id}/api-keys",
            {"name": "k", "role": "viewer"},
            ["select", *LOCKED, "select", "insert", "insert"],
        ),
        ("GET", "/organizations/{organization_id}/webhooks", None, ["select", "select"]),
        ("GET", "/organizations/{organization_id}/webhooks/{webhook_id}", None, ["select", "select"]),
        ("GET", "/organizations/{organization_id}/webhooks/{webhook_id}/deliveries", None, ["select"] * 3),
        # how many there are; the webhook and its event
        (
            "POST",
            "/organizations/{organization_id}/webhooks",
            {"url": "https://example.com/", "actions": None},
            ["select", *LOCKED, "select", "insert", "insert"],
        ),
        (
            "PATCH",
            "/organizations/{organization_id}/webhooks/{webhook_id}",
            {"description": "New"},
            ["select", *LOCKED, "select", "update", "insert"],
        ),
        (
            "POST",
            "/organizations/{organization_id}/webhooks/{webhook_id}/rotate-secret",
            {},
            ["select", *LOCKED, "select", "update", "insert"],
        ),
        (
            "DELETE",
            "/organizations/{organization_id}/webhooks/{webhook_id}",
            None,
            ["select", *LOCKED, "update", "insert"],
        ),
        # an event costs the request that records it nothing more where a webhook is
        (
            "PATCH",
            "/organizations/{organization_id}",
            {"name": "{webhook_id}"},
            ["select", *LOCKED, "update", "insert"],
        ),
        ("GET", "/organizations/{organization_id}/trusted-identities", None, ["select", "select"]),
        (
            "POST",
            "/organizations/{organization_id}/trusted-identities",
            RULE,
            ["select", *LOCKED, "select", "insert", "insert"],
        ),
        ("GET", "/auth/mfa", None, ["select", "select"]),
        ("GET", "/auth/passkeys", None, ["select", "select"]),
        ("POST", "/auth/mfa/totp", None, ["select", "select", "insert"]),
        # the password as at sign-in; lock the account; the session and its event
        (
            "POST",
            "/auth/reauthenticate",
            {"password": PASSWORD},
            ["select", *OWN_PASSWORD, "select", "update", "insert"],
        ),
        ("POST", "/auth/refresh", {"refresh_token": "{refresh_token}"}, ["update"]),
        (
            "POST",
            "/auth/login",
            {"email": "{email}", "password": PASSWORD},
            # the account before its password is checked; the attempts are given back; the account is locked and
            # changed; the email about a new device
            [*RESERVED, "one:select", *GIVEN_BACK, "select", "update", *SIGNED_IN, *EMAIL],
        ),
        ("POST", "/auth/login", {"email": "{email}", "password": "Wrong12345"}, [*RESERVED, "one:select", "insert"]),
        ("POST", "/auth/login", {"email": "no@example.com", "password": PASSWORD}, [*RESERVED, "one:select", "insert"]),
        # the account and its event; the token and its email; the account again to lock it
        (
            "POST",
            "/auth/register",
            {"email": "new@example.com", "password": PASSWORD},
            ["insert", "insert", "insert", *EMAIL, "select", *SIGNED_IN],
        ),
        ("POST", "/auth/password/forgot", {"email": "{email}"}, EMAIL),
        ("POST", "/auth/email/resend", {"email": "{email}"}, ["select", *EMAIL]),
        ("POST", "/auth/password/reset", {"token": "junk", "new_password": "AnotherPassword456"}, []),
        # the token and its account; both again, locked, and the token is used; the account is taken back: its sessions,
        # nine tables, tokens, second factor and event; another event; the password, the attempts, event and email
        (
            "POST",
            "/auth/password/reset",
            {"token": "{reset_token}", "new_password": "AnotherPassword456"},
            ["select"] * 4
            + [
                "update",
                *["select", "with"],  # the invitations that the account has sent
                "with",
                *["delete"] * 10,
                "update",
                "update",  # it is no operator's any more
                "insert",
                "insert",
                "update",
                "delete",
                "insert",
                "insert",
            ],
        ),
        # the password as at sign-in; the account is locked and changed; sessions, four tables of sign-ins, a factor
        # that is not confirmed, tokens; event and email
        (
            "POST",
            "/auth/password/change",
            {"current_password": PASSWORD, "new_password": "AnotherPassword456"},
            [
                "select",
                *OWN_PASSWORD,
                "select",
                "update",
                "with",
                *["delete"] * 6,
                "insert",
                *EMAIL,
            ],
        ),
        # the token and its account, locked, and the token is used; the address and the event
        (
            "POST",
            "/auth/email/verify",
            {"token": "{verification_token}"},
            ["select", "select", "select", "update", "update", "delete", "update", "insert"],
        ),
        ("POST", "/auth/email/verify", {"token": "junk"}, []),
        # the password as at sign-in; the account is locked; an earlier change, whether the address is free; tokens,
        # emails and the event
        (
            "POST",
            "/auth/email/change",
            {"new_email": "new@example.com", "password": PASSWORD},
            [
                *["select", *OWN_PASSWORD, *["select"] * 4],
                *["insert", "insert", *EMAIL, *EMAIL, "insert"],
            ],
        ),
        ("POST", "/auth/email/undo", {"token": "junk"}, []),
    ],
)
def test_a_route_sends_these_statements_and_no_other(
    world: World, method: str, path: str, body: dict[str, str] | None, expected: list[str]
) -> None:
    person, member = world.person("Acme"), world.person()
    world.join(member, person.organization_id, "viewer")
    tokens = {"reset_token": "", "verification_token": ""}
    if "{reset_token}" in str(body):
        tokens["reset_token"] = forget(world, person.email)
    if "{verification_token}" in str(body):
        world.caller().call("POST", "/auth/register", {"email": "ada@example.com", "password": PASSWORD})
        tokens["verification_token"] = world.token_for("ada@example.com")
    api_key_id = ""
    if "{api_key_id}" in path:
        keys = f"/organizations/{person.organization_id}/api-keys"
        api_key_id = person.call("POST", keys, {"name": "k", "role": "viewer"}).get_json()["id"]
    webhook_id = ""
    if "{webhook_id}" in f"{path}{body}":
        hook = {"url": "https://example.com/", "actions": None}
        webhook_id = person.call("POST", f"/organizations/{person.organization_id}/webhooks", hook).get_json()["id"]
    event_id = ""
    if "{event_id}" in path:
        seal(world)
        [[event_id]] = world.sql("SELECT id FROM audit_events WHERE action = 'organization.created'")
    known = {
        **tokens,
        "api_key_id": api_key_id,
        "event_id": str(event_id),
        "webhook_id": webhook_id,
        "member_id": str(member.id),
        "email": person.email,
        "organization_id": person.organization_id,
        "refresh_token": person.refresh_token,
    }
    filled = {
        name: value.format(**known) if isinstance(value, str) else value for name, value in (body or {}).items()
    } or None
    with statements(world.app) as sent:
        response = person.call(method, path.format(**known), filled)
    assert response.status_code in (200, 201, 202, 204, 401, 410)
    assert sent == expected


def test_completing_a_sign_in_with_a_second_factor_sends_these_statements(world: World) -> None:
    app = enrol(person := world.person())
    token = begin(world, person)
    with statements(world.app) as sent:
        assert complete(world, token, code=app.code()).status_code == 200
    # the challenge; the attempt; the account is locked, and the challenge still there
    expected = ["select", *RESERVED, "select", "select"]
    # the secret and its step; the attempt is uncounted; the challenge goes
    expected += ["select", "update", "with", "delete"]
    assert sent == [*expected, "select", "update", *SIGNED_IN, *EMAIL]  # as at sign-in


def test_a_passkey_sends_these_statements(world: World) -> None:
    person = world.person()
    with statements(world.app) as sent:
        begun = begin_registration(person)
    # the account is locked; its passkeys; a challenge; the user handle
    assert sent == ["select", "select", "select", "insert", "insert", "select"]
    passkey = Passkey()
    body = {"challenge_id": begun["challenge_id"], "passkey": passkey.create(begun["options"])}
    with statements(world.app) as sent:
        assert person.call("POST", "/auth/passkeys", body).status_code == 201
    # the account is locked; the challenge goes; how many there are; the passkey, its event and email; the address is to
    # be verified anew
    assert sent == ["select", "select", "delete", "select", "insert", "insert", *EMAIL, "select", *EMAIL, "delete"]
    with statements(world.app) as sent:
        signed_in = begin_sign_in(world)
    assert sent == ["insert"]
    body = {"challenge_id": signed_in["challenge_id"], "passkey": passkey.get(signed_in["options"])}
    with statements(world.app) as sent:
        assert world.caller().call("POST", "/auth/login/passkey", body).status_code == 200
    # the challenge goes; the passkey; the account is locked; the counter; then as at sign-in
    assert sent == ["delete", "select", "select", "update", "select", "update", *SIGNED_IN, *EMAIL]
    [shown] = person.call("GET", "/auth/passkeys").get_json()["items"]
    with statements(world.app) as sent:
        assert person.call("DELETE", f"/auth/passkeys/{shown['id']}").status_code == 204
    # the account is locked; the passkey goes; whether there is another way in; other sessions and their event; sign-ins
    # that wait; whether it was an operator's last second factor; event and email
    assert sent == ["select", "select", "delete", "select", "with", "insert", "delete", "update", "insert", *EMAIL]


def test_a_refused_token_costs_one_statement_and_junk_costs_none(world: World) -> None:
    person = world.person()
    person.call("POST", "/auth/logout")
    with statements(world.app) as sent:
        assert person.call("GET", "/auth/me").status_code == 401
        assert world.caller("junk").call("GET", "/auth/me").status_code == 401
        assert world.caller().call("GET", "/auth/me").status_code == 401
    assert sent == ["one:select"]
