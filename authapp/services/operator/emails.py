"""Emails that were given up, for an operator: made due again, with an event."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from authapp.core.actor import Actor
from authapp.core.enums import AuditAction
from authapp.mail import unsent
from authapp.services import audit


def retry(message_id: UUID | None, actor: Actor | None = None) -> int:
    """Make an email due again that was given up, or all of them. Returns how many it were.

    Args:
        message_id: of the email, None for all.
        actor: the operator, in whose own history it is recorded; None for a command.
    """
    retried = unsent.retry(message_id)
    if retried:
        details: dict[str, Any] = {} if message_id else {"count": retried}
        user_id = actor.id if actor else None
        audit.record(AuditAction.EMAIL_RETRIED, actor, target_id=message_id, user_id=user_id, **details)
    return retried
