"""The operator's commands."""

from __future__ import annotations

import pytest

from tests.factories import PASSWORD, World


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


@pytest.mark.parametrize("email", ["nobody@example.com", "no address"])
def test_an_account_that_is_not_there_is_said_to_be_so(world: World, email: str) -> None:
    said = world.app.test_cli_runner().invoke(args=["users", "deactivate", email])
    assert said.exit_code == 1
    assert said.output == f"Error: There is no account with the email {email}.\n"


@pytest.mark.parametrize("command", [["guards"], ["users"], ["users", "activate"], ["users", "deactivate"]])
def test_every_command_explains_itself(world: World, command: list[str]) -> None:
    said = world.app.test_cli_runner().invoke(args=[*command, "--help"])
    assert said.exit_code == 0
    assert said.output.startswith("Usage:")
    assert len(said.output.splitlines()) >= 5
