"""Sends what is in the outbox, for as long as it runs."""

from __future__ import annotations

from threading import Event, Thread

import structlog
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from authapp.core.email import Mailer
from authapp.mail import outbox

INTERVAL = 1.0  # seconds

log = structlog.get_logger("authapp")


def send_until(stopped: Event, app: Flask, mailer: Mailer) -> None:
    """Look into the outbox every second, also after the database was away."""
    while not stopped.is_set():
        try:
            with app.app_context():
                outbox.send_due(mailer, stopped)
        except SQLAlchemyError as error:
            log.warning("outbox.unreachable", error=str(error.__cause__ or error))
        stopped.wait(INTERVAL)


def send_in_background(app: Flask, mailer: Mailer) -> None:
    """Send emails from a thread of this process, so that development needs no second one."""
    Thread(target=send_until, args=(Event(), app, mailer), name="mail-sender", daemon=True).start()
