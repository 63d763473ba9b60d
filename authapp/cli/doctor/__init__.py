"""`flask doctor`: what is right with this deployment, and what to do about the rest. A line for each check.

A check is one function that gives one finding: add it to `CHECKS`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import click
from flask.cli import with_appcontext
from sqlalchemy.exc import DBAPIError, OperationalError

from authapp.cli.doctor import database, surroundings, work
from authapp.cli.doctor.findings import Check, Finding, Status, not_checked, wrong
from authapp.cli.output import json_option, show
from authapp.config import Settings
from authapp.db import transaction
from authapp.db.engine import TIMEOUTS
from authapp.db.errors import connection_failure, is_not_migrated, one_line, sqlstate
from authapp.web.application import current_app

SETTINGS = "settings"
CHECKS = (
    Check(SETTINGS, surroundings.settings, in_database=False),
    Check("database", database.server),
    Check("migrations", database.migrations),
    Check("role", database.role),
    Check("row-level security", database.tenant_tables),
    Check("clock", database.time),
    Check("secret", database.secret),
    Check("signing keys", database.signing_keys),
    Check("public address", surroundings.public_url, in_database=False),
    Check("mail server", surroundings.mail, in_database=False),
    Check("redis", surroundings.redis, in_database=False),
    Check("providers", surroundings.providers, in_database=False),
    Check("worker", work.worker),
    Check("waiting emails", work.waiting_emails),
    Check("dead emails", work.dead_emails),
    Check("audit log", work.audit_log),
)
_COLORS = {Status.OK: "green", Status.WARNING: "yellow", Status.WRONG: "red", Status.NOT_CHECKED: "yellow"}


class Line(NamedTuple):
    """A check and what it has found."""

    name: str
    status: Status
    text: str


@click.command()
@json_option
@with_appcontext
def doctor(*, as_json: bool) -> None:
    """Check this deployment: a line for each thing, "ok" or what to do.

    The exit status is 1 if something is wrong. Nothing is changed, and no email is sent.
    """
    if not _report(_examine(current_app.settings), as_json):
        raise click.exceptions.Exit(1)


def report_unsafe(problems: list[str]) -> None:
    """Print the lines where this command was started with settings that no application can be made with.

    The process ends afterwards as with any command, see `UnsafeSettings`, which has told a person the reasons already.
    """
    if doctor.name in sys.argv[-2:]:
        as_json = "--json" in sys.argv
        reasons = problems if as_json else ["authapp does not start with them, for the reasons above."]
        unchecked = [Line(check.name, *not_checked("correct the settings first")) for check in CHECKS[1:]]
        _report([*(Line(SETTINGS, *wrong(reason)) for reason in reasons), *unchecked], as_json)


def _report(lines: Iterable[Line], as_json: bool) -> bool:
    """Print the lines, and say whether nothing is wrong."""
    found = list(lines)
    fine = all(line.status is not Status.WRONG for line in found)
    data = {"ok": fine, "checks": [line._asdict() for line in found]}
    show(as_json, data, *map(_colored, found))
    return fine


def _colored(line: Line) -> str:
    return f"{click.style(f'{line.status:11}', _COLORS[line.status])} {line.name}: {line.text}"


def _examine(settings: Settings) -> Iterator[Line]:
    """Make every check, whatever the others find. Without a database, those of it are not made."""
    is_away = False
    for check in CHECKS:
        if check.in_database and is_away:
            yield Line(check.name, *not_checked("the database comes first"))
            continue
        try:
            finding = _look(check, settings)
        except OperationalError as error:
            is_away = not sqlstate(error)
            finding = wrong(connection_failure(error))
        except Exception as error:  # noqa: BLE001  the others are still made, and this one is told
            finding = wrong(f"Could not be checked: {_reason(error)}")
        yield Line(check.name, *finding)


def _reason(error: Exception) -> str:
    if isinstance(error, DBAPIError) and is_not_migrated(error):
        return "the database is not migrated."
    cause = getattr(error, "orig", None) or error  # without the statement, which is long
    return f"{type(cause).__name__}: {one_line(cause)}"


def _look(check: Check, settings: Settings) -> Finding:
    try:
        if check.in_database:
            transaction.connection().exec_driver_sql(TIMEOUTS)
        return check.look(settings)
    finally:
        transaction.rollback()
