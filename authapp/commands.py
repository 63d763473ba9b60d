"""The operator's commands: `flask --app wsgi COMMAND --help`."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any, cast
from uuid import UUID

import click
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext
from marshmallow import ValidationError
from sqlalchemy.exc import OperationalError

from authapp.core import mail, tenancy, transaction
from authapp.core.application import guard_of
from authapp.core.errors import LastAdmin, MemberNotFound
from authapp.core.openapi import routes
from authapp.delivery import deliver_until
from authapp.schemas.fields import canonical_email
from authapp.services import accounts, members, outbox
from authapp.services import organizations as organization_service

users = AppGroup("users", help="Switch accounts off and on, and see where they belong.")
organizations = AppGroup("organizations", help="Step in where an organization cannot help itself.")
letters = AppGroup("letters", help="Look after letters that could not be delivered.")


def init_commands(app: Flask) -> None:
    """Add the commands to the flask command."""
    for command in (guards, users, organizations, letters, worker):
        app.cli.add_command(command)


@click.command()
@with_appcontext
def guards() -> None:
    """Print the whole policy: every route, its method and its guard."""
    policy = list(routes(current_app))
    width = max(len(rule.rule) for rule, _, _ in policy)
    for rule, method, view in policy:
        click.echo(f"{method:7} {rule.rule:{width}} {guard_of(view)}")


@click.command()
@with_appcontext
def worker() -> None:
    """Send the letters of the outbox until it is told to stop (SIGTERM, Ctrl-C)."""
    mailer = mail.mailer()
    if mailer is None:
        raise click.ClickException("MAIL_URL is not set. Give a mail server: smtp://user:password@host:587")
    stopped = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        # not in the handler itself: it may interrupt the very lock that it would wait for
        signal.signal(number, lambda *_: Thread(target=stopped.set).start())
    click.echo("Sending letters. Stop with Ctrl-C.")
    deliver_until(stopped, cast("Any", current_app)._get_current_object(), mailer)


@letters.command()
def dead() -> None:
    """List the letters that were given up."""
    with _committed():
        found = outbox.dead()
        for letter in found:
            when = f"{letter.dead_at:%Y-%m-%d %H:%M} UTC"
            click.echo(f"{letter.id}  {when}  {letter.kind} to {letter.recipient}: {letter.last_error}")
    if not found:
        click.echo("No letter is dead.")


@letters.command()
@click.argument("letter_id", type=click.UUID)
def retry(letter_id: UUID) -> None:
    """Try the dead letter with this LETTER_ID again."""
    with _committed():
        if not outbox.revive(letter_id):
            raise click.ClickException(f"There is no dead letter {letter_id}. List them with: letters dead")
    click.echo("It is due now.")


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


@users.command("organizations")
@click.argument("email")
def list_organizations(email: str) -> None:
    """List where the account with this EMAIL belongs: the ids that other commands ask for, roles and names."""
    with _committed():
        found = organization_service.of_address(_address(email))
    if found is None:
        raise _no_account(email)
    for organization in found:
        click.echo(f"{organization.id}  {organization.role:9}  {organization.slug}  {organization.name}")


@organizations.command()
@click.argument("organization_id", type=click.UUID)
@click.argument("email")
def promote(organization_id: UUID, email: str) -> None:
    """Make the member with this EMAIL an admin of the organization with this ORGANIZATION_ID."""
    address = _address(email)
    with _committed():
        members.promote(organization_id, address)
    click.echo(f"{address} is now an admin.")


@organizations.command()
@click.argument("organization_id", type=click.UUID)
@click.argument("number", type=click.IntRange(min=1))
def seats(organization_id: UUID, number: int) -> None:
    """Let the organization with this ORGANIZATION_ID have this NUMBER of members. Who is a member already stays."""
    with _committed():
        tenancy.open_organization(organization_id)
        if not organization_service.set_seats(organization_id, number):
            raise click.ClickException(f"There is no organization {organization_id}.")
    click.echo(f"Seats: {number}")


@organizations.command()
@click.argument("organization_id", type=click.UUID)
def delete(organization_id: UUID) -> None:
    """Delete the organization with this ORGANIZATION_ID. Its members, invitations and API keys lose it at once."""
    with _committed():
        tenancy.open_organization(organization_id)
        if not organization_service.delete(organization_id):
            raise click.ClickException(f"There is no organization {organization_id}.")
    click.echo("It is deleted.")


def _set_active(email: str, *, active: bool) -> None:
    address = _address(email)
    with _committed():
        if not accounts.set_active(address, active):
            raise _no_account(email)
    click.echo(f"{address} is now {'active' if active else 'inactive'}.")


def _no_account(email: str) -> click.ClickException:
    return click.ClickException(f"There is no account with the email {email}.")


def _address(email: str) -> str:
    """The canonical form, or what nobody has."""
    try:
        return canonical_email(email)
    except ValidationError:
        return ""


@contextmanager
def _committed() -> Iterator[None]:
    """One command, one transaction; what goes wrong is said in a sentence."""
    try:
        yield
        transaction.commit()
    except LastAdmin as error:
        way_out = "Run organizations promote ID EMAIL, or organizations delete ID, first."
        raise click.ClickException(f"This is the only active admin of {error.reason}. {way_out}") from None
    except MemberNotFound:
        raise click.ClickException("There is no such active member, or no such organization.") from None
    except OperationalError as error:
        raise click.ClickException(f"The database cannot be reached: {error.orig}") from None
