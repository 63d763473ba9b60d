"""An email, and what sends one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Message:
    """The content of an email."""

    subject: str
    text: str
    html: str


class Undeliverable(Exception):
    """The mail server will never take this email."""


class Mailer(Protocol):
    """Sends emails."""

    def send(self, message_id: str, recipient: str, message: Message) -> None:
        """Send one.

        Raises:
            Undeliverable: it is no use to try again.
            OSError: it may succeed later.
        """
