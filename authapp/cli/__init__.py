"""The operator's commands: `flask --app wsgi COMMAND --help`. A file for each group. Imports services, mail and web."""

from __future__ import annotations

from flask import Flask

from authapp.cli import users_import  # noqa: F401  it adds a command to users
from authapp.cli.audit import audit
from authapp.cli.doctor import doctor
from authapp.cli.erasure import erase_account, purge_organization, undelete_organization
from authapp.cli.exports import export_account, export_organization
from authapp.cli.guards import guards
from authapp.cli.keys import keys
from authapp.cli.openapi import openapi
from authapp.cli.organizations import organizations
from authapp.cli.outbox import outbox
from authapp.cli.rekey import rekey
from authapp.cli.service_keys import service_keys
from authapp.cli.sessions import sessions
from authapp.cli.users import users
from authapp.cli.worker import worker

for _command in (erase_account, export_account):
    users.add_command(_command)
for _command in (export_organization, purge_organization, undelete_organization):
    organizations.add_command(_command)


def init_cli(app: Flask) -> None:
    """Add the commands to the flask command."""
    for command in (
        audit, doctor, guards, openapi, users, organizations, sessions, outbox, keys, rekey, service_keys, worker,
    ):  # fmt: skip
        app.cli.add_command(command)
