"""The emails of the outbox that are not sent yet, or were given up, for the operator."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, update

from authapp.core import clock
from authapp.db import transaction
from authapp.models import OutboxMessage


def listed(*, dead: bool) -> list[Row[*tuple[Any, ...]]]:
    """The emails that were given up, or those that wait, oldest first."""
    columns = (OutboxMessage.id, OutboxMessage.recipient, OutboxMessage.kind, OutboxMessage.attempts)
    times = (OutboxMessage.created_at, OutboxMessage.due_at, OutboxMessage.dead_at, OutboxMessage.last_error)
    which = OutboxMessage.dead_at.is_not(None) if dead else OutboxMessage.due_at.is_not(None)
    return list(transaction.execute(select(*columns, *times).where(which).order_by(OutboxMessage.id)))


def retry(message_id: UUID) -> bool:
    """Make an email that was given up due again, with all its attempts. Returns whether there is such an email."""
    retried = transaction.scalar(
        update(OutboxMessage)
        .where(OutboxMessage.id == message_id, OutboxMessage.dead_at.is_not(None))
        .values(dead_at=None, attempts=0, due_at=clock.now())
        .returning(OutboxMessage.id)
    )
    return retried is not None
