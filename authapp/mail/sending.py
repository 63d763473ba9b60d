"""Sends what is in the outbox: each email is leased, composed if it needs to be, and given to the mailer."""

from __future__ import annotations

import json
import smtplib
from dataclasses import asdict
from datetime import timedelta
from threading import Event
from typing import Any

import structlog
from sqlalchemy import Row, null, select, update

from authapp.core import clock
from authapp.core.email import Mailer, Message, Undeliverable
from authapp.core.error_reports import report
from authapp.db import transaction
from authapp.mail import leases
from authapp.mail.composers import Waiting, compose
from authapp.mail.outbox import PURPOSES, as_text
from authapp.models import OutboxMessage
from authapp.security.encryption import CannotDecrypt
from authapp.web.application import current_app

WAITS = [timedelta(**wait) for wait in ({"seconds": 30}, {"minutes": 2}, {"minutes": 10}, {"hours": 1}, {"hours": 6})]
_LONGEST_ERROR = 500

log = structlog.get_logger("authapp")


class NotComposed(Exception):
    """An email could not be composed. It may succeed later."""


def send_due(mailer: Mailer, stopped: Event | None = None) -> int:
    """Send every email that is due, one at a time, and hold no connection meanwhile. Returns how many were tried."""
    tried = 0
    while not (stopped and stopped.is_set()) and (taken := _take()):
        _attempt(mailer, taken)
        tried += 1
    return tried


def _take() -> Row[*tuple[Any, ...]] | None:
    """Lease the email that has been due for longest. Any number of workers may take at the same time."""
    now = clock.now()
    due = (
        select(OutboxMessage.id)
        .where(OutboxMessage.due_at <= now)
        .order_by(OutboxMessage.due_at, OutboxMessage.id)
        .limit(1)
    )
    taken = transaction.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id == due.with_for_update(skip_locked=True).scalar_subquery())
        .values(attempts=OutboxMessage.attempts + 1, due_at=now + leases.LEASE)
        .returning(
            OutboxMessage.id,
            OutboxMessage.subject_id,
            OutboxMessage.recipient,
            OutboxMessage.kind,
            OutboxMessage.encrypted_body,
            OutboxMessage.encrypted_context,
            OutboxMessage.attempts,
            OutboxMessage.created_at,
        )
    ).one_or_none()
    transaction.commit()
    return taken


def _attempt(mailer: Mailer, taken: Row[*tuple[Any, ...]]) -> None:
    if taken.attempts > len(WAITS) + 1:
        _give_up(taken, Undeliverable("every attempt has ended with its worker"))
        return
    try:
        with leases.renewed(taken):
            is_sent = _send(mailer, taken)
    except (Undeliverable, CannotDecrypt) as error:
        _give_up(taken, error)
    except (OSError, ValueError, NotComposed) as error:  # smtplib's are OSErrors; ValueError: a malformed address
        _postpone(taken, error)
    else:
        if is_sent:
            _finish(taken, encrypted_body=null(), sent_at=clock.now(), due_at=None, last_error=None)
            log.info("email.sent", message_id=str(taken.id), kind=taken.kind)


def _send(mailer: Mailer, taken: Row[*tuple[Any, ...]]) -> bool:
    """Hand an email to the mailer. Returns whether there was one to send."""
    message = _read(taken, "encrypted_body") if taken.encrypted_body else _compose(taken)
    if message is None:
        return False
    mailer.send(str(taken.id), taken.recipient, Message(**message))
    return True


def _compose(taken: Row[*tuple[Any, ...]]) -> dict[str, str] | None:
    """Compose an email and keep its text: each further attempt sends the same token.

    Returns:
        None: there is nobody to send it to, or another worker has it by now.

    Raises:
        NotComposed: the composer has failed. What it has written is undone.
    """
    context = _read(taken, "encrypted_context") if taken.encrypted_context else {}
    try:
        message = compose(taken.kind, Waiting(taken.recipient, taken.subject_id, taken.created_at, context))
    except Exception as error:
        transaction.rollback()
        log.exception("email.not_composed", message_id=str(taken.id), kind=taken.kind)
        report(error, kind=taken.kind)
        raise NotComposed(f"{type(error).__name__}: {error}") from error
    if message is None:
        values: dict[str, Any] = {"sent_at": clock.now(), "due_at": None}
    else:
        cipher = current_app.cipher
        body = cipher.encrypt(as_text(message), taken.id, PURPOSES["encrypted_body"])
        values = {"encrypted_body": body, "key_id": cipher.key_id}
    if _finish(taken, **values, encrypted_context=null()) and message:
        return asdict(message)
    log.info("email.not_needed", message_id=str(taken.id), kind=taken.kind)
    return None


def _read(taken: Row[*tuple[Any, ...]], column: str) -> dict[str, Any]:
    """A text of an email.

    Raises:
        CannotDecrypt: SECRET_KEY has changed since.
    """
    text = current_app.cipher.decrypt(getattr(taken, column), taken.id, PURPOSES[column])
    return dict(json.loads(text))


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
    """What is stored of an error. A mail server may quote the email, and the token in it: its code stays alone."""
    answer = error.__cause__ or error
    if isinstance(answer, smtplib.SMTPRecipientsRefused):
        codes = {code for code, _ in answer.recipients.values()}
    else:
        codes = {answer.smtp_code} if isinstance(answer, smtplib.SMTPResponseException) else set()
    text = " ".join([type(answer).__name__, *map(str, codes)]) if codes else str(error)
    return text.replace("\x00", "")[:_LONGEST_ERROR]  # PostgreSQL stores no NUL


def _finish(taken: Row[*tuple[Any, ...]], **values: Any) -> bool:
    """Store the outcome, and commit, unless the lease has run out and another worker has the email by now."""
    stored = transaction.scalar(
        update(OutboxMessage)
        .where(OutboxMessage.id == taken.id, OutboxMessage.attempts == taken.attempts)
        .values(**values)
        .returning(OutboxMessage.id)
    )
    if stored is None:
        transaction.rollback()  # a token that the composer has made would end the one that the other worker sends
    else:
        transaction.commit()
    return stored is not None
