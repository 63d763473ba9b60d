"""How many emails an address gets. Whoever knows an address may cause emails to it: by registering it, for example."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, func, select

from authapp.db import transaction
from authapp.models import OutboxMessage

MOST = {timedelta(hours=1): 5, timedelta(days=1): 20}  # of all kinds together
MOST_BY_STRANGERS = {timedelta(hours=1): 3, timedelta(days=1): 12}  # so that they leave room for the others


def lock(recipient: str) -> None:
    """Let simultaneous requests count one after the other."""
    transaction.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"emails to {recipient}", 0))))


def allows_another(recipient: str, now: datetime, *, by_stranger: bool) -> ColumnElement[bool]:
    """The condition that an address may get another email. Lock it before the statement that has the condition.

    Args:
        recipient: the address.
        now: the moment.
        by_stranger: anybody who knows the address can cause it. It is dropped where few of any kind were enqueued.
    """
    limits = MOST_BY_STRANGERS if by_stranger else MOST
    return and_(*(_sent_since(recipient, now - window, most) < most for window, most in limits.items()))


def has_been_sent(recipient: str, kind: str, since: datetime) -> bool:
    """Whether an email of this kind has been enqueued for an address since."""
    found = OutboxMessage.recipient == recipient, OutboxMessage.created_at > since, OutboxMessage.kind == kind
    return bool(transaction.scalar(select(exists().where(*found))))


def _sent_since(recipient: str, since: datetime, most: int) -> ColumnElement[int]:
    """How many emails have been enqueued for an address since, `most` at the most."""
    found = select(OutboxMessage.id).where(OutboxMessage.recipient == recipient, OutboxMessage.created_at > since)
    return select(func.count()).select_from(found.limit(most).subquery()).scalar_subquery()
