"""`flask outbox`: emails that wait, and emails that were given up."""

from __future__ import annotations

from uuid import UUID

import click
from flask.cli import AppGroup

from authapp.cli.transaction import committed
from authapp.mail import unsent

outbox = AppGroup("outbox", help="See which emails wait, and try those again that were given up.")


@outbox.command("list")
def list_waiting() -> None:
    """List the emails that wait to be sent."""
    with committed():
        found = unsent.listed(dead=False)
    for message in found:
        problem = f": {message.last_error}" if message.last_error else ""
        click.echo(
            f"{message.id}  due {message.due_at:%Y-%m-%d %H:%M} UTC  {message.kind} to {message.recipient}{problem}"
        )
    if not found:
        click.echo("No email waits.")


@outbox.command()
def dead() -> None:
    """List the emails that were given up."""
    with committed():
        found = unsent.listed(dead=True)
    for message in found:
        when = f"{message.dead_at:%Y-%m-%d %H:%M} UTC"
        click.echo(f"{message.id}  {when}  {message.kind} to {message.recipient}: {message.last_error}")
    if not found:
        click.echo("No email was given up.")


@outbox.command()
@click.argument("message_id", type=click.UUID)
def retry(message_id: UUID) -> None:
    """Try the email with this MESSAGE_ID again, which was given up."""
    with committed():
        if not unsent.retry(message_id):
            raise click.ClickException(f"No email with the id {message_id} was given up. List them with: outbox dead")
    click.echo("It is due now.")
