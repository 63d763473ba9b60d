"""Columns that many tables share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    ColumnElement,
    DateTime,
    Dialect,
    Enum,
    FetchedValue,
    String,
    TableValuedAlias,
    TypeDecorator,
    any_,
    bindparam,
    column,
    func,
)
from sqlalchemy.orm import InstrumentedAttribute, Mapped, MappedColumn, mapped_column
from uuid_utils.compat import uuid7

from authapp.core import lengths
from authapp.core.roles import Role
from authapp.db.touch_trigger import TOUCHED


class Identified:
    """A UUIDv7 key: new rows lie side by side in the index, and keys sort by age."""

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7, sort_order=-1)


class Created:
    """When the row was made, by the database's clock."""

    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), sort_order=1)


class Timestamped(Created):
    """When the row was made and last changed. A trigger moves `updated_at`; `flask db migrate` writes it."""

    updated_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True),
        server_default=func.now(),
        server_onupdate=FetchedValue(),
        sort_order=2,
        info={TOUCHED: True},
    )


def enum_column(enum: type[StrEnum], name: str) -> Enum:
    """A text column that holds a value of this enum and, by a CHECK constraint, nothing else."""
    return Enum(
        enum,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=32,
        values_callable=lambda members: [member.value for member in members],
    )


class RoleType(TypeDecorator[Role]):
    """The name of a role, also of one that the application does not declare."""

    impl = String
    cache_ok = True

    def process_result_value(self, value: str | None, dialect: Dialect) -> Role | None:
        return None if value is None else Role(value)


def role_column() -> MappedColumn[Role]:
    """The column `role`. The application decides which roles there are; the database holds them to the form."""
    has_form = CheckConstraint(f"role ~ '^[a-z][a-z0-9_]{{0,{lengths.ROLE - 1}}}$'", name="role")
    return mapped_column(RoleType(lengths.ROLE), has_form)


def timestamp() -> DateTime:
    """A point in time, with its zone."""
    return DateTime(timezone=True)


def is_one_of(which: ColumnElement[Any] | InstrumentedAttribute[Any], values: Iterable[Any]) -> ColumnElement[bool]:
    """The condition that a column has one of these values, in one parameter for thousands of them."""
    return which == any_(bindparam(None, list(values), ARRAY(which.type)))


def as_table(model: type[Any], names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> TableValuedAlias:
    """Rows that are not in the database as a table, in one parameter for each column.

    Args:
        model: whose columns they have.
        names: of these columns.
        rows: the values by name.
    """
    columns = [model.__table__.c[name] for name in names]
    arrays = [bindparam(None, [row[each.name] for row in rows], ARRAY(each.type)) for each in columns]
    given = func.unnest(*arrays).table_valued(*(column(each.name, each.type) for each in columns), name="given")
    return given.render_derived()
