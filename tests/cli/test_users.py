"""`flask users`."""

from __future__ import annotations

import pytest

from authapp.cli import listing
from tests.cli.commands import as_json, said
from tests.factories import PASSWORD, UNKNOWN_ID, AppWith, Person, World
from tests.features.passwords.test_passwords import verified
from tests.passkeys import with_passkey
from tests.second_factors import enrol

ADA = "ada@example.com"


def status_of_sign_in(world: World, email: str, password: str = PASSWORD) -> int:
    return world.caller().call("POST", "/auth/login", {"email": email, "password": password}).status_code


def test_a_deactivated_account_is_refused_until_it_is_activated(world: World) -> None:
    person = world.person()
    assert said(world, "users", "deactivate", person.email.upper()) == f"{person.email} is now inactive.\n"
    assert person.call("GET", "/auth/me").status_code == 401
    assert status_of_sign_in(world, person.email) == 403
    assert said(world, "users", "deactivate", person.email) == f"{person.email} was inactive already.\n"
    assert said(world, "users", "activate", str(person.id)) == f"{person.email} is now active.\n"
    assert said(world, "users", "activate", person.email) == f"{person.email} was active already.\n"
    assert person.call("GET", "/auth/me").status_code == 401  # what has ended stays so
    assert status_of_sign_in(world, person.email) == 200
    recorded = world.sql("SELECT action, actor_id FROM audit_events WHERE action LIKE 'user.%activated' ORDER BY id")
    assert [tuple(row) for row in recorded] == [("user.deactivated", None), ("user.activated", None)]


def test_deactivating_always_works_and_suspends_what_has_no_other_active_admin(world: World) -> None:
    founder, member, other = world.person("Alone"), world.person("Shared"), world.person()
    world.join(other, founder.organization_id, "developer")
    world.join(founder, member.organization_id, "admin")
    alone = {"id": founder.organization_id, "slug": "alone", "name": "Alone"}
    found = as_json(world, "users", "deactivate", founder.email)
    assert found == {"email": founder.email, "is_active": False, "suspended": [alone]}
    refused = other.call("GET", f"/organizations/{founder.organization_id}").get_json()
    assert refused["code"] == "organization_suspended"
    assert member.call("GET", f"/organizations/{member.organization_id}").status_code == 200
    assert as_json(world, "users", "deactivate", founder.email)["suspended"] == []
    found = as_json(world, "users", "activate", founder.email)
    assert found == {"email": founder.email, "is_active": True, "restored": [alone], "suspended": []}
    assert other.call("GET", f"/organizations/{founder.organization_id}").status_code == 200
    actions = world.sql("SELECT action, details, target_id FROM audit_events WHERE action ~ 'suspended|restored'")
    assert [(row.action, row.details, str(row.target_id)) for row in actions] == [
        ("organization.suspended", {"reason": "no_admin"}, alone["id"]),
        ("organization.restored", {}, alone["id"]),
    ]


def test_activating_leaves_suspended_what_an_operator_has_suspended(world: World) -> None:
    founder = world.person("Acme")
    line = f"{founder.organization_id}  acme  Acme\n"
    text = said(world, "users", "deactivate", founder.email)
    assert text == f"{founder.email} is now inactive.\nSuspended with it, as it was the last active admin:\n{line}"
    assert said(world, "organizations", "suspend", "acme") == "Acme (acme) is now suspended.\n"
    text = said(world, "users", "activate", founder.email)
    assert text == f"{founder.email} is now active.\nStill suspended by an operator (organizations restore ID):\n{line}"
    assert said(world, "organizations", "restore", "acme") == "Acme (acme) is restored.\n"
    again = world.sign_in(founder)
    assert again.call("GET", f"/organizations/{founder.organization_id}").status_code == 200


@pytest.mark.parametrize("command", ["activate", "deactivate", "end-sessions", "organizations", "reset-mfa", "show"])
@pytest.mark.parametrize("email", ["nobody@example.com", "no address", UNKNOWN_ID])
def test_a_command_says_that_there_is_no_account_with_an_email(world: World, command: str, email: str) -> None:
    assert said(world, "users", command, email, status=1) == f"Error: There is no account with the email {email}.\n"


