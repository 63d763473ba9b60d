"""`flask users import`."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import count, islice
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, TypeVar

import click
from sqlalchemy.exc import DBAPIError

from authapp.cli.output import json_option, show
from authapp.cli.transaction import committed
from authapp.cli.users import users
from authapp.core.roles import Role
from authapp.db import tenancy, transaction
from authapp.db.errors import is_transient
from authapp.services.user_import import batches
from authapp.services.user_import.lines import AccountLine, Line, OrganizationLine, RefusedLine, Wanted, parse, read
from authapp.services.user_import.outcome import Outcome

BATCH = 1000  # lines, in a transaction
MOST_REASONS = 1000  # that are shown
_IN_MEMORY = 16 * 1024 * 1024  # bytes of what is postponed, before they go into a file without a name

T = TypeVar("T")
InTransaction = Callable[[Callable[[], Outcome]], Outcome]


class Report:
    """What an import has done so far.

    Args:
        rejected: where the refused lines go.
    """

    def __init__(self, rejected: BinaryIO | None) -> None:
        self.counts: Counter[str] = Counter()
        self.reasons: list[dict[str, Any]] = []
        self._rejected = rejected

    def add(self, outcome: Outcome) -> None:
        self.counts.update(outcome.counts)
        by_line: dict[Line, list[str]] = {}
        for line, reason in outcome.refused:
            by_line.setdefault(line, []).append(reason)
        for line, reasons in by_line.items():
            self.refuse(line, " ".join(reasons))

    def refuse(self, line: Line, reason: str) -> None:
        self.counts["refused"] += 1
        if len(self.reasons) < MOST_REASONS:
            self.reasons.append({"line": line.number, "reason": reason})
        if self._rejected and line.raw is not None:
            self._rejected.write(line.raw + b"\n")

    def summary(self) -> dict[str, Any]:
        """For a program."""
        kinds = ("accounts", "organizations", "memberships")
        created = {kind: {state: self.counts[f"{kind}_{state}"] for state in ("created", "present")} for kind in kinds}
        others = ("accounts_without_password", "weak_hashes", "refused")
        return {**created, **{name: self.counts[name] for name in others}, "reasons": self._sorted()}

    def _sorted(self) -> list[dict[str, Any]]:
        return sorted(self.reasons, key=lambda each: int(each["line"]))

    def sentences(self) -> Iterator[str]:
        """The same for a person."""
        for kind in ("accounts", "organizations", "memberships"):
            created, present = self.counts[f"{kind}_created"], self.counts[f"{kind}_present"]
            yield f"{kind.capitalize()}: {created:,} created, {present:,} there already"
        yield f"Accounts without a password: {self.counts['accounts_without_password']:,}"
        yield f"Weak password hashes: {self.counts['weak_hashes']:,}"
        yield f"Refused lines: {self.counts['refused']:,}"
        yield from (f"line {each['line']}: {each['reason']}" for each in self._sorted())
        if self.counts["refused"] > MOST_REASONS:
            yield f"The reasons of {self.counts['refused'] - MOST_REASONS:,} more lines are not shown."


@users.command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--rejected", type=click.Path(dir_okay=False), help="Write the refused lines to this file.")
@click.option("--into", multiple=True, metavar="SLUG", help="Add members to this organization, whoever created it.")
@click.option("--dry-run", is_flag=True, help="Change nothing. Tell what would happen.")
@json_option
@click.pass_context
def import_users(
    context: click.Context,
    file: BinaryIO,
    *,
    rejected: str | None,
    into: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
) -> None:
    """Import the accounts, organizations and memberships of FILE, which has a JSON object on each line; - is stdin.

    What is there already stays as it is: after an interruption, run it again. With refused lines the exit status is 1.
    The lines are described in docs/import.md.
    """
    report = Report(context.with_resource(_private(rejected, file)) if rejected else None)
    if dry_run:
        with committed():
            tenancy.set_operator()
            run(file, report, lambda work: work(), into)
            transaction.rollback()
    else:
        run(file, report, commit, into)
    nothing = ["Nothing was changed: this is what would happen."] if dry_run else []
    show(as_json, {**report.summary(), "dry_run": dry_run}, *nothing, *report.sentences())
    context.exit(1 if report.counts["refused"] else 0)


def run(file: BinaryIO, report: Report, in_transaction: InTransaction, into: Collection[str] = ()) -> None:
    """Import the lines, and then the memberships whose organization had no admin yet."""
    waiting: dict[str, OrganizationLine] = {}
    with SpooledTemporaryFile(max_size=_IN_MEMORY) as postponed:
        for lines in _with_progress(_in_batches(read(file)), file):
            outcome = _add(list(_parsed(lines, report)), waiting, into, in_transaction)
            waiting = outcome.waiting
            report.add(outcome)
            postponed.writelines(_dump(wanted) for wanted in outcome.postponed)
        postponed.seek(0)
        for some in _in_batches(map(_load, postponed)):
            outcome = _add_postponed(some, waiting, into, in_transaction)
            waiting = outcome.waiting
            report.add(outcome)
    for slug, line in waiting.items():
        report.refuse(line.line, batches.NO_ADMIN.format(slug=slug))


def _add(
    lines: list[AccountLine | OrganizationLine],
    waiting: dict[str, OrganizationLine],
    into: Collection[str],
    in_transaction: InTransaction,
) -> Outcome:
    return in_transaction(lambda: batches.add(lines, waiting, into))


def _add_postponed(
    wanted: list[Wanted],
    waiting: dict[str, OrganizationLine],
    into: Collection[str],
    in_transaction: InTransaction,
) -> Outcome:
    return in_transaction(lambda: batches.add_postponed(wanted, waiting, into))


def commit(work: Callable[[], Outcome]) -> Outcome:
    """Do this in a transaction. One that a deadlock or a lost connection has ended is repeated."""
    with committed():
        for attempt in count(1):
            try:
                tenancy.set_operator()
                outcome = work()
                transaction.commit()
                return outcome
            except DBAPIError as error:
                transaction.rollback()
                if attempt == transaction.ATTEMPTS or not is_transient(error):
                    raise
    raise AssertionError("count() ends")


def _parsed(lines: Iterable[Line], report: Report) -> Iterator[AccountLine | OrganizationLine]:
    for line in lines:
        try:
            yield parse(line)
        except RefusedLine as error:
            report.refuse(line, str(error))


def _in_batches(items: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, BATCH)):
        yield batch


def _with_progress(batches_of_lines: Iterator[list[Line]], file: BinaryIO) -> Iterator[list[Line]]:
    """The batches, with a bar on stderr of how much of the file is done."""
    size = None
    if file.seekable():
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
    endless = iter(int, 1)
    with click.progressbar(
        endless, size, file=sys.stderr, hidden=not sys.stderr.isatty(), show_pos=size is None
    ) as bar:
        for lines in batches_of_lines:
            yield lines
            bar.update(len(lines) if size is None else file.tell() - bar.pos)


def _private(path: str, source: BinaryIO) -> BinaryIO:
    """A new file that its owner alone may read, because it gets password hashes."""
    name = getattr(source, "name", None)
    if isinstance(name, str) and Path(path).exists() and Path(name).exists() and Path(path).samefile(name):
        raise click.BadParameter("This is the file that is imported.", param_hint="--rejected")
    try:
        return open(path, "wb", opener=lambda name, flags: os.open(name, flags, 0o600))
    except OSError as error:
        raise click.FileError(path, error.strerror) from None


def _dump(wanted: Wanted) -> bytes:
    line = [wanted.line.number, (wanted.line.raw or b"").decode()]
    return json.dumps([*line, wanted.email, wanted.password_hash, wanted.slug, wanted.role]).encode() + b"\n"


def _load(text: bytes) -> Wanted:
    number, raw, email, password_hash, slug, role = json.loads(text)
    return Wanted(Line(number, raw.encode()), email, password_hash, slug, Role(role))
