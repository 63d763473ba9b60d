"""`flask worker`."""

from __future__ import annotations

import signal
from threading import Event, Thread
from typing import Any, cast

import click
from flask.cli import with_appcontext

from authapp.jobs.registry import JOBS
from authapp.jobs.runner import run_until
from authapp.web.application import current_app


@click.command()
@with_appcontext
def worker() -> None:
    """Run the jobs of authapp, sending emails for example, until it is told to stop (SIGTERM, Ctrl-C)."""
    stopped = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        # not in the handler itself: it may interrupt the very lock that it would wait for
        signal.signal(number, lambda *_: Thread(target=stopped.set).start())
    if current_app.mailer is None:
        click.echo("MAIL_URL is not set: emails wait. Give a mail server: smtp://user:password@host:587", err=True)
    click.echo(f"Running: {', '.join(job.name for job in JOBS)}. Stop with Ctrl-C.")
    run_until(stopped, cast("Any", current_app)._get_current_object())
