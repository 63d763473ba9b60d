"""The operator's commands: that each explains itself, is in the docs, and says in a sentence what is wrong.

What they do is in `tests/cli/`.
"""

from __future__ import annotations

import re

import click

from authapp.web.application import Application
from tests.factories import AppWith, World
from tests.pages import page

OWN = (
    "audit", "doctor", "guards", "keys", "openapi", "operators", "organizations", "outbox", "rekey", "service-keys",
    "sessions", "users", "worker",
)  # fmt: skip


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
    assert sorted(rows) == sorted(["db upgrade heads", *map(" ".join, commands(app))])


def test_commands_say_in_a_sentence_that_the_database_is_away(app_with: AppWith) -> None:
    operator = app_with(database_url="postgresql://nobody@127.0.0.1:1/none").test_cli_runner()
    commands = ("db upgrade heads", "users activate ada@example.com", "outbox list", "organizations suspend acme")
    for command in map(str.split, commands):
        said = operator.invoke(args=command)
        assert said.exit_code == 1, said.output
        assert said.output.startswith("Error: The database cannot be reached: ")
        assert "Connection refused. Is the server running" in said.output
