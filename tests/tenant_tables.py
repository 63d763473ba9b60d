"""authapp's tables, tenant tables of somebody's own, and migrations that run as `flask db migrate` writes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Column, Connection, ForeignKey, MetaData, Table, Text, Uuid, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import MappedColumn, mapped_column
from sqlalchemy.schema import SchemaItem
from uuid_utils.compat import uuid7

from authapp.db import autogenerate  # noqa: F401  it registers itself
from authapp.db.engine import Base, db
from authapp.db.tenancy import ORGANIZATION
from authapp.db.tenant_model import within
from tests.factories import World

Columns = Mapping[str, Callable[..., MappedColumn[Any]]]

a_uuid = partial(mapped_column, type_=Uuid, nullable=True)
a_text = partial(mapped_column, type_=Text)
refers = partial(within, type_=Uuid)  # refers(target, name=...)


def tenant_table(metadata: MetaData, name: str, columns: Columns, *items: SchemaItem) -> Table:
    """A table as `TenantModel` makes it, with a UUID as `id` unless the columns hold another."""
    own: Columns = {"id": partial(mapped_column, type_=Uuid, primary_key=True, default=uuid7), **columns}
    organization_id: Column[UUID] = Column(
        "organization_id",
        ForeignKey("organizations.id"),
        nullable=False,
        index=True,
        server_default=text("authapp_organization_id()"),
    )
    return Table(name, metadata, *[make(name=key).column for key, make in own.items()], organization_id, *items)


def own_tables() -> set[str]:
    """The tables of authapp's models. In a clone, the tests may have imported further ones."""
    return {
        str(mapper.local_table.name)
        for mapper in Base.registry.mappers
        if isinstance(mapper.local_table, Table) and mapper.class_.__module__.startswith("authapp.")
    }


def schema(**tables: Columns) -> MetaData:
    """authapp's tables and these."""
    metadata = MetaData(naming_convention=db.metadata.naming_convention)
    for name in own_tables():
        db.metadata.tables[name].to_metadata(metadata)
    for name, columns in tables.items():
        tenant_table(metadata, name, columns)
    return metadata


def differences(connection: Connection, metadata: MetaData) -> list[Any]:
    """What `flask db check` finds, and what makes `flask db migrate` write a file."""
    found = produce_migrations(MigrationContext.configure(connection), metadata).upgrade_ops
    assert found is not None
    return [*found.as_diffs(), *found.ops]


def write(context: MigrationContext, metadata: MetaData) -> tuple[str, str]:
    """The lines of a migration: its upgrade and its downgrade."""
    script = produce_migrations(context, metadata)
    assert script.upgrade_ops is not None
    assert script.downgrade_ops is not None
    return (
        render_python_code(script.upgrade_ops, migration_context=context),
        render_python_code(script.downgrade_ops, migration_context=context),
    )


def migrate(connection: Connection, metadata: MetaData) -> Callable[[], None]:
    """Write a migration and run it. Gives its downgrade."""
    context = MigrationContext.configure(connection)
    upgrade, downgrade = write(context, metadata)

    def run(code: str) -> None:
        with Operations.context(context) as op:
            exec(f"if True:\n    {code}", {"op": op, "sa": sa, "postgresql": postgresql})

    run(upgrade)
    assert differences(connection, metadata) == []
    return partial(run, downgrade)


@contextmanager
def as_application(world: World) -> Iterator[Connection]:
    """A connection of the application's role, whose migrations and rows are rolled back in the end."""
    with world.app.app_context(), db.engine.connect() as connection:
        yield connection
        connection.rollback()


def act_in(connection: Connection, organization_id: str) -> None:
    """See and write the rows of this organization from now on, none if ''."""
    connection.execute(text("SELECT set_config(:setting, :id, true)"), {"setting": ORGANIZATION, "id": organization_id})
