"""The outbox: letters are posted in the transaction of the act they tell of, and sent after it."""

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

from authapp.core import clock, mail, transaction
from authapp.core.mail import Mailer, Message, Undeliverable
from authapp.models import Letter
from authapp.security.sealing import Unreadable, seal, unseal

LEASE = timedelta(minutes=5)  # longer than any attempt: a letter whose worker died comes up again after it
WAITS = [timedelta(**wait) for wait in ({"seconds": 30}, {"minutes": 2}, {"minutes": 10}, {"hours": 1}, {"hours": 6})]
_LONGEST_ERROR = 500

log = structlog.get_logger("authapp")


def post(recipient: str, kind: str, *, about_id: UUID | None = None, **context: Any) -> None:
    """Write a letter and put it into the request's transaction."""
    letter_id = uuid7()
    sealed = seal(json.dumps(asdict(mail.write(kind, **context))), letter_id)
    transaction.execute(
        insert(Letter).values(
            id=letter_id, about_id=about_id, recipient=recipient, kind=kind, sealed=sealed, due_at=clock.now()
        )
    )


def withdraw(about_id: UUID) -> None:
    """Take back the letters about something that have not been sent."""
    transaction.execute(delete(Letter).where(Letter.about_id == about_id, Letter.sent_at.is_(None)))


def deliver_due(mailer: Mailer, stopped: Event | None = None) -> int:
    """Send every letter that is due, one at a time, holding no connection meanwhile. Says how many were tried."""
    tried = 0
    while not (stopped and stopped.is_set()) and (letter := _take()):
        _attempt(mailer, letter)
        tried += 1
    return tried


def dead() -> list[Row[*tuple[Any, ...]]]:
    """The letters that were given up, oldest first."""
    statement = select(Letter.id, Letter.recipient, Letter.kind, Letter.dead_at, Letter.attempts, Letter.last_error)
    return list(transaction.execute(statement.where(Letter.dead_at.is_not(None)).order_by(Letter.id)))


def revive(letter_id: UUID) -> bool:
    """Try a dead letter again, from the start. Says whether there is such a letter."""
    revived = transaction.scalar(
        update(Letter)
        .where(Letter.id == letter_id, Letter.dead_at.is_not(None))
        .values(dead_at=None, attempts=0, due_at=clock.now())
        .returning(Letter.id)
    )
    return revived is not None


def _take() -> Row[*tuple[Any, ...]] | None:
    """Lease the letter that has been due for longest. Any number of workers may take at the same time."""
    now = clock.now()
    due = select(Letter.id).where(Letter.due_at <= now).order_by(Letter.due_at).limit(1)
    letter = transaction.execute(
        update(Letter)
        .where(Letter.id == due.with_for_update(skip_locked=True).scalar_subquery())
        .values(attempts=Letter.attempts + 1, due_at=now + LEASE)
        .returning(Letter.id, Letter.recipient, Letter.kind, Letter.sealed, Letter.attempts)
    ).one_or_none()
    transaction.commit()
    return letter


def _attempt(mailer: Mailer, letter: Row[*tuple[Any, ...]]) -> None:
    if letter.attempts > len(WAITS) + 1:
        _give_up(letter, Undeliverable("every attempt has ended with its worker"))
        return
    try:
        message = Message(**json.loads(unseal(letter.sealed, letter.id)))
        mailer.send(str(letter.id), letter.recipient, message)
    except (Undeliverable, Unreadable) as error:
        _give_up(letter, error)
    except (OSError, ValueError) as error:  # smtplib's errors are OSErrors; ValueError: an address it cannot write
        _put_off(letter, error)
    else:
        _settle(letter, sealed=null(), sent_at=clock.now(), due_at=None, last_error=None)
        log.info("letter.sent", letter_id=str(letter.id), kind=letter.kind)


def _put_off(letter: Row[*tuple[Any, ...]], error: Exception) -> None:
    if letter.attempts > len(WAITS):
        _give_up(letter, error)
        return
    due_at = clock.now() + WAITS[letter.attempts - 1]
    _settle(letter, due_at=due_at, last_error=_said(error))
    log.warning("letter.put_off", letter_id=str(letter.id), kind=letter.kind, error=str(error), until=str(due_at))


def _give_up(letter: Row[*tuple[Any, ...]], error: Exception) -> None:
    _settle(letter, dead_at=clock.now(), due_at=None, last_error=_said(error))
    log.error("letter.dead", letter_id=str(letter.id), kind=letter.kind, error=str(error))


def _said(error: Exception) -> str:
    return str(error).replace("\x00", "")[:_LONGEST_ERROR]  # PostgreSQL stores no NUL


def _settle(letter: Row[*tuple[Any, ...]], **values: Any) -> None:
    """Write the outcome down, unless the lease has run out and another worker has the letter by now."""
    transaction.execute(
        update(Letter).where(Letter.id == letter.id, Letter.attempts == letter.attempts).values(**values)
    )
    transaction.commit()
