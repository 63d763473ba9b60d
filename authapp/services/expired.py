"""Rows that have expired, and that nobody will ask for again: removed when further ones are made."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, select

from authapp.core import clock
from authapp.db import transaction

MOST = 100  # at a time, so that no request does the work of many


def remove(table: Any) -> None:
    """Remove rows of a table with `id` and `expires_at` that have expired. Those that another request removes stay."""
    expired = select(table.id).where(table.expires_at <= clock.now()).limit(MOST).with_for_update(skip_locked=True)
    transaction.execute(delete(table).where(table.id.in_(expired)))
