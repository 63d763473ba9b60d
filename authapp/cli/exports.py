"""`flask users export` and `flask organizations export`: one JSON document, written while it is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TextIO

import click
from flask.cli import with_appcontext

from authapp.cli.lookup import find_accounts, find_organization
from authapp.cli.output import as_json_text
from authapp.cli.transaction import committed
from authapp.core import clock
from authapp.core.enums import AuditAction
from authapp.db import tenancy, transaction
from authapp.services import audit
from authapp.services.personal_data import export

_OUTPUT = click.option("--output", type=click.File("w", lazy=True), default="-", help="A file. Default: stdout.")


@click.command("export")
@with_appcontext
@click.argument("email")
@_OUTPUT
def export_account(email: str, *, output: TextIO) -> None:
    """Write all that is known of the account with this EMAIL or id as one JSON document, without secrets."""
    with committed():
        export.use_snapshot()
        tenancy.set_operator()
        found = find_accounts(email)
        user = export.account(next((user.id for user in found if user.deleted_at is None), found[-1].id))
        _write(output, {"user": user._mapping}, export.lists_of_account(user))
        audit.record(AuditAction.USER_EXPORTED, None, target_id=user.id, user_id=user.id)


@click.command("export")
@with_appcontext
@click.argument("organization")
@_OUTPUT
def export_organization(organization: str, *, output: TextIO) -> None:
    """Write all that the organization with this id or slug has as one JSON document, without secrets."""
    found = find_organization(organization, deleted=True)
    with committed():
        export.use_snapshot()
        tenancy.set_tenant(found.id)
        row = export.organization(found.id)
        _write(output, {"organization": row._mapping}, export.lists_of_organization(found.id))
        audit.record(AuditAction.ORGANIZATION_EXPORTED, None, target_id=found.id, organization_id=found.id)


def _write(output: TextIO, head: Mapping[str, Any], lists: export.Lists) -> None:
    """Write a document with these members and lists, a row on each line."""
    members = {"exported_at": clock.now(), **{name: dict(value) for name, value in head.items()}}
    output.write("{" + ",\n".join(f'"{name}": {as_json_text(value)}' for name, value in members.items()))
    for name, statement in lists.items():
        output.write(f',\n"{name}": [')
        before = "\n"
        for row in transaction.execute(statement.execution_options(yield_per=export.AT_ONCE)):
            output.write(f"{before}{as_json_text(row._asdict())}")
            before = ",\n"
        output.write("]")
    output.write("}\n")
