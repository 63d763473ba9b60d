"""Emails that tell the owner of an account what happened to it, when and from where."""

from __future__ import annotations

from typing import Any

from authapp.core import clock
from authapp.mail import messages, outbox
from authapp.web.application import current_app


def tell(email: str, kind: str, *, always: bool = False, page: str = "forgot-password", **context: Any) -> None:
    """Tell an owner what this very request does, and where to go if that was somebody else.

    Args:
        email: the address of the account.
        kind: the name of the template.
        always: as for `outbox.enqueue`.
        page: where the button leads, to set a new password by default.
        context: what the template needs beside that.
    """
    outbox.enqueue(
        email,
        kind,
        always=always,
        email=email,
        moment=clock.now(),
        **messages.origin(),
        link=messages.link(current_app.settings, page),
        **context,
    )
