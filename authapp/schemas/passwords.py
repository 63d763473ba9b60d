"""Passwords that are set anew, as they are sent."""

from __future__ import annotations

from authapp.core import lengths
from authapp.schemas.emails import Email
from authapp.schemas.fields import Password, Request, Text
from authapp.schemas.invitations import TOKEN

_NEW = {"description": "The same rules as at registration.", "examples": ["AnotherPassword456"]}


class ForgottenPassword(Request):
    """Whose password was forgotten."""

    email = Email(required=True)


class PasswordReset(Request):
    """The token of an email, and the password to set with it."""

    token = Text(longest=lengths.OPAQUE_TOKEN, required=True, metadata=TOKEN)
    new_password = Password(required=True, metadata=_NEW)


class PasswordChange(Request):
    """My present password, and the one to set."""

    current_password = Password(required=True)
    new_password = Password(required=True, metadata=_NEW)
