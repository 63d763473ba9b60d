"""Email addresses, in the one form in which they are stored and compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import email_validator
from email_validator import EmailNotValidError, validate_email
from marshmallow import ValidationError

from authapp.core import lengths
from authapp.schemas.fields import Text

EMAIL = {"format": "email", "examples": ["ada@example.com"]}
_NOT_AN_EMAIL = "Not a valid email address."


class Email(Text):
    """An address, in the one canonical form of `canonical_email`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(longest=lengths.EMAIL, metadata=EMAIL, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if isinstance(value, str) and not value.rpartition("@")[0].isascii():
            raise ValidationError(_NOT_AN_EMAIL)  # before NFC, which makes ASCII letters of some others
        return canonical_email(super()._deserialize(value, attr, data, **kwargs).strip(" "))


def canonical_email(address: str) -> str:
    """The one form in which an address is stored and looked up: ASCII, lower case, IDNA domain.

    Raises:
        ValidationError: if it is not an address.
    """
    try:
        result = validate_email(address, check_deliverability=False, allow_smtputf8=False, strict=True)
    except EmailNotValidError:
        raise ValidationError(_NOT_AN_EMAIL) from None
    if "=?" in address:  # RFC 2047 section 5: no encoded word in an address, which some would decode into another
        raise ValidationError(_NOT_AN_EMAIL)
    return (result.ascii_email or result.normalized).lower()


def accept_local_addresses() -> None:
    """Let this process accept `ada@localhost`, `ada@example.test` and `ada@printer.local`, for development."""
    email_validator.GLOBALLY_DELIVERABLE = False
    names = email_validator.SPECIAL_USE_DOMAIN_NAMES
    names[:] = [name for name in names if name not in ("local", "localhost", "test")]
