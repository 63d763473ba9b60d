"""`flask organizations`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click
from flask.cli import AppGroup
from sqlalchemy import Row

from authapp.cli.listing import show_list, time_text
from authapp.cli.lookup import canonical_or_unknown, find_organization
from authapp.cli.output import json_option, show
from authapp.cli.transaction import committed
from authapp.core import clock
from authapp.core.enums import SubscriptionStatus
from authapp.db import tenancy
from authapp.db.pagination import Page
from authapp.services import members
from authapp.services import organizations as organization_service
from authapp.services.operator import organizations as operated
from authapp.services.operator import suspension

LONGEST_PLAN = 50
STATUSES = [status.value for status in SubscriptionStatus]
organizations = AppGroup("organizations", help="List and show organizations, suspend, restore, change and delete them.")


@organizations.command("list")
@click.option("--suspended", "state", flag_value="suspended", help="Only those that are suspended.")
@click.option("--deleted", "state", flag_value="deleted", help="Those that are deleted, in the place of the others.")
@click.option("--search", metavar="TEXT", help="Only those with this text in the slug.")
@json_option
def list_organizations(*, state: str | None, search: str | None, as_json: bool) -> None:
    """List the organizations, oldest first."""

    def read(limit: int, cursor: Any) -> Page:
        tenancy.set_operator()
        return operated.listed(limit, cursor, state=state, search=search)

    show_list(as_json, read, _line, "There is no such organization.")


@organizations.command("show")
@click.argument("organization")
@json_option
def show_organization(organization: str, *, as_json: bool) -> None:
    """Show the organization with this id or slug, also one that is deleted."""
    found = _overview(find_organization(organization, deleted=True))
    show(as_json, found._asdict(), *_described(found))


@organizations.command()
@click.argument("organization")
@json_option
def suspend(organization: str, *, as_json: bool) -> None:
    """Suspend the organization with this id or slug: members, API keys and invitations are refused from now on."""
    found = find_organization(organization)
    with committed():
        tenancy.set_tenant(found.id)
        changed = suspension.suspend(found.id)
    text = "is now suspended." if changed else "was suspended already."
    show(as_json, {"id": found.id, "slug": found.slug, "suspended": True}, f"{found.name} ({found.slug}) {text}")


@organizations.command()
@click.argument("organization")
@json_option
def restore(organization: str, *, as_json: bool) -> None:
    """Restore the organization with this id or slug after it was suspended. It needs an active admin."""
    found = find_organization(organization)
    with committed():
        tenancy.set_tenant(found.id)
        changed = suspension.restore(found.id)
    text = "is restored." if changed else "was not suspended."
    show(as_json, {"id": found.id, "slug": found.slug, "suspended": False}, f"{found.name} ({found.slug}) {text}")


@organizations.command()
@click.argument("organization")
@click.argument("email")
@json_option
def promote(organization: str, email: str, *, as_json: bool) -> None:
    """Make the member with this EMAIL an admin of the organization with this id or slug."""
    address, found = canonical_or_unknown(email), find_organization(organization)
    with committed():
        members.promote(found.id, address)
    show(as_json, {"id": found.id, "email": address, "role": "admin"}, f"{address} is now an admin.")


@organizations.command()
@click.argument("organization")
@click.argument("number", type=click.IntRange(min=1), required=False)
@click.option("--unlimited", is_flag=True, help="Any number, in the place of NUMBER.")
@json_option
def seats(organization: str, number: int | None, *, unlimited: bool, as_json: bool) -> None:
    """Let the organization with this id or slug have this NUMBER of members. Present members stay."""
    if unlimited is (number is not None):
        raise click.UsageError("Give a NUMBER or --unlimited.")
    _change(organization, as_json, seats=number)


@organizations.command()
@click.argument("organization")
@click.argument("name")
@click.option("--status", type=click.Choice(STATUSES), help="Of the subscription. Default: as it is.")
@click.option("--trial-ends", type=click.DateTime(["%Y-%m-%d"]), help="The day, in UTC. Default: as it is.")
@json_option
def plan(organization: str, name: str, *, status: str | None, trial_ends: datetime | None, as_json: bool) -> None:
    """Give the organization with this id or slug the plan with this NAME. authapp gives plans no meaning."""
    if len(name) > LONGEST_PLAN:
        raise click.UsageError(f"NAME: at most {LONGEST_PLAN} characters.")
    changes: dict[str, Any] = {"plan": name, "subscription_status": status and SubscriptionStatus(status)}
    changes["trial_ends_at"] = trial_ends and trial_ends.replace(tzinfo=clock.now().tzinfo)
    _change(organization, as_json, **{key: value for key, value in changes.items() if value is not None})


@organizations.command()
@click.argument("organization")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def delete(organization: str, *, yes: bool, as_json: bool) -> None:
    """Delete the organization with this id or slug. Its members, invitations and API keys lose it at once."""
    found = _overview(find_organization(organization))
    numbers = f"members: {found.members}, invitations: {found.invitations}, API keys: {found.api_keys}"
    click.echo(f"{found.name} ({found.slug}), {numbers}", err=as_json)
    if not yes:
        click.confirm("Delete it?", abort=True, err=as_json)
    with committed():
        tenancy.set_tenant(found.id)
        if not organization_service.end(found.id):
            raise click.ClickException(f"There is no organization {organization}.")
    until = clock.now() + organization_service.GRACE
    text = f"It is deleted. This can be undone until {time_text(until)}."
    show(as_json, {"id": found.id, "slug": found.slug, "undo_until": until}, text)


def _change(name: str, as_json: bool, **changes: Any) -> None:
    """Change the subscription of an organization, and print it as it is then."""
    found = find_organization(name)
    with committed():
        tenancy.set_tenant(found.id)
        operated.change_subscription(found.id, changes)
        changed = operated.overview(found.id)
    seats_text = "unlimited" if changed.seats is None else changed.seats
    text = f"Plan: {changed.plan}, {changed.subscription_status}. Seats: {seats_text}"
    show(as_json, changed._asdict(), text)


def _overview(found: Row[Any]) -> Row[Any]:
    with committed():
        tenancy.set_tenant(found.id)
        return operated.overview(found.id)


def _line(organization: Row[Any]) -> str:
    state = "deleted" if organization.deleted_at else "suspended" if organization.suspended_at else "live"
    return f"{organization.id}  {state:9}  {organization.plan:8}  {organization.slug}  {organization.name}"


def _described(found: Row[Any]) -> list[str]:
    seats_text = "unlimited" if found.seats is None else found.seats
    return [
        f"{found.name} ({found.slug})",
        f"id: {found.id}",
        f"plan: {found.plan}, {found.subscription_status}",
        *([f"trial ends: {time_text(found.trial_ends_at)}"] if found.trial_ends_at else []),
        *([f"suspended: {time_text(found.suspended_at)}, {found.suspension_reason}"] if found.suspended_at else []),
        *([f"deleted: {time_text(found.deleted_at)}"] if found.deleted_at else []),
        f"members: {found.members}, active admins: {found.active_admins}, seats: {seats_text}",
        f"invitations: {found.invitations}",
        f"API keys: {found.api_keys}",
        f"created: {time_text(found.created_at)}",
    ]
