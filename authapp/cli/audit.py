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
from authapp.security.checkpoints import read_all
from authapp.services.audit_seals import checkpoints, leaves, verification
from authapp.services.audit_seals.verification import Finding, Report

audit = AppGroup("audit", help="Verify the audit log, print signed checkpoints of it, export it.")

_organization = click.option("--organization", "organization_id", type=click.UUID, help="Only this one, by its id.")


@audit.command()
@click.option("--against", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A file of checkpoints.")
@_organization
@json_option
def verify(against: Path | None, organization_id: UUID | None, *, as_json: bool) -> None:
    """Compare every event with what was sealed. Exit status 1: something was changed, deleted or added.

    Without --against FILE, in which checkpoints were kept outside of the database, nobody can know whether everything
    was written anew by somebody who has the database and SECRET_KEY.
    """
    outside = list(read_all(against.read_text())) if against else []
    if against and not outside:
        raise click.ClickException(f"There is no checkpoint in {against}.")
    with committed():
        leaves.begin_snapshot()
        tenancy.set_operator()
        length = leaves.count(organization_id)
        with click.progressbar(length=length, label="Verifying", file=sys.stderr) as bar:
            report = verification.verify(organization_id, outside, bar.update)
    found = {**vars(report), "findings": [finding._asdict() for finding in report.findings], "against": len(outside)}
    show(as_json, found, *_lines(report, len(outside)))
    if report.findings:
        raise click.exceptions.Exit(1)


@audit.command()
@click.option("--append", type=click.Path(dir_okay=False, path_type=Path), help="Write them behind what the file has.")
@_organization
@json_option
def checkpoint(append: Path | None, organization_id: UUID | None, *, as_json: bool) -> None:
    """Print the last signed checkpoint of each tree. Keep them where the database's owner cannot change them."""
    with committed():
        tenancy.set_operator()
        found = transaction.execute(checkpoints.latest([organization_id] if organization_id else None)).all()
    notes = [row.note for row in found]
    if append:
        with append.open("a", encoding="utf-8") as file:
            file.writelines(f"{note}\n" for note in notes)
    show(as_json, notes, *(notes if not append else [f"Checkpoints: {len(notes)}"]))


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
        f"Trees: {report.trees}. Events: {report.events}, of which erased: {report.erased}. "
        f"Beyond retention: {report.beyond_retention}. Not sealed yet: {report.unsealed}. "
        f"Checkpoints: {report.checkpoints}, of which from outside: {outside}, by another key: {report.foreign}."
    )
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
