"""Verifying and changing an email address, as it is sent."""

from __future__ import annotations

from authapp.core import lengths
from authapp.schemas.emails import Email
from authapp.schemas.fields import Password, Request, Text
from authapp.schemas.invitations import TOKEN


class EmailToken(Request):
    """The token of an email."""

    token = Text(longest=lengths.OPAQUE_TOKEN, required=True, metadata=TOKEN)


class VerificationRequest(Request):
    """Which address to send the email to."""

    email = Email(required=True)


class EmailChange(Request):
    """The new address, and the password of the account, if it has one."""

    new_email = Email(required=True)
    password = Password(load_default=None, allow_none=True)
