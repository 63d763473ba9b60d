"""Columns that many tables share."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, DateTime, Enum, FetchedValue, Uuid, any_, bindparam, func
from sqlalchemy.orm import InstrumentedAttribute, Mapped, mapped_column
from uuid_utils.compat import uuid7


class Identified:
    """A UUIDv7 key: new rows lie side by side in the index, and keys sort by age."""

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7, sort_order=-1)


class Created:
    """When the row was made, by the database's clock."""

    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), sort_order=1)


class Timestamped(Created):
    """When the row was made and last changed. A trigger moves `updated_at`, see the first migration."""

    updated_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), server_onupdate=FetchedValue(), sort_order=2
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


def timestamp() -> DateTime:
    """A point in time, with its zone."""
    return DateTime(timezone=True)


def is_one_of(column: ColumnElement[Any] | InstrumentedAttribute[Any], ids: Iterable[UUID]) -> ColumnElement[bool]:
    """The condition that a column has one of these ids, in one parameter for thousands of them."""
    return column == any_(bindparam(None, list(ids), ARRAY(Uuid)))
