"""`flask sessions`."""

from __future__ import annotations

from threading import Event

from flask.cli import AppGroup

from authapp.cli.output import json_option, progress, show
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
    with committed(), progress("Pruning", retention.due()) as bar:
        done = retention.prune(Event(), bar.update)
    lines = [f"{name}: {count}" for name, count in done.items() if count]
    show(as_json, done, *(lines or ["Nothing was to be removed."]))
