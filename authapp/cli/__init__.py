"""The operator's commands: `flask --app wsgi COMMAND --help`. A file for each group. Imports services, mail and web."""

from __future__ import annotations

from flask import Flask

from authapp.cli.guards import guards
from authapp.cli.organizations import organizations
from authapp.cli.outbox import outbox
from authapp.cli.sessions import sessions
from authapp.cli.users import users
from authapp.cli.worker import worker


def init_cli(app: Flask) -> None:
    """Add the commands to the flask command."""
    for command in (guards, users, organizations, sessions, outbox, worker):
        app.cli.add_command(command)
