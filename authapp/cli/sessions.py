"""`flask sessions`."""

from __future__ import annotations

import sys
from threading import Event

import click
from flask.cli import AppGroup

from authapp.cli.output import json_option, show
from authapp.cli.transaction import committed
from authapp.jobs import retention

sessions = AppGroup("sessions", help="Remove old sessions, and all else that has ended.")


@sessions.command()
@json_option
def prune(*, as_json: bool) -> None:
    """Remove what has ended and was kept long enough, as the worker does every minute: sessions, tokens, emails, keys.

    Expired sessions are marked as ended first. It works in small transactions, while the service runs: stopped early,
    it has done a part.
    """
    hidden = not sys.stderr.isatty()
    with (
        committed(),
        click.progressbar(length=retention.due(), label="Pruning", file=sys.stderr, hidden=hidden) as progress,
    ):
        done = retention.prune(Event(), progress.update)
    lines = [f"{name}: {count}" for name, count in done.items() if count]
    show(as_json, done, *(lines or ["Nothing was to be removed."]))
