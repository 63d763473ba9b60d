"""Keyset pages: as quick on the last page as on the first, and steady while rows are added."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute

from authapp.db import transaction


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
    """The page after `cursor` of a statement whose rows carry `key` as `id`."""
    return cut(transaction.execute(bound(statement, key, limit, cursor, newest_first=newest_first)), limit)


def bound(
    statement: Select[*tuple[Any, ...]],
    key: InstrumentedAttribute[UUID],
    limit: int,
    cursor: UUID | None,
    *,
    newest_first: bool = False,
) -> Select[*tuple[Any, ...]]:
    """Those rows of a statement that are on a page, and one more, which tells whether it is the last page."""
    if cursor is not None:
        statement = statement.where(key < cursor if newest_first else key > cursor)
    return statement.order_by(key.desc() if newest_first else key).limit(limit + 1)


def cut(found: Iterable[Any], limit: int) -> Page:
    """The page of the rows that `bound` has picked, each with its key as `id`."""
    rows = list(found)
    items = rows[:limit]
    return Page(items, items[-1].id if len(rows) > limit else None)
