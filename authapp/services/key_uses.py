"""When an API key or a service key was last used: to the minute, and never in the way of a request."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Executable
from sqlalchemy.exc import SQLAlchemyError

from authapp.db import transaction
from authapp.db.engine import autocommit_engine

RECORDED_EVERY = timedelta(minutes=1)

log = structlog.get_logger("authapp")


def record(statement: Executable, last_used_at: datetime | None, now: datetime, **parameters: Any) -> None:
    """Send a statement that records a use, once a minute at most, after the request's transaction.

    Args:
        statement: waits for no lock, and changes nothing where another was first. It takes `now` and `stale`.
        last_used_at: of the key.
        now: when it is used.
        parameters: what else the statement takes.
    """
    stale = now - RECORDED_EVERY
    if last_used_at is not None and last_used_at > stale:
        return

    def send() -> None:
        try:
            with autocommit_engine().connect() as connection:
                connection.execute(statement, {**parameters, "now": now, "stale": stale})
        except SQLAlchemyError as error:  # the request is done; its answer stands
            log.warning("key.use_not_recorded", error=str(error.__cause__ or error))

    transaction.after_transaction_end(send)
