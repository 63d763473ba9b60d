"""Recovery codes: what somebody signs in with who has lost the authenticator app. Each counts once."""

from __future__ import annotations

import re
import secrets

from authapp.security.typed_codes import without_separators

COUNT = 10
_ALPHABET = "23456789abcdefghijkmnpqrstuvwxyz"  # neither 0 nor o, neither 1 nor l
_GROUPS, _GROUP_LENGTH = 4, 4
_LENGTH = _GROUPS * _GROUP_LENGTH  # of 32 characters: 80 bits
_FORM = re.compile(rf"[{_ALPHABET}]{{{_LENGTH}}}")


def new_codes() -> list[str]:
    """Ten new codes to be shown once, such as `k7wd-3hzq-9fmx-e2pt`."""
    return [_new_code() for _ in range(COUNT)]


def normalize(text: str) -> str | None:
    """The one form of a code that was typed, in which it is hashed. None: it cannot be a code."""
    typed = without_separators(text)
    if not typed.isascii():
        return None  # the Kelvin sign, lowered, would be a k
    code = typed.lower()
    return code if _FORM.fullmatch(code) else None


def _new_code() -> str:
    code = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    return "-".join(code[start : start + _GROUP_LENGTH] for start in range(0, _LENGTH, _GROUP_LENGTH))
