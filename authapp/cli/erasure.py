"""`flask users erase`, `flask organizations undelete` and `purge`: what a deletion leaves is erased, or comes back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click
from flask.cli import with_appcontext
from marshmallow import ValidationError
from sqlalchemy import Row

from authapp.cli.lookup import find_accounts, find_organization
from authapp.cli.output import json_option, progress, show
from authapp.cli.transaction import committed
from authapp.core import lengths
from authapp.core.slugs import RESERVED_SLUGS
from authapp.db import tenancy
from authapp.db.engine import db
from authapp.schemas.fields import Slug
from authapp.services.organizations import SlugTaken
from authapp.services.personal_data import erasure, purge
from authapp.services.personal_data.receipts import Receipt

_MOST_NAMED = 10


@click.command("erase")
@with_appcontext
@click.argument("email")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def erase_account(email: str, *, yes: bool, as_json: bool) -> None:
    """Erase the account with this EMAIL or id now, for good. It need not be deleted before.

    With an EMAIL, accounts that were deleted with it are erased too. Exits with 1 if anything could not be erased.
    """
    with committed():
        found = find_accounts(email)
    if not yes:
        for user in found:
            click.echo(f"{user.id}  {_state(user):8}  {user.email}", err=True)
        click.confirm("Erase all that is known of it? Nothing brings it back.", abort=True, err=True)
    with committed(), _progress() as bar:
        tenancy.set_operator()
        try:
            receipt = erasure.erase([user.id for user in found], bar.update)
        except erasure.AdministersAlone as error:
            raise click.ClickException(_alone(error.organizations)) from None
    _show_receipt(receipt, as_json, id=found[0].id)


@click.command("purge")
@with_appcontext
@click.argument("organization")
@click.option("--force", is_flag=True, help="Also within 30 days after it was deleted.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def purge_organization(organization: str, *, force: bool, yes: bool, as_json: bool) -> None:
    """Delete all that the organization with this id or slug has, for good. It has to be deleted before.

    Exits with 1 if anything could not be deleted.
    """
    found = find_organization(organization, deleted=True)
    try:
        purge.require_deleted(found, force=force)
        if not yes:
            click.echo(f"{found.name} ({found.slug}) {found.id}", err=True)
            click.confirm("Delete all that it has? Nothing brings it back.", abort=True, err=True)
        with committed(), _progress() as bar:
            tenancy.set_operator()
            receipt = purge.purge(found.id, force=force, advance=bar.update)
    except purge.NotDeleted as error:
        raise click.ClickException(_not_deleted(found, error.until)) from None
    _show_receipt(receipt, as_json, id=found.id)


@click.command("undelete")
@with_appcontext
@click.argument("organization")
@click.option("--slug", help="Another slug, where its own is taken.")
@json_option
def undelete_organization(organization: str, *, slug: str | None, as_json: bool) -> None:
    """Undo the deletion of the organization with this id or slug. Its members and API keys come back as they were."""
    if slug is not None and not _may_be_chosen(slug):
        raise click.UsageError(f"{slug} is no slug, or reserved. A slug is like: acme-research")
    found = find_organization(organization, deleted=True)
    with committed():
        tenancy.set_operator()
        try:
            changed = purge.undelete(found.id, slug)
        except SlugTaken:
            hint = "Give another one: --slug SLUG"
            raise click.ClickException(f"Another organization has the slug {slug or found.slug}. {hint}") from None
        except purge.NoAdmin:
            hint = "Its admins have deleted their accounts, or are deactivated: users activate EMAIL"
            raise click.ClickException(f"{found.name} would have no active admin. {hint}") from None
    slug = slug or found.slug
    text = "is back." if changed else "is not deleted."
    show(as_json, {"id": found.id, "slug": slug, "undeleted": changed}, f"{found.name} ({slug}) {text}")


def _state(user: Row[Any]) -> str:
    return "deleted" if user.deleted_at else "active" if user.is_active else "inactive"


def _may_be_chosen(slug: str) -> bool:
    try:
        return Slug(longest=lengths.SLUG).deserialize(slug) not in RESERVED_SLUGS
    except ValidationError:
        return False


def _progress() -> Any:
    """A bar that advances with each table that is searched, twice."""
    return progress("Searching", 2 * len(db.metadata.tables))


def _show_receipt(receipt: Receipt | None, as_json: bool, **of: Any) -> None:
    if receipt is None:
        raise click.ClickException("Another process has done it meanwhile.")
    show(as_json, {**of, **receipt._asdict(), "complete": receipt.is_complete}, *_lines(receipt))
    if not receipt.is_complete:
        raise click.exceptions.Exit(1)


def _lines(receipt: Receipt) -> list[str]:
    lines = ["Erased:", *(f"  {table}: {count}" for table, count in receipt.erased.items())]
    if receipt.address_in_use:
        lines.append("Another account has the address now: its emails, invitations and failed attempts are that one's.")
    if receipt.remaining:
        lines += ["Still there:", *(f"  {column}: {count}" for column, count in receipt.remaining.items())]
    if receipt.same_name:
        lines += [
            "The name, or the address that nobody has verified, is also here, maybe another's:",
            *(f"  {name}" for name in receipt.same_name),
        ]
    if receipt.not_searched:
        lines.append(f"Not searched, as their rows are hidden from operators: {', '.join(receipt.not_searched)}")
    return [*lines, *(["Nothing is left."] if receipt.is_complete else [])]


def _alone(organizations: Any) -> str:
    named = ", ".join(f"{each.name} ({each.slug})" for each in organizations[:_MOST_NAMED])
    more = f" and {len(organizations) - _MOST_NAMED} more" if len(organizations) > _MOST_NAMED else ""
    hint = "First run for each: organizations promote ID EMAIL, or: organizations delete ID"
    return f"It is the only active admin of {named}{more}. {hint}"


def _not_deleted(found: Row[Any], until: datetime | None) -> str:
    if until is None:
        return f"{found.name} is not deleted. First run: organizations delete {found.id}"
    return f"The deletion of {found.name} can be undone until {until:%Y-%m-%d %H:%M} UTC. Purge it with: --force"
