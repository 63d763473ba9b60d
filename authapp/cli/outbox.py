"""`flask outbox`: emails that wait, and emails that were given up."""

from __future__ import annotations

from uuid import UUID

import click
from flask.cli import AppGroup
from sqlalchemy import Row

from authapp.cli.listing import show_list, time_text
from authapp.cli.output import json_option, show
from authapp.cli.transaction import committed
from authapp.mail import unsent
from authapp.services.operator import emails

outbox = AppGroup("outbox", help="See which emails wait, and try those again that were given up.")


@outbox.command("list")
@click.option("--dead", is_flag=True, help="The emails that were given up, in the place of those that wait.")
@json_option
def list_unsent(*, dead: bool, as_json: bool) -> None:
    """List the emails that wait to be sent, oldest first."""
    show_list(
        as_json,
        lambda limit, cursor: unsent.listed(limit, cursor, dead=dead),
        _line,
        "No email was given up." if dead else "No email waits.",
    )


@outbox.command()
@click.argument("message_id", type=click.UUID, required=False)
@click.option("--all", "all_of_them", is_flag=True, help="All emails that were given up, in the place of MESSAGE_ID.")
@json_option
def retry(message_id: UUID | None, *, all_of_them: bool, as_json: bool) -> None:
    """Try the email with this MESSAGE_ID again, which was given up."""
    if all_of_them is (message_id is not None):
        raise click.UsageError("Give a MESSAGE_ID or --all.")
    with committed():
        retried = emails.retry(message_id)
    if message_id and not retried:
        raise click.ClickException(f"No email with the id {message_id} was given up. List them: outbox list --dead")
    show(as_json, {"retried": retried}, "It is due now." if message_id else f"Emails due now: {retried}")


def _line(message: Row[tuple[object, ...]]) -> str:
    when = time_text(message.dead_at) if message.dead_at else f"due {time_text(message.due_at)}"
    problem = f": {message.last_error}" if message.last_error else ""
    return f"{message.id}  {when}  {message.kind} to {message.recipient}{problem}"
