"""Tenant tables: `TenantModel`, and keys that stay inside one organization.

PostgreSQL checks foreign keys and unique constraints without row-level security, so those of tenant tables have to
include `organization_id`: `within` and `unique_within` write them, and `flask db migrate` refuses others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    event,
    text,
)
from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Mapped, MappedColumn, Mapper, declared_attr, mapped_column

from authapp.db.engine import Model

TENANT = "organization_id"  # a table with this column is a tenant table, unless its model has `__tenant__ = False`
REFERENCE = "authapp.reference"  # where `within` leaves its arguments, in the info of the column
_REFERRED = "authapp.referred"  # what the columns refer to, in the info of the metadata
_SHARED = "authapp.shared"  # in the info of a table with `organization_id` that is no tenant table


class TenantModel(Model):
    """A table with row-level security. `flask db migrate` writes its policies.

    `organization_id` is filled from the tenant context.
    """

    __abstract__ = True
    index_organization_id = True  # False where another index or key of the table begins with it

    def __init_subclass__(cls, **options: Any) -> None:
        if not getattr(cls, "__tenant__", True):
            raise ArgumentError(
                f"{cls.__name__} is a TenantModel, whose rows row-level security separates. For a table that is read "
                "across organizations, derive it from Model, with a column organization_id and __tenant__ = False."
            )
        super().__init_subclass__(**options)

    @declared_attr
    def organization_id(cls) -> Mapped[UUID]:  # noqa: N805  SQLAlchemy passes the class
        return mapped_column(
            ForeignKey("organizations.id"),
            index=cls.index_organization_id,
            server_default=text("authapp_organization_id()"),
        )


@dataclass(frozen=True)
class _Reference:
    table: str
    column: str
    ondelete: str | None
    index: bool


def within(target: str, *, ondelete: str | None = None, index: bool = True, **options: Any) -> MappedColumn[Any]:
    """A foreign key to a row of the same organization: `model_id: Mapped[UUID] = within("models")`.

    It is the composite foreign key (organization_id, model_id) to models (organization_id, id), with an index, and it
    makes that pair unique in models. A row of another organization is refused like one that does not exist. NULL, where
    the annotation allows it, refers to no row.

    A relationship has to name the column, or it writes `organization_id` too: `relationship(foreign_keys=[model_id])`.

    Args:
        target: a tenant table, or `table.column` for a column other than `id`.
        ondelete: as for `ForeignKey`. `SET NULL` and `SET DEFAULT` (PostgreSQL 15) leave `organization_id` alone.
        index: False where another index or key begins with `organization_id` and this column.
        options: those of `mapped_column`.
    """
    table, _, column = target.partition(".")
    return mapped_column(info={REFERENCE: _Reference(table, column or "id", ondelete, index)}, **options)


def unique_within(*columns: str, **options: Any) -> UniqueConstraint:
    """A unique constraint inside each organization, for `__table_args__`. Options are those of `UniqueConstraint`."""
    return UniqueConstraint(TENANT, *columns, **options)


def is_tenant_table(table: Table) -> bool:
    """Whether row-level security separates the rows of a table by their organization."""
    return TENANT in table.c and not table.info.get(_SHARED)


def quoted(name: str) -> str:
    """A name as SQL needs it: in quotes where it is a reserved word or has capitals."""
    return PGDialect_psycopg2().identifier_preparer.quote(name)  # type: ignore[no-untyped-call]


@event.listens_for(Model, "instrument_class", propagate=True)
def _mark_shared(mapper: Mapper[Any], model: type[Any]) -> None:
    """Note `__tenant__ = False` on the table, where what compares the tables finds it."""
    if not getattr(model, "__tenant__", True) and isinstance(mapper.local_table, Table):
        mapper.local_table.info[_SHARED] = True


@event.listens_for(Table, "after_parent_attach")
def _add_constraints(table: Table, metadata: MetaData) -> None:
    """Build what `within` asked for once a table is complete. The other table may come before or after it."""
    referred: set[tuple[str, str]] = metadata.info.setdefault(_REFERRED, set())
    for column in table.c:
        reference: _Reference | None = column.info.pop(REFERENCE, None)  # a copy of the table copies its constraints
        if reference:
            _add_foreign_key(table, column, reference)
            referred.add((reference.table, reference.column))
    for name, referred_column in referred:
        if name in metadata.tables:
            _make_unique(metadata.tables[name], referred_column)


def _add_foreign_key(table: Table, column: Column[Any], reference: _Reference) -> None:
    ondelete = reference.ondelete
    if ondelete and ondelete.upper() in ("SET NULL", "SET DEFAULT"):
        ondelete = f"{ondelete} ({quoted(column.name)})"
    columns = [_organization_id(table), column]
    targets = [f"{reference.table}.{name}" for name in (TENANT, reference.column)]
    # use_alter: two tables that refer to each other can be sorted
    table.append_constraint(ForeignKeyConstraint(columns, targets, ondelete=ondelete, use_alter=True))
    if reference.index:
        Index(None, *columns)


def _make_unique(table: Table, column: str) -> None:
    """PostgreSQL takes as the target of a foreign key only columns that are unique together."""
    pair = {_organization_id(table).name, column}
    keys = [key for key in table.constraints if isinstance(key, (PrimaryKeyConstraint, UniqueConstraint))]
    if pair not in [set(key.columns.keys()) for key in keys]:
        table.append_constraint(UniqueConstraint(TENANT, column))


def _organization_id(table: Table) -> Column[Any]:
    if TENANT not in table.c:
        raise ArgumentError(f"within() is for organizations' rows, and {table.name} has no {TENANT}: use ForeignKey")
    return table.c[TENANT]
