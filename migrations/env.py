"""How Alembic reaches the database: in one transaction, one upgrade at a time."""

from __future__ import annotations

from typing import Any

import click
from alembic import context
from alembic.operations.ops import DropTableOp
from flask import current_app
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from authapp import models  # noqa: F401  the tables register themselves
from authapp.db import autogenerate  # noqa: F401  and so does what it adds to autogenerate
from authapp.db.errors import connection_failure
from authapp.db.migrations import MIGRATIONS, PACKAGED, own_folder
from authapp.db.own_branch import own_tables, put_on_branch

ONE_AT_A_TIME = 7_216_604  # any number, the same in every process that migrates

extension = current_app.extensions["migrate"]
database = extension.db
folder = own_folder()
tables = own_tables(folder) if folder else set()


def check_migration(migration_context: Any, revision: Any, directives: list[Any]) -> None:
    """Write no file when the models have not changed, nor into an installed package. Name the tables that it drops.

    In a project with a branch of its own the migration goes there.

    Raises:
        ClickException: saying so; from `db check` with the differences.
    """
    if folder:
        put_on_branch(directives[0], context.script, folder)
    if not getattr(context.config.cmd_opts, "autogenerate", False):
        if not directives[0].upgrade_ops.is_empty():  # `db check`; a new file of `db revision` is empty
            raise click.ClickException(
                "\n  ".join(["The models differ from the database:", *differences(directives[0])])
            )
        return
    if MIGRATIONS == PACKAGED and not folder:
        raise click.ClickException(
            "The installed package takes no further migrations. Give create_app a folder for yours: migrations=…"
        )
    ops = directives[0].upgrade_ops
    if ops.is_empty():
        directives.clear()
        click.echo("The models have not changed. No migration is written.")
    elif dropped := [op.table_name for op in ops.ops if isinstance(op, DropTableOp)]:
        click.echo(f"This migration drops tables that no model knows: {', '.join(dropped)}.", err=True)
        click.echo("If they belong to a module of yours, delete the file, and name the module with --app.", err=True)


def differences(script: Any) -> list[str]:
    """A line for each difference: what a migration would do, and to what."""
    found = [
        diff for entry in script.upgrade_ops.as_diffs() for diff in (entry if isinstance(entry, list) else [entry])
    ]
    return [" ".join(str(getattr(part, "name", part)) for part in diff if part is not None) for diff in found]


def is_compared(_: Any, name: str, kind: str, *__: Any) -> bool:
    """Leave other tables than its own out of a project's migrations."""
    return folder is None or kind != "table" or name in tables


def run_offline() -> None:
    context.configure(url=database.engine.url, target_metadata=database.metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


def tell(step: Any, **kwargs: Any) -> None:
    """Print each migration that is run."""
    if step.is_upgrade:
        click.echo(f"Upgraded to {step.up_revision.revision}: {step.up_revision.doc}")
    else:
        click.echo(f"Downgraded from {step.up_revision.revision}: {step.up_revision.doc}")


def run_online() -> None:
    options = {
        **extension.configure_args,
        "process_revision_directives": check_migration,
        "include_object": is_compared,
        "on_version_apply": tell,
    }
    try:
        connected = database.engine.connect()
    except OperationalError as error:
        raise click.ClickException(connection_failure(error)) from None
    with connected as connection:
        context.configure(connection=connection, target_metadata=database.metadata, **options)
        with context.begin_transaction():
            # the second of two simultaneous upgrades waits here, then finds nothing left to do
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ONE_AT_A_TIME})
            context.run_migrations()


if context.is_offline_mode():
    run_offline()
else:
    run_online()
