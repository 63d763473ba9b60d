"""`flask audit`: verify the audit log, print its checkpoints, export it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from uuid import UUID

import click
from flask.cli import AppGroup

from authapp.cli.output import json_option, show
from authapp.cli.transaction import committed
from authapp.db import tenancy, transaction
from authapp.security.checkpoints import public_key_of, read_all, verifier_key
from authapp.services.audit_seals import checkpoints, leaves, verification
from authapp.services.audit_seals.verification import Finding, Report

audit = AppGroup("audit", help="Verify the audit log, print signed checkpoints of it, export it.")

_organization = click.option("--organization", "organization_id", type=click.UUID, help="Only this one, by its id.")


class _VerifierKey(click.ParamType[bytes]):
    """The public key in what `flask audit checkpoint` prints as a verifier key."""

    name = "verifier_key"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> bytes:
        try:
            return public_key_of(value)
        except ValueError:
            self.fail("This is no verifier key.", param, ctx)


@audit.command()
@click.option("--against", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A file of checkpoints.")
@click.option(
    "--previous-key", "previous_keys", type=_VerifierKey(), multiple=True,
    help="The key of a SECRET_KEY before, as `audit checkpoint` printed it. Repeat it for more.",
)  # fmt: skip
@_organization
@json_option
def verify(
    against: Path | None, previous_keys: tuple[bytes, ...], organization_id: UUID | None, *, as_json: bool
) -> None:
    """Compare every event with what was sealed. Exit status 1: something was changed, deleted or added.

    Without --against FILE, in which checkpoints were kept outside of the database, nobody can know whether everything
    was written anew by somebody who has the database: the worker seals and signs whatever is not sealed.

    With --organization ID, what says that a month or an account was deleted is not verified itself.

    The newest checkpoint of each tree has to be signed with SECRET_KEY, with SECRET_KEY_PREVIOUS, or by a
    --previous-key. Older ones by other keys are counted.
    """
    outside = list(read_all(against.read_text())) if against else []
    if against and not outside:
        raise click.ClickException(f"There is no checkpoint in {against}.")
    with committed():
        leaves.begin_snapshot()
        tenancy.set_operator()
        length = leaves.count(organization_id)
        with click.progressbar(length=length, label="Verifying", file=sys.stderr) as bar:
            report = verification.verify(organization_id, outside, previous_keys, bar.update)
    found = {**vars(report), "findings": [finding._asdict() for finding in report.findings], "against": len(outside)}
    show(as_json, found, *_lines(report, len(outside)))
    if report.findings:
        raise click.exceptions.Exit(1)


@audit.command()
@click.option("--append", type=click.Path(dir_okay=False, path_type=Path), help="Write them behind what the file has.")
@_organization
@json_option
def checkpoint(append: Path | None, organization_id: UUID | None, *, as_json: bool) -> None:
    """Print the last signed checkpoint of each tree. Keep them where the database's owner cannot change them.

    Keep the verifier key too: with another SECRET_KEY, `audit verify --previous-key` needs it.
    """
    with committed():
        tenancy.set_operator()
        found = transaction.execute(checkpoints.latest([organization_id] if organization_id else None)).all()
    notes = [row.note for row in found]
    signers = {row.public_key: checkpoints.origin_of(row.tree_id) for row in found}
    keys = [verifier_key(origin, public_key) for public_key, origin in signers.items()]
    if append:
        with append.open("a", encoding="utf-8") as file:
            file.writelines(f"{note}\n" for note in notes)
    lines = [f"Checkpoints: {len(notes)}"] if append else notes
    show(as_json, {"checkpoints": notes, "verifier_keys": keys}, *lines, *(f"Verifier key: {key}" for key in keys))


@audit.command()
@_organization
def export(organization_id: UUID | None) -> None:
    """Print every sealed event and its leaf, a line of JSON each, tree by tree in the order of the leaves."""
    with committed():
        leaves.begin_snapshot()
        tenancy.set_operator()
        for tree_id in leaves.tree_ids(organization_id):
            for leaf in leaves.of_tree(tree_id):
                click.echo(json.dumps(leaves.as_exported(leaf), default=str, ensure_ascii=False))


def _lines(report: Report, outside: int) -> list[str]:
    counted = (
        f"Trees: {report.trees}. Events: {report.events}, of which erased: {report.erased} "
        f"({report.erased_by_address} only for an address that they named). "
        f"Beyond retention: {report.beyond_retention}. Not sealed yet: {report.unsealed}. "
        f"Checkpoints: {report.checkpoints}, of which from outside: {outside}, by an unknown key: {report.foreign}."
    )
    if report.foreign:
        counted += " Anybody may have signed those by an unknown key. Name the keys before with --previous-key."
    if report.findings:
        return [*(_sentence(finding) for finding in report.findings), counted]
    if outside:
        return ["The audit log is what was sealed.", counted]
    unknown = "Whether everything was written anew, nobody can know without --against FILE."
    return [f"The audit log is what was sealed. {unknown}", counted]


def _sentence(finding: Finding) -> str:
    tree = f"organization {finding.tree_id}" if finding.tree_id.int else "outside of organizations"
    event = f", event {finding.event_id}" if finding.event_id else ""
    position = "" if finding.position is None else f", position {finding.position}"
    return f"{tree}{event}{position}: {finding.problem}."
