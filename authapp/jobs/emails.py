"""Sends the emails of the outbox."""

from __future__ import annotations

from threading import Event

from authapp.mail import sending
from authapp.web.application import current_app


def send(stopped: Event) -> None:
    """Send every email that is due. Without a MAIL_URL they wait."""
    if current_app.mailer:
        sending.send_due(current_app.mailer, stopped)
