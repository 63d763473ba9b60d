"""Leases of emails: who has taken one keeps it for as long as its attempt takes, and loses it soon after its end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Event, Thread
from typing import Any, cast

import structlog
from flask import Flask
from sqlalchemy import Row, update
from sqlalchemy.exc import SQLAlchemyError

from authapp.core import clock
from authapp.db import transaction
from authapp.models import OutboxMessage
from authapp.web.application import current_app

LEASE = timedelta(seconds=20)  # an email whose worker died is due again after it
RENEWED_EVERY = 5.0  # seconds

log = structlog.get_logger("authapp")


@contextmanager
def renewed(taken: Row[*tuple[Any, ...]]) -> Iterator[None]:
    """Keep the lease of an email meanwhile, however slow the mail server is: it may have accepted the email already."""
    done = Event()
    app = cast("Any", current_app)._get_current_object()
    thread = Thread(target=_renew_until, args=(done, app, taken), name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()  # so that nothing is written after the outcome


def _renew_until(done: Event, app: Flask, taken: Row[*tuple[Any, ...]]) -> None:
    while not done.wait(RENEWED_EVERY):
        try:
            with app.app_context():
                _renew(taken)
        except SQLAlchemyError as error:  # the database is away: for whoever could take the email, too
            log.warning("email.lease_not_renewed", message_id=str(taken.id), error=str(error.__cause__ or error))


def _renew(taken: Row[*tuple[Any, ...]]) -> None:
    leased = update(OutboxMessage).where(OutboxMessage.id == taken.id, OutboxMessage.due_at.is_not(None))
    transaction.limit_time()
    transaction.execute(leased.where(OutboxMessage.attempts == taken.attempts).values(due_at=clock.now() + LEASE))
    transaction.commit()
