"""The outbox: emails are enqueued in the transaction of what they tell of, and sent after it."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import timedelta
from threading import Event
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Row, delete, insert, null, select, update
from uuid_utils.compat import uuid7

from authapp.core import clock
from authapp.core.email import Mailer, Message, Undeliverable
from authapp.db import transaction
from authapp.mail import messages
from authapp.models import OutboxMessage
from authapp.models.columns import is_one_of
from authapp.security.encryption import CannotDecrypt
from authapp.web.application import current_app

LEASE = timedelta(minutes=5)  # longer than any attempt: a message whose worker died is due again after it
WAITS = [timedelta(**wait) for wait in ({"seconds": 30}, {"minutes": 2}, {"minutes": 10}, {"hours": 1}, {"hours": 6})]
_LONGEST_ERROR = 500

log = structlog.get_logger("authapp")


def enqueue(recipient: str, kind: str, *, subject_id: UUID | None = None, **context: Any) -> None:
    """Render an email and add it to the request's transaction.

    Args:
        recipient: the address.
        kind: the name of its template.
        subject_id: what it is about, so that `cancel` finds it.
        context: what the template needs.
    """
    if current_app.mailer is None:
        log.warning("email.waits", kind=kind, reason="MAIL_URL is not set")
    message_id = uuid7()
    body = json.dumps(asdict(messages.render(kind, **context)))
    transaction.execute(
        insert(OutboxMessage).values(
            id=message_id,
            subject_id=subject_id,
            recipient=recipient,
            kind=kind,
            encrypted_body=current_app.cipher.encrypt(body, message_id),
            due_at=clock.now(),
        )
    )


def cancel(*subject_ids: UUID) -> None:
    """Delete the emails about these that have not been sent."""
    about_these = is_one_of(OutboxMessage.subject_id, subject_ids)
    transaction.execute(delete(OutboxMessage).where(about_these, OutboxMessage.sent_at.is_(None)))


def send_due(mailer: Mailer, stopped: Event | None = None) -> int:
    """Send every email that is due, one at a time, and hold no connection meanwhile. Returns how many were tried."""
    tried = 0
    while not (stopped and stopped.is_set()) and (taken := _take()):
        _attempt(mailer, taken)
        tried += 1
    return tried


def unsent(*, dead: bool) -> list[Row[*tuple[Any, ...]]]:
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


def _take() -> Row[*tuple[Any, ...]] | None:
    """Lease the email that has been due for longest. Any number of workers may take at the same time."""
    now = clock.now()
    due = select(OutboxMessage.id).where(OutboxMessage.due_at <= now).order_by(OutboxMessage.due_at).limit(1)
    taken = transaction.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id == due.with_for_update(skip_locked=True).scalar_subquery())
        .values(attempts=OutboxMessage.attempts + 1, due_at=now + LEASE)
        .returning(
            OutboxMessage.id,
            OutboxMessage.recipient,
            OutboxMessage.kind,
            OutboxMessage.encrypted_body,
            OutboxMessage.attempts,
        )
    ).one_or_none()
    transaction.commit()
    return taken


def _attempt(mailer: Mailer, taken: Row[*tuple[Any, ...]]) -> None:
    if taken.attempts > len(WAITS) + 1:
        _give_up(taken, Undeliverable("every attempt has ended with its worker"))
        return
    try:
        message = Message(**json.loads(current_app.cipher.decrypt(taken.encrypted_body, taken.id)))
        mailer.send(str(taken.id), taken.recipient, message)
    except (Undeliverable, CannotDecrypt) as error:
        _give_up(taken, error)
    except (OSError, ValueError) as error:  # smtplib's errors are OSErrors; ValueError: an address it cannot write
        _postpone(taken, error)
    else:
        _finish(taken, encrypted_body=null(), sent_at=clock.now(), due_at=None, last_error=None)
        log.info("email.sent", message_id=str(taken.id), kind=taken.kind)


def _postpone(taken: Row[*tuple[Any, ...]], error: Exception) -> None:
    if taken.attempts > len(WAITS):
        _give_up(taken, error)
        return
    due_at = clock.now() + WAITS[taken.attempts - 1]
    _finish(taken, due_at=due_at, last_error=_error_text(error))
    log.warning("email.postponed", message_id=str(taken.id), kind=taken.kind, error=str(error), until=str(due_at))


def _give_up(taken: Row[*tuple[Any, ...]], error: Exception) -> None:
    _finish(taken, dead_at=clock.now(), due_at=None, last_error=_error_text(error))
    log.error("email.dead", message_id=str(taken.id), kind=taken.kind, error=str(error))


def _error_text(error: Exception) -> str:
    return str(error).replace("\x00", "")[:_LONGEST_ERROR]  # PostgreSQL stores no NUL


def _finish(taken: Row[*tuple[Any, ...]], **values: Any) -> None:
    """Store the outcome, unless the lease has run out and another worker has the email by now."""
    transaction.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id == taken.id, OutboxMessage.attempts == taken.attempts)
        .values(**values)
    )
    transaction.commit()
