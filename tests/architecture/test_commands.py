"""The operator's commands."""

from __future__ import annotations

import re

import click
import pytest

from authapp.web.application import Application
from tests.factories import PASSWORD, UNKNOWN_ID, AppWith, World
from tests.pages import page


def test_a_deactivated_account_is_refused_until_it_is_activated(world: World) -> None:
    person = world.person()
    operator = world.app.test_cli_runner()
    said = operator.invoke(args=["users", "deactivate", person.email.upper()])
    assert (said.exit_code, said.output) == (0, f"{person.email} is now inactive.\n")
    assert person.call("GET", "/auth/me").status_code == 401
    credentials = {"email": person.email, "password": PASSWORD}
    assert world.caller().call("POST", "/auth/login", credentials).status_code == 403
    assert operator.invoke(args=["users", "activate", person.email]).output == f"{person.email} is now active.\n"
    assert person.call("GET", "/auth/me").status_code == 401  # what has ended stays so
    assert world.caller().call("POST", "/auth/login", credentials).status_code == 200
    recorded = world.sql("SELECT action, actor_id FROM audit_events WHERE action LIKE 'user.%activated' ORDER BY id")
    assert [tuple(row) for row in recorded] == [("user.deactivated", None), ("user.activated", None)]


@pytest.mark.parametrize("command", ["activate", "deactivate", "organizations", "reset-mfa", "sign-out"])
@pytest.mark.parametrize("email", ["nobody@example.com", "no address"])
def test_a_command_says_that_there_is_no_account_with_an_email(world: World, command: str, email: str) -> None:
    said = world.app.test_cli_runner().invoke(args=["users", command, email])
    assert said.exit_code == 1
    assert said.output == f"Error: There is no account with the email {email}.\n"


OWN = ("audit", "guards", "users", "organizations", "outbox", "worker")


def commands(app: Application) -> list[list[str]]:
    """authapp's own commands, without Flask's."""
    groups = {name: app.cli.commands[name] for name in OWN}
    return [
        [name, *sub]
        for name, command in groups.items()
        for sub in ([[each] for each in command.commands] if isinstance(command, click.Group) else [[]])
    ]


def test_every_command_explains_itself(world: World) -> None:
    for command in [*([name] for name in OWN), *commands(world.app)]:
        said = world.app.test_cli_runner().invoke(args=[*command, "--help"])
        assert said.exit_code == 0, command
        assert said.output.startswith("Usage:")
        assert len(said.output.splitlines()) >= 5


def test_the_docs_list_every_command(app: Application) -> None:
    rows = re.findall(r"^\| `flask --app wsgi ([a-z -]+?)(?: [A-Z ]+)?` \|", page("docs/operating.md"), re.MULTILINE)
    assert sorted(rows) == sorted(["db upgrade", *map(" ".join, commands(app))])


def test_organizations_promote_appoints_an_admin_so_that_the_founder_can_be_deactivated(world: World) -> None:
    founder, member = world.person("Acme"), world.person()
    world.join(member, founder.organization_id, "viewer")
    operator = world.app.test_cli_runner()
    said = operator.invoke(args=["organizations", "promote", founder.organization_id, member.email])
    assert (said.exit_code, said.output) == (0, f"{member.email} is now an admin.\n")
    assert member.call("GET", f"/organizations/{founder.organization_id}").get_json()["role"] == "admin"
    assert operator.invoke(args=["users", "deactivate", founder.email]).exit_code == 0
    events = member.call("GET", f"/organizations/{founder.organization_id}/audit-events").get_json()["items"]
    assert (events[0]["action"], events[0]["actor_id"]) == ("member.role.changed", None)


def test_users_sign_out_ends_the_sessions_of_one_account_or_of_everybody(world: World) -> None:
    person, other = world.person(), world.person()
    second = world.sign_in(person)
    operator = world.app.test_cli_runner()
    assert operator.invoke(args=["users", "sign-out", person.email.upper()]).output == "Sessions ended: 2\n"
    for caller in (person, second):
        assert caller.call("GET", "/auth/me").status_code == 401
    assert person.call("POST", "/auth/refresh", {"refresh_token": person.refresh_token}).status_code == 401
    assert other.call("GET", "/auth/me").status_code == 200
    again = world.sign_in(person)
    assert operator.invoke(args=["users", "sign-out", "--everybody"], input="n\n").exit_code == 1
    assert again.call("GET", "/auth/me").status_code == 200
    assert operator.invoke(args=["users", "sign-out", "--everybody", "--yes"]).output == "Sessions ended: 2\n"
    assert (again.call("GET", "/auth/me").status_code, other.call("GET", "/auth/me").status_code) == (401, 401)
    assert operator.invoke(args=["users", "sign-out", "--everybody", "--yes"]).output == "Sessions ended: 0\n"
    events = world.sql("SELECT user_id, details FROM audit_events WHERE action = 'session.ended' ORDER BY id")
    ended = {"reason": "revoked", "count": 2}
    assert [tuple(event) for event in events] == [(person.id, ended), (None, ended)]


