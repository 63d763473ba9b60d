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
from authapp.core.enums import OrganizationState, SubscriptionStatus, SuspensionReason
from authapp.db import tenancy
from authapp.services import members
from authapp.services import organizations as organization_service
from authapp.services.operator import organizations as operated
from authapp.services.operator import suspension

LONGEST_PLAN = 50
_DAY = click.DateTime(["%Y-%m-%d"])
_REASONS = {SuspensionReason.NO_ADMIN: "with its last active admin", SuspensionReason.OPERATOR: "by an operator"}
STATUSES = [status.value for status in SubscriptionStatus]
organizations = AppGroup("organizations", help="List and show organizations, suspend, restore, change and delete them.")


@organizations.command("list")
@click.option("--suspended", "state", flag_value="suspended", help="Only those that are suspended.")
@click.option("--deleted", "state", flag_value="deleted", help="Those that are deleted, in the place of the others.")
@click.option("--search", metavar="TEXT", help="Only those with this text in the slug or name, or this id.")
@json_option
def list_organizations(*, state: str | None, search: str | None, as_json: bool) -> None:
    """List the organizations, oldest first."""

    only = OrganizationState(state) if state else None
    show_list(
        as_json,
        lambda limit, cursor: operated.listed(limit, cursor, state=only, search=search),
        _line,
        _none(state, search),
    )


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
        try:
            changed = members.promote(found.id, address)
        except members.MemberNotFound:
            raise click.ClickException(f"{email} is no active member of {found.slug}.") from None
    named = f"an admin of {found.name} ({found.slug})"
    text = f"is now {named}." if changed else f"was {named} already."
    show(as_json, {"id": found.id, "email": address, "role": "admin"}, f"{address} {text}")


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
@click.option("--trial-ends", type=_DAY, metavar="YYYY-MM-DD", help="The day, in UTC. Default: as it is.")
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
    found = _overview(find_organization(organization, deleted=True))
    if found.deleted_at:
        hint = f"Undo it with: organizations undelete {organization}"
        raise click.ClickException(f"{found.name} ({found.slug}) is deleted already. {hint}")
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
    trial = f" Trial ends: {time_text(changed.trial_ends_at)}." if changed.trial_ends_at else ""
    plan_text = f"Plan: {changed.plan}, {changed.subscription_status}.{trial}"
    text = f"{changed.name} ({changed.slug}). {plan_text} Seats: {_seats(changed)}"
    show(as_json, changed._asdict(), text)


def _none(state: str | None, search: str | None) -> str:
    """What is said where a list is empty."""
    if search is not None:
        return f"No {f'{state} ' if state else ''}organization has {search} in its slug or name."
    return f"No organization is {state}." if state else "There is no organization yet."


def _seats(organization: Row[Any]) -> str:
    return "unlimited" if organization.seats is None else str(organization.seats)


def _overview(found: Row[Any]) -> Row[Any]:
    with committed():
        tenancy.set_tenant(found.id)
        return operated.overview(found.id)


def _line(organization: Row[Any]) -> str:
    state = "deleted" if organization.deleted_at else "suspended" if organization.suspended_at else "live"
    return f"{organization.id}  {state:9}  {organization.plan:8}  {organization.slug}  {organization.name}"


def _suspension(organization: Row[Any]) -> str:
    return f"{time_text(organization.suspended_at)}, {_REASONS[organization.suspension_reason]}"


def _described(found: Row[Any]) -> list[str]:
    return [
        f"{found.name} ({found.slug})",
        f"id: {found.id}",
        f"plan: {found.plan}, {found.subscription_status}",
        *([f"trial ends: {time_text(found.trial_ends_at)}"] if found.trial_ends_at else []),
        *([f"suspended: {_suspension(found)}"] if found.suspended_at else []),
        *([f"deleted: {time_text(found.deleted_at)}"] if found.deleted_at else []),
        f"members: {found.members}, active admins: {found.active_admins}, seats: {_seats(found)}",
        f"invitations: {found.invitations}",
        f"API keys: {found.api_keys}",
        f"created: {time_text(found.created_at)}",
    ]
