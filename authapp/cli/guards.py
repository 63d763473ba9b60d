"""`flask guards`."""

from __future__ import annotations

import click
from flask import current_app
from flask.cli import with_appcontext

from authapp.web.blueprint import limit_of
from authapp.web.guard_marks import guard_of
from authapp.web.openapi import routes


@click.command()
@with_appcontext
def guards() -> None:
    """Print every route with its guard and, if it has one, its rate limit."""
    policy = list(routes(current_app))
    width = max(len(rule.rule) for rule, _, _ in policy)
    for rule, method, view in policy:
        limit = limit_of(view)
        click.echo(f"{method:7} {rule.rule:{width}} {guard_of(view)}{f'  {limit}' if limit else ''}")
