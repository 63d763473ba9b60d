"""The operator's commands: `flask --app wsgi COMMAND --help`."""

from __future__ import annotations

import click
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext
from marshmallow import ValidationError
from sqlalchemy.exc import OperationalError

from authapp.core import transaction
from authapp.core.application import guard_of
from authapp.core.openapi import routes
from authapp.schemas.fields import canonical_email
from authapp.services import accounts

users = AppGroup("users", help="Switch accounts off and on.")


def init_commands(app: Flask) -> None:
    """Add the commands to the flask command."""
    app.cli.add_command(guards)
    app.cli.add_command(users)


@click.command()
@with_appcontext
def guards() -> None:
    """Print the whole policy: every route, its method and its guard."""
    for rule, method, view in routes(current_app):
        click.echo(f"{method:7} {rule.rule:45} {guard_of(view)}")


@users.command()
@click.argument("email")
def deactivate(email: str) -> None:
    """Switch the account with this EMAIL off. Its sessions end."""
    _set_active(email, active=False)


@users.command()
@click.argument("email")
def activate(email: str) -> None:
    """Switch the account with this EMAIL on again."""
    _set_active(email, active=True)


def _set_active(email: str, *, active: bool) -> None:
    try:
        address = canonical_email(email)
        found = accounts.set_active(address, active)
    except ValidationError:
        found = False
    except OperationalError as error:
        raise click.ClickException(f"The database cannot be reached: {error.orig}") from None
    if not found:
        raise click.ClickException(f"There is no account with the email {email}.")
    transaction.commit()
    click.echo(f"{address} is now {'active' if active else 'inactive'}.")
