"""`flask worker`."""

from __future__ import annotations

import signal
from threading import Event, Thread
from typing import Any, cast

import click
from flask.cli import with_appcontext

from authapp.mail.sender import send_until
from authapp.web.application import current_app


@click.command()
@with_appcontext
def worker() -> None:
    """Send the emails of the outbox until it is told to stop (SIGTERM, Ctrl-C)."""
    mailer = current_app.mailer
    if mailer is None:
        raise click.ClickException("MAIL_URL is not set. Give a mail server: smtp://user:password@host:587")
    stopped = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        # not in the handler itself: it may interrupt the very lock that it would wait for
        signal.signal(number, lambda *_: Thread(target=stopped.set).start())
    click.echo("Sending emails. Stop with Ctrl-C.")
    send_until(stopped, cast("Any", current_app)._get_current_object(), mailer)