def test_an_account_is_created_with_a_password_and_verifies_its_address(world: World) -> None:
    arguments = ["users", "create", "Ada@Example.com", "--first-name", "Ada", "--password-stdin"]
    found = as_json(world, *arguments, stdin=f"{PASSWORD}\nmore\n")
    assert found == {"id": found["id"], "email": ADA, "has_password": True, "email_verified": False}
    assert "An account was made for you at authapp, with the address ada@example.com." in world.emails()[-1][1].text
    body = {"token": world.token_for(ADA)}
    assert world.caller().call("POST", "/auth/email/verify", body).status_code == 204
    answer = world.caller().call("POST", "/auth/login", {"email": ADA, "password": PASSWORD}).get_json()
    assert (answer["user"]["id"], answer["user"]["first_name"]) == (found["id"], "Ada")
    [[actor_id]] = world.sql("SELECT actor_id FROM audit_events WHERE action = 'user.registered'")
    assert actor_id is None


def test_an_account_that_is_created_without_a_password_gets_an_email_to_set_one(world: World) -> None:
    text = said(world, "users", "create", ADA)
    assert text.endswith("\nAn email lets its owner set a password.\n")
    [(_, email)] = world.emails()
    assert email.subject == "Set a password for your account"
    assert "An account was made for you at authapp, with the address ada@example.com." in email.text
    assert "Somebody" not in email.text
    body = {"token": world.token_for(ADA), "new_password": PASSWORD}
    assert world.caller().call("POST", "/auth/password/reset", body).status_code == 204
    assert status_of_sign_in(world, ADA) == 200


def test_an_account_that_is_created_verified_with_a_password_gets_no_email(world: World) -> None:
    found = as_json(world, "users", "create", ADA, "--verified", "--password-stdin", stdin=PASSWORD)
    assert (found["email_verified"], world.emails()) == (True, [])


@pytest.mark.parametrize(
    ("arguments", "stdin", "text"),
    [
        (["no address"], None, "email: Not a valid email address."),
        ([ADA, "--first-name", "a\nb"], None, "first_name: "),
        ([ADA, "--password-stdin"], "short1", "password: "),
        ([ADA, "--password-stdin"], "", "password: "),
        (["person1@example.com"], None, "There is an account with this email already. See: users show person1@"),
    ],
)
def test_no_account_is_created_that_could_not_register(
    world: World, arguments: list[str], stdin: str | None, text: str
) -> None:
    world.person()
    assert said(world, "users", "create", *arguments, status=1, stdin=stdin).startswith(f"Error: {text}")
    assert len(world.sql("SELECT FROM users")) == 1


def test_an_address_that_its_account_can_change_back_to_is_taken(world: World) -> None:
    person = verified(world)
    person.call("POST", "/auth/email/change", {"new_email": "new@example.com", "password": PASSWORD})
    world.caller().call("POST", "/auth/email/verify", {"token": world.token_for("new@example.com")})
    text = said(world, "users", "create", person.email, status=1)
    assert text.startswith("Error: An account has had this email, and its owner can undo that change still.")


def test_users_show_tells_the_state_of_an_account_and_no_secret(world: World) -> None:
    person = world.person("Acme", first_name="Ada")
    enrol(person)
    with_passkey(person)
    found = as_json(world, "users", "show", str(person.id))
    counts = {"sessions": 1, "passkeys": 1, "recovery_codes_left": 10, "identities": 0, "organizations": 1}
    assert found.items() >= {"email": person.email, "mfa_enabled": True, "is_active": True, **counts}.items()
    assert not [name for name in found if "hash" in name or "secret" in name]
    lines = said(world, "users", "show", person.email).splitlines()
    assert lines[0] == person.email
    assert {"first name: Ada", "last name: none", "second factor: yes", "recovery codes left: 10"} <= {*lines}
    assert "last sign-in: never" in lines  # it has registered


def test_users_list_reads_page_by_page(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "PAGE_SIZE", 2)
    people = [world.person() for _ in range(5)]
    said(world, "users", "deactivate", people[3].email)
    listed = [user["email"] for user in as_json(world, "users", "list")]
    assert listed == [person.email for person in people]
    assert said(world, "users", "list", "--inactive") == f"{people[3].id}  inactive  {people[3].email}\n"
    assert len(said(world, "users", "list", "--active").splitlines()) == 4
    assert [user["email"] for user in as_json(world, "users", "list", "--search", "PERSON5")] == [people[4].email]
    assert said(world, "users", "list", "--search", "%") == "No account has % in its email.\n"
    assert as_json(world, "users", "list", "--search", "%") == []


