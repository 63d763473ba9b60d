"""The worker: sends what is in the outbox, for as long as it runs."""

from __future__ import annotations

from threading import Event, Thread

import structlog
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from authapp.core.mail import Mailer, mailer
from authapp.services import outbox

LOOKS_EVERY = 1.0  # seconds

log = structlog.get_logger("authapp")


def deliver_until(stopped: Event, app: Flask, by: Mailer) -> None:
    """Look into the outbox every second. A database that is away is waited for."""
    while not stopped.is_set():
        try:
            with app.app_context():
                outbox.deliver_due(by, stopped)
        except SQLAlchemyError as error:
            log.warning("outbox.unreachable", error=str(error.__cause__ or error))
        stopped.wait(LOOKS_EVERY)


def deliver_in_background(app: Flask) -> None:
    """Send letters from a thread of this process, so that development needs no second one."""
    with app.app_context():
        by = mailer()
    if by is not None:
        Thread(target=deliver_until, args=(Event(), app, by), name="delivery", daemon=True).start()
