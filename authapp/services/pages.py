"""Keyset pages: as quick on the last page as on the first, and steady while rows are added."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute

from authapp.core import transaction


class Page(NamedTuple):
    """Some items of a list, and where the next ones start."""

    items: list[Any]
    next_cursor: UUID | None


def fetch(
    statement: Select[*tuple[Any, ...]],
    key: InstrumentedAttribute[UUID],
    limit: int,
    cursor: UUID | None,
    *,
    newest_first: bool = False,
) -> Page:
    """The page after `cursor` of a statement whose rows carry `key` as `id`. One row more is read to know the end."""
    if cursor is not None:
        statement = statement.where(key < cursor if newest_first else key > cursor)
    ordered = statement.order_by(key.desc() if newest_first else key).limit(limit + 1)
    rows = list(transaction.execute(ordered))
    items = rows[:limit]
    return Page(items, items[-1].id if len(rows) > limit else None)