def test_users_end_sessions_ends_those_of_one_account_or_of_everybody(world: World) -> None:
    person, other = world.person(), world.person()
    second = world.sign_in(person)
    assert said(world, "users", "end-sessions", person.email.upper()) == "Sessions ended: 2\n"
    for caller in (person, second):
        assert caller.call("GET", "/auth/me").status_code == 401
    assert person.call("POST", "/auth/refresh", {"refresh_token": person.refresh_token}).status_code == 401
    assert other.call("GET", "/auth/me").status_code == 200
    again = world.sign_in(person)
    said(world, "users", "end-sessions", "--everybody", status=1, stdin="n\n")
    assert again.call("GET", "/auth/me").status_code == 200
    assert as_json(world, "users", "end-sessions", "--everybody", "--yes") == {"ended": 2}
    assert (again.call("GET", "/auth/me").status_code, other.call("GET", "/auth/me").status_code) == (401, 401)
    assert said(world, "users", "end-sessions", "--everybody", "--yes") == "Sessions ended: 0\n"
    events = world.sql("SELECT user_id, details FROM audit_events WHERE action = 'session.ended' ORDER BY id")
    ended = {"reason": "revoked", "count": 2}
    assert [tuple(event) for event in events] == [(person.id, ended), (None, ended)]


@pytest.mark.parametrize("arguments", [[], [ADA, "--everybody"]])
def test_users_end_sessions_asks_for_one_account_or_everybody(world: World, arguments: list[str]) -> None:
    said(world, "users", "end-sessions", *arguments, status=2)


def test_users_reset_mfa_is_for_an_account_that_has_a_second_factor(world: World) -> None:
    person = world.person()
    text = f"Error: {person.email} has no second factor.\n"
    assert said(world, "users", "reset-mfa", person.email, status=1) == text
    enrol(person)
    assert "Its passkeys stay." in said(world, "users", "reset-mfa", "--help")
    assert as_json(world, "users", "reset-mfa", person.email) == {"email": person.email, "mfa_enabled": False}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["users", "list"], "There is no account yet."),
        (["users", "list", "--inactive"], "No account is inactive."),
        (["users", "list", "--active", "--search", "x"], "No active account has x in its email."),
        (["organizations", "list"], "There is no organization yet."),
        (["organizations", "list", "--deleted"], "No organization is deleted."),
        (
            ["organizations", "list", "--suspended", "--search", "x"],
            "No suspended organization has x in its slug or name.",
        ),
    ],
)
def test_an_empty_list_says_what_there_is_none_of(world: World, arguments: list[str], text: str) -> None:
    assert said(world, *arguments) == f"{text}\n"


def test_users_organizations_says_that_there_is_none(world: World) -> None:
    person = world.person()
    assert said(world, "users", "organizations", person.email) == "It is in no organization.\n"
    assert as_json(world, "users", "organizations", person.email) == []


def test_log_lines_of_a_command_go_to_stderr(
    world: World, app_with: AppWith, capfd: pytest.CaptureFixture[str]
) -> None:
    without_mail = world.with_app(app_with(mail_url=""))
    assert as_json(without_mail, "users", "create", ADA)["email"] == ADA
    printed = capfd.readouterr()
    assert "email.waits" in printed.err
    assert "email.waits" not in printed.out
    without_mail.caller().call("GET", "/auth/me")
    assert '"event": "request"' in capfd.readouterr().out


def test_users_organizations_lists_ids_and_roles(world: World) -> None:
    person, other = world.person("Acme"), world.person("Globex")
    world.join(person, other.organization_id, "viewer")
    said(world, "organizations", "suspend", "globex")
    assert said(world, "users", "organizations", person.email) == (
        f"{person.organization_id}  admin      acme  Acme\n"
        f"{other.organization_id}  viewer     globex  Globex  (suspended)\n"
    )
    acme, globex = as_json(world, "users", "organizations", person.email)
    assert acme == shown(person, "acme", "Acme", "admin")
    assert globex["suspended_at"] is not None


def shown(person: Person, slug: str, name: str, role: str) -> dict[str, object]:
    return {"id": person.organization_id, "slug": slug, "name": name, "role": role, "suspended_at": None}
