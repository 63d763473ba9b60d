"""The emails of the outbox that are not sent yet, or were given up, for the operator."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select, update

from authapp.core import clock
from authapp.db import transaction
from authapp.db.pagination import Page, fetch
from authapp.models import OutboxMessage


def listed(limit: int, cursor: UUID | None, *, dead: bool) -> Page:
    """The emails that were given up, or those that wait, oldest first."""
    columns = (OutboxMessage.id, OutboxMessage.recipient, OutboxMessage.kind, OutboxMessage.attempts)
    times = (OutboxMessage.created_at, OutboxMessage.due_at, OutboxMessage.dead_at, OutboxMessage.last_error)
    which = OutboxMessage.dead_at.is_not(None) if dead else OutboxMessage.due_at.is_not(None)
    return fetch(select(*columns, *times).where(which), OutboxMessage.id, limit, cursor)


def retry(message_id: UUID | None) -> int:
    """Make an email that was given up due again, with all its attempts, or all of them. Returns how many it were."""
    given_up = OutboxMessage.dead_at.is_not(None)
    which = given_up if message_id is None else given_up & (OutboxMessage.id == message_id)
    due = update(OutboxMessage).where(which).values(dead_at=None, attempts=0, due_at=clock.now())
    return int(transaction.execute(due).rowcount)
