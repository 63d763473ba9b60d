"""How many emails an address gets. Whoever knows an address may cause emails to it: by registering it, for example."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, func, or_, select

from authapp.db import transaction
from authapp.models import OutboxMessage

MOST = {timedelta(hours=1): 5, timedelta(days=1): 20}  # of all kinds together
BY_ANYBODY = ("password_reset", "verification", "registration", "email_change")  # by who knows the address
# So that neither those use up what the others need, nor the others what a reset needs: so many are kept for each.
KEPT_FOR_ANYBODY = {timedelta(hours=1): 3, timedelta(days=1): 12}
KEPT_FOR_OTHERS = {timedelta(hours=1): 2, timedelta(days=1): 8}


def lock(recipient: str) -> None:
    """Let simultaneous requests count one after the other."""
    transaction.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"emails to {recipient}", 0))))


def allows_another(recipient: str, kind: str, now: datetime) -> ColumnElement[bool]:
    """The condition that an address may get another email. Lock it before the statement that has the condition."""
    by_anybody = kind in BY_ANYBODY
    alike = OutboxMessage.kind.in_(BY_ANYBODY) if by_anybody else OutboxMessage.kind.not_in(BY_ANYBODY)
    kept = KEPT_FOR_ANYBODY if by_anybody else KEPT_FOR_OTHERS
    of_all = (_sent_since(recipient, now - window, most) < most for window, most in MOST.items())
    of_alike = (_sent_since(recipient, now - window, most, alike) < most for window, most in kept.items())
    return or_(and_(*of_all), and_(*of_alike))


def has_been_sent(recipient: str, kind: str, since: datetime) -> bool:
    """Whether an email of this kind has been enqueued for an address since."""
    found = OutboxMessage.recipient == recipient, OutboxMessage.created_at > since, OutboxMessage.kind == kind
    return bool(transaction.scalar(select(exists().where(*found))))


def _sent_since(recipient: str, since: datetime, most: int, *which: ColumnElement[bool]) -> ColumnElement[int]:
    """How many emails that meet the conditions have been enqueued for an address since, `most` at the most."""
    of_recipient = (OutboxMessage.recipient == recipient, OutboxMessage.created_at > since)
    found = select(OutboxMessage.id).where(*of_recipient, *which)
    return select(func.count()).select_from(found.limit(most).subquery()).scalar_subquery()
