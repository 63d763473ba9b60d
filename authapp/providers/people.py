"""What a provider tells about a person, in the form that accounts have."""

from __future__ import annotations

import unicodedata

from marshmallow import ValidationError

from authapp.core import lengths
from authapp.schemas.emails import Email
from authapp.schemas.fields import SingleLine

_LONGEST = 1000  # characters that are looked at
_BREAKS = ("Zl", "Zp", "Zs")
_INVISIBLE = ("Cc", "Cf", "Cs", "Co", "Cn")
_JOINERS = "\u200c\u200d"
_EMAIL = Email()
_NAME = SingleLine(longest=lengths.PERSON_NAME)


def email_address(value: object) -> str | None:
    """An address in its canonical form, None where it is not valid."""
    try:
        address: str = _EMAIL.deserialize(value)
    except ValidationError:
        return None
    return address


def person_name(value: object) -> str | None:
    """A name as an account may have it: shorter, without what cannot be seen. None where nothing is left."""
    if not isinstance(value, str):
        return None
    text = unicodedata.normalize("NFC", "".join(map(_visible, value[:_LONGEST])))
    try:
        name: str = _NAME.deserialize(" ".join(text.split())[: lengths.PERSON_NAME].strip())
    except ValidationError:
        return None
    return name or None


def first_and_last_name(value: object) -> tuple[str | None, str | None]:
    """A whole name, divided at its last space."""
    if not isinstance(value, str):
        return None, None
    first, _, last = value[:_LONGEST].strip().rpartition(" ")
    return (person_name(first), person_name(last)) if first else (person_name(last), None)


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category in _BREAKS or character in "\t\n\r":
        return " "
    return "" if category in _INVISIBLE and character not in _JOINERS else character
