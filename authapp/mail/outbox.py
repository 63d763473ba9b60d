"""The outbox: emails are enqueued in the transaction of what they tell of, and sent after it, by `mail/sending.py`."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Delete, Select, delete, insert, literal, select
from uuid_utils.compat import uuid7

from authapp.core import clock
from authapp.core.email import Message
from authapp.db import transaction
from authapp.mail import limits, messages
from authapp.models import OutboxMessage
from authapp.web.application import current_app

TOO_MANY = "This address has been sent too many emails. Try again in an hour, or tomorrow."
_UNSENT = OutboxMessage.sent_at.is_(None)
PURPOSES = {"encrypted_body": "", "encrypted_context": "context of an email"}

log = structlog.get_logger("authapp")


def enqueue(
    recipient: str,
    kind: str,
    *,
    subject_id: UUID | None = None,
    always: bool = False,
    **context: Any,
) -> bool:
    """Render an email and add it to the request's transaction.

    Args:
        recipient: the address.
        kind: the name of its template.
        subject_id: what it is about, so that `cancel` finds it.
        always: beyond the limits of the recipient too. For what protects an account whose address is verified.
        context: what the template needs.

    Returns:
        False: the recipient has been sent as many emails as one may, and this one was dropped.
    """
    text = as_text(messages.render(kind, **context))
    return _add(recipient, kind, subject_id, always, encrypted_body=text)


def enqueue_message(recipient: str, kind: str, message: Message) -> bool:
    """The same for an email that is rendered already."""
    return _add(recipient, kind, encrypted_body=as_text(message))


def enqueue_uncomposed(
    recipient: str,
    kind: str,
    *,
    subject_id: UUID | None = None,
    always: bool = False,
    **context: Any,
) -> bool:
    """The same for an email that is composed when it is sent. `context` is what its composer needs, as JSON."""
    text = json.dumps(context) if context else None
    return _add(recipient, kind, subject_id, always, encrypted_context=text)


def _add(
    recipient: str,
    kind: str,
    subject_id: UUID | None = None,
    always: bool = False,
    **texts: str | None,
) -> bool:
    if current_app.mailer is None:
        log.warning("email.waits", kind=kind, reason="MAIL_URL is not set")
    message_id, now = uuid7(), clock.now()
    cipher = current_app.cipher
    values = {
        "id": message_id,
        "subject_id": subject_id,
        "recipient": recipient,
        "kind": kind,
        "due_at": now,
        "created_at": now,
        "key_id": cipher.key_id,
        **{name: text and cipher.encrypt(text, message_id, PURPOSES[name]) for name, text in texts.items()},
    }
    columns = OutboxMessage.__table__.c
    row = select(*(literal(value, columns[name].type) for name, value in values.items()))
    if not always:
        limits.lock(recipient)
        row = row.where(limits.allows_another(recipient, kind, now))
    added = transaction.scalar(insert(OutboxMessage).from_select(list(values), row).returning(OutboxMessage.id))
    if added is None:
        log.warning("email.dropped", kind=kind, reason="the recipient has been sent as many as one may")
    return added is not None


def cancel(subject_id: UUID) -> None:
    """Delete the emails about this that have not been sent."""
    transaction.execute(delete(OutboxMessage).where(OutboxMessage.subject_id == subject_id, _UNSENT))


def cancelling(subject_ids: Select[UUID]) -> Delete:
    """The statement that does so for all of these."""
    return delete(OutboxMessage).where(OutboxMessage.subject_id.in_(subject_ids), _UNSENT)


def as_text(message: Message) -> str:
    """A message as it is encrypted."""
    return json.dumps(asdict(message))
