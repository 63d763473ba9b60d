"""`flask guards`."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from typing import TextIO

import click
from flask import current_app
from flask.cli import with_appcontext

from authapp.cli import guard_policy
from authapp.cli.guard_policy import Difference, UnreadablePolicy
from authapp.cli.output import json_option, show
from authapp.web.blueprint import limit_of
from authapp.web.guard_marks import guard_of
from authapp.web.openapi import routes


@click.command()
@click.option("--diff", type=click.File(), help="A former output of --csv or --json: print who gains and loses what.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, without rate limits.")
@json_option
@click.pass_context
@with_appcontext
def guards(context: click.Context, *, diff: TextIO | None, as_csv: bool, as_json: bool) -> None:
    """Print every route with its guard and, if it has one, its rate limit.

    With --diff, compare with a former output instead. The exit status is 1 if somebody gains something.
    """
    if as_csv and as_json:
        raise click.UsageError("Give --csv or --json.")
    policy = [
        {"method": method, "route": rule.rule, "guard": guard_of(view) or "", "rate_limit": limit_of(view)}
        for rule, method, view in routes(current_app)
    ]
    if diff:
        context.exit(_compare(diff, policy, as_json))
    if as_csv:
        writer = csv.DictWriter(sys.stdout, ["method", "route", "guard"], extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(policy)
        return
    width = max(len(str(row["route"])) for row in policy)
    lines = [f"{row['method']:7} {row['route']:{width}} {row['guard']}  {row['rate_limit'] or ''}" for row in policy]
    show(as_json, policy, *map(str.rstrip, lines))


def _compare(file: TextIO, policy: list[dict[str, str | None]], as_json: bool) -> int:
    """Print what differs from the policy of a file. The exit status."""
    try:
        before = guard_policy.read(file.read())
    except (UnreadablePolicy, UnicodeDecodeError) as error:
        raise click.ClickException(f"{file.name}: {error}") from None
    after = {(str(row["method"]), str(row["route"])): str(row["guard"]) for row in policy}
    differences = guard_policy.compare(before, after)
    is_widened = guard_policy.is_widened(differences)
    last = "Somebody gains something." if is_widened else "Nobody gains anything."
    show(as_json, guard_policy.as_json(differences), *(line for each in differences for line in _lines(each)), last)
    return int(is_widened)


def _lines(difference: Difference) -> Iterator[str]:
    guards = [difference.before or "no such route", difference.after or "no such route"]
    yield f"{difference.method:7} {difference.route}  {' -> '.join(guards)}"
    if difference.gain:
        yield f"        gain: {', '.join(difference.gain)}"
    if difference.lose:
        yield f"        lose: {', '.join(difference.lose)}"