@pytest.mark.parametrize("arguments", [[], ["ada@example.com", "--everybody"]])
def test_users_sign_out_asks_for_one_account_or_everybody(world: World, arguments: list[str]) -> None:
    assert world.app.test_cli_runner().invoke(args=["users", "sign-out", *arguments]).exit_code == 2


def test_users_organizations_lists_ids_and_roles(world: World) -> None:
    person, other = world.person("Acme"), world.person("Globex")
    world.join(person, other.organization_id, "viewer")
    said = world.app.test_cli_runner().invoke(args=["users", "organizations", person.email]).output
    assert said == (
        f"{person.organization_id}  admin      acme  Acme\n{other.organization_id}  viewer     globex  Globex\n"
    )


def test_organizations_seats_sets_the_number_of_members(world: World) -> None:
    founder = world.person("Acme")
    operator = world.app.test_cli_runner()
    assert operator.invoke(args=["organizations", "seats", founder.organization_id, "3"]).output == "Seats: 3\n"
    organization = founder.call("GET", f"/organizations/{founder.organization_id}").get_json()
    assert organization["subscription"]["seats"] == 3
    assert operator.invoke(args=["organizations", "seats", UNKNOWN_ID, "3"]).exit_code == 1
    assert operator.invoke(args=["organizations", "seats", founder.organization_id, "0"]).exit_code == 2


def test_a_change_to_the_present_value_leaves_no_audit_event(world: World) -> None:
    founder = world.person("Acme")
    world.join(world.person(), founder.organization_id, "admin")
    operator = world.app.test_cli_runner()
    operator.invoke(args=["organizations", "promote", founder.organization_id, founder.email])
    operator.invoke(args=["users", "activate", founder.email])
    founder.call("PATCH", f"/organizations/{founder.organization_id}", {"name": "Acme"})
    founder.call("PATCH", "/auth/me", {"first_name": None})
    recorded = {row.action for row in world.sql("SELECT action FROM audit_events")}
    assert recorded == {"user.registered", "session.started", "organization.created"}


def test_organizations_delete_shows_the_organization_and_asks(world: World) -> None:
    founder = world.person("Acme")
    world.api_key(founder, founder.organization_id, "viewer")
    operator, command = world.app.test_cli_runner(), ["organizations", "delete", founder.organization_id]
    shown = "Acme (acme), members: 1, invitations: 0, API keys: 1\n"
    refused = operator.invoke(args=command, input="n\n")
    assert (refused.exit_code, refused.output) == (1, f"{shown}Delete it? [y/N]: n\nAborted!\n")
    assert founder.call("GET", f"/organizations/{founder.organization_id}").status_code == 200
    assert operator.invoke(args=[*command, "--yes"]).output == f"{shown}It is deleted.\n"
    assert founder.call("GET", f"/organizations/{founder.organization_id}").status_code == 403
    assert operator.invoke(args=[*command, "--yes"]).exit_code == 1
    assert operator.invoke(args=["users", "deactivate", founder.email]).exit_code == 0


def test_commands_say_in_a_sentence_that_the_database_is_away(app_with: AppWith) -> None:
    operator = app_with(database_url="postgresql://nobody@127.0.0.1:1/none").test_cli_runner()
    for command in (["db", "upgrade"], ["users", "activate", "ada@example.com"], ["outbox", "list"]):
        said = operator.invoke(args=command)
        assert said.exit_code == 1, said.output
        assert said.output.startswith("Error: The database cannot be reached: ")


def test_outbox_list_shows_the_emails_that_wait(world: World) -> None:
    operator = world.app.test_cli_runner()
    assert operator.invoke(args=["outbox", "list"]).output == "No email waits.\n"
    founder = world.person("Acme")
    body = {"email": "grace@example.com", "role": "viewer"}
    assert founder.call("POST", f"/organizations/{founder.organization_id}/invitations", body).status_code == 201
    [line] = operator.invoke(args=["outbox", "list"]).output.splitlines()
    assert line.endswith("UTC  invitation to grace@example.com")


@pytest.mark.parametrize(
    ("organization", "email"), [(UNKNOWN_ID, "{founder}"), ("{id}", "nobody@example.com"), ("{id}", "no address")]
)
def test_only_a_member_can_be_promoted(world: World, organization: str, email: str) -> None:
    founder = world.person("Acme")
    arguments = [organization.format(id=founder.organization_id), email.format(founder=founder.email)]
    said = world.app.test_cli_runner().invoke(args=["organizations", "promote", *arguments])
    assert (said.exit_code, said.output) == (1, "Error: There is no such active member, or no such organization.\n")
