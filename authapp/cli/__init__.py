"""The operator's commands: `flask --app wsgi COMMAND --help`. A file for each group. Imports services, mail and web."""

from __future__ import annotations

from typing import Any

import click
from flask import Flask

from authapp.cli import users_import  # noqa: F401  it adds a command to users
from authapp.cli.audit import audit
from authapp.cli.doctor import doctor
from authapp.cli.erasure import erase_account, purge_organization, undelete_organization
from authapp.cli.exports import export_account, export_organization
from authapp.cli.guards import guards
from authapp.cli.keys import keys
from authapp.cli.openapi import openapi
from authapp.cli.operators import operators
from authapp.cli.organizations import organizations
from authapp.cli.outbox import outbox
from authapp.cli.rekey import rekey
from authapp.cli.service_keys import service_keys
from authapp.cli.sessions import sessions
from authapp.cli.users import users
from authapp.cli.worker import worker
from authapp.core.logging import logs_on_stderr

for _command in (erase_account, export_account):
    users.add_command(_command)
for _command in (export_organization, purge_organization, undelete_organization):
    organizations.add_command(_command)


def _log_on_stderr(command: click.Command) -> None:
    """Let the log lines of a command, or of a group, go to stderr, so that its stdout has the result alone."""
    run = command.callback

    def callback(**parameters: Any) -> Any:
        click.get_current_context().with_resource(logs_on_stderr())
        return run(**parameters) if run else None

    command.callback = callback


_RESULTS = (
    audit, doctor, guards, openapi, users, organizations, operators, sessions, outbox, keys, rekey, service_keys,
)  # fmt: skip
for _command in _RESULTS:
    _log_on_stderr(_command)


def init_cli(app: Flask) -> None:
    """Add the commands to the flask command."""
    for command in (*_RESULTS, worker):
        app.cli.add_command(command)
