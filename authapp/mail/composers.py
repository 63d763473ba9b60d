"""Emails that are composed when they are sent: the request that causes one does not look the account up.

So a request for an address that has an account sends the same statements as one for an address that has none.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from authapp.core.email import Message


class Waiting(NamedTuple):
    """An email that is about to be composed."""

    recipient: str
    subject_id: UUID | None
    enqueued_at: datetime
    context: dict[str, Any]


Composer = Callable[[Waiting], Message | None]
_COMPOSERS: dict[str, Composer] = {}


def composed_when_sent(kind: str) -> Callable[[Composer], Composer]:
    """Register the composer of a kind of emails.

    It runs in the worker, in a transaction that is committed with the email's text. None: there is nobody to send it
    to.
    """

    def register(composer: Composer) -> Composer:
        _COMPOSERS[kind] = composer
        return composer

    return register


def compose(kind: str, waiting: Waiting) -> Message | None:
    """Compose an email of this kind."""
    return _COMPOSERS[kind](waiting)
