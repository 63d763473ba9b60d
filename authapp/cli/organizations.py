"""`flask organizations`."""

from __future__ import annotations

from uuid import UUID

import click
from flask.cli import AppGroup

from authapp.cli.transaction import committed
from authapp.cli.users import canonical_or_unknown
from authapp.db import tenancy
from authapp.services import members
from authapp.services import organizations as organization_service

organizations = AppGroup("organizations", help="Promote a member, set the number of seats, delete an organization.")


@organizations.command()
@click.argument("organization_id", type=click.UUID)
@click.argument("email")
def promote(organization_id: UUID, email: str) -> None:
    """Make the member with this EMAIL an admin of the organization with this ORGANIZATION_ID."""
    address = canonical_or_unknown(email)
    with committed():
        members.promote(organization_id, address)
    click.echo(f"{address} is now an admin.")


@organizations.command()
@click.argument("organization_id", type=click.UUID)
@click.argument("number", type=click.IntRange(min=1))
def seats(organization_id: UUID, number: int) -> None:
    """Let the organization with this ORGANIZATION_ID have this NUMBER of members. Present members stay."""
    with committed():
        tenancy.set_tenant(organization_id)
        if not organization_service.set_seats(organization_id, number):
            raise _no_organization(organization_id)
    click.echo(f"Seats: {number}")


@organizations.command()
@click.argument("organization_id", type=click.UUID)
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(organization_id: UUID, *, yes: bool) -> None:
    """Delete the organization with this ORGANIZATION_ID. Its members, invitations and API keys lose it at once."""
    with committed():
        tenancy.set_tenant(organization_id)
        found = organization_service.overview(organization_id)
        if found is None:
            raise _no_organization(organization_id)
        numbers = f"members: {found.members}, invitations: {found.invitations}, API keys: {found.api_keys}"
        click.echo(f"{found.name} ({found.slug}), {numbers}")
        if not yes:
            click.confirm("Delete it?", abort=True)
        organization_service.end(organization_id)
    click.echo("It is deleted.")


def _no_organization(organization_id: UUID) -> click.ClickException:
    return click.ClickException(f"There is no organization {organization_id}.")
