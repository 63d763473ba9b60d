"""`flask guards`."""

from __future__ import annotations

import click
from flask import current_app
from flask.cli import with_appcontext

from authapp.web.guard_marks import guard_of
from authapp.web.openapi import routes


@click.command()
@with_appcontext
def guards() -> None:
    """Print every route with its guard."""
    policy = list(routes(current_app))
    width = max(len(rule.rule) for rule, _, _ in policy)
    for rule, method, view in policy:
        click.echo(f"{method:7} {rule.rule:{width}} {guard_of(view)}")
