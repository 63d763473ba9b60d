"""Rows that have expired, removed by those who add new ones."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, select

from authapp.core import clock
from authapp.db import transaction

MOST = 100  # at once, so that nobody waits for long


def remove(table: Any) -> None:
    """Remove rows that have expired, the oldest first. Those that another request has locked are left to it.

    Args:
        table: a model with `id` and an index on `expires_at`.
    """
    expired = (
        select(table.id)
        .where(table.expires_at <= clock.now())
        .order_by(table.expires_at)
        .limit(MOST)
        .with_for_update(skip_locked=True)
        .cte()
    )
    transaction.execute(delete(table).where(table.id.in_(select(expired.c.id))))
