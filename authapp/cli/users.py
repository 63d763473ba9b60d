"""`flask users`."""

from __future__ import annotations

import click
from flask.cli import AppGroup
from marshmallow import ValidationError

from authapp.cli.transaction import committed
from authapp.schemas.emails import canonical_email
from authapp.services import accounts, mfa
from authapp.services import organizations as organization_service

users = AppGroup("users", help="Accounts: deactivate, activate, sign out, remove second factors, list organizations.")


@users.command()
@click.argument("email")
def deactivate(email: str) -> None:
    """Deactivate the account with this EMAIL. Its sessions end."""
    _set_active(email, active=False)


@users.command()
@click.argument("email")
def activate(email: str) -> None:
    """Activate the account with this EMAIL again."""
    _set_active(email, active=True)


@users.command("sign-out")
@click.argument("email", required=False)
@click.option("--everybody", is_flag=True, help="All accounts, in the place of EMAIL.")
@click.option("--yes", is_flag=True, help="Do not ask before everybody is signed out.")
def sign_out(email: str | None, *, everybody: bool, yes: bool) -> None:
    """End every session of the account with this EMAIL. It may sign in again."""
    if everybody is (email is not None):
        raise click.UsageError("Give an EMAIL or --everybody.")
    if everybody and not yes:
        click.confirm("End every session of every account?", abort=True)
    with committed():
        ended = accounts.sign_out_everybody() if email is None else accounts.sign_out(canonical_or_unknown(email))
        if ended is None:
            raise _no_account(email or "")
    click.echo(f"Sessions ended: {ended}")


@users.command("reset-mfa")
@click.argument("email")
def reset_mfa(email: str) -> None:
    """Remove the second factor and the recovery codes of the account with this EMAIL. Its sessions end."""
    address = canonical_or_unknown(email)
    with committed():
        had_factor = mfa.reset(address)
        if had_factor is None:
            raise _no_account(email)
        if not had_factor:
            raise click.ClickException(f"{address} has no second factor.")
    click.echo(f"{address} has no second factor any more. An email tells its owner.")


@users.command("organizations")
@click.argument("email")
def list_organizations(email: str) -> None:
    """List the organizations of the account with this EMAIL: id, role, slug and name."""
    with committed():
        found = organization_service.of_address(canonical_or_unknown(email))
    if found is None:
        raise _no_account(email)
    for organization in found:
        click.echo(f"{organization.id}  {organization.role:9}  {organization.slug}  {organization.name}")


def canonical_or_unknown(email: str) -> str:
    """The canonical form of an address, or an address that nobody has."""
    try:
        return canonical_email(email)
    except ValidationError:
        return ""


def _set_active(email: str, *, active: bool) -> None:
    address = canonical_or_unknown(email)
    with committed():
        if not accounts.set_active(address, active):
            raise _no_account(email)
    click.echo(f"{address} is now {'active' if active else 'inactive'}.")


def _no_account(email: str) -> click.ClickException:
    return click.ClickException(f"There is no account with the email {email}.")
