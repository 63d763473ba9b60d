"""How many emails an address gets. Whoever knows an address may cause emails to it: by registering it, for example."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, func, select

from authapp.db import transaction
from authapp.models import OutboxMessage

MOST = {timedelta(hours=1): 5, timedelta(days=1): 20}  # of all kinds together


def lock(recipient: str) -> None:
    """Let simultaneous requests count one after the other."""
    transaction.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"emails to {recipient}", 0))))


def allows_another(recipient: str, now: datetime) -> ColumnElement[bool]:
    """The condition that an address may get another email. Lock it before the statement that has the condition."""
    return and_(*(_sent_since(recipient, now - window, most) < most for window, most in MOST.items()))


def has_been_sent(recipient: str, kind: str, since: datetime) -> bool:
    """Whether an email of this kind has been enqueued for an address since."""
    found = OutboxMessage.recipient == recipient, OutboxMessage.created_at > since, OutboxMessage.kind == kind
    return bool(transaction.scalar(select(exists().where(*found))))


def _sent_since(recipient: str, since: datetime, most: int) -> ColumnElement[int]:
    """How many emails have been enqueued for an address since, `most` at the most."""
    found = select(OutboxMessage.id).where(OutboxMessage.recipient == recipient, OutboxMessage.created_at > since)
    return select(func.count()).select_from(found.limit(most).subquery()).scalar_subquery()
