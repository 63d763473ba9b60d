"""Opaque tokens, for API keys and emails: `<prefix>_<id>_<secret>`. Only a keyed hash of one is ever stored."""

from __future__ import annotations

import hmac
import re
import secrets
import zlib
from typing import NamedTuple
from uuid import UUID

from authapp.security.keys import NONE_KEPT, Kept, kept_or_derived

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SECRET_LENGTH = 43  # characters of 62: 256 bits
CHECKSUM_LENGTH = 6  # a CRC-32, so that a mistyped or made-up token costs no query, and scanners know a leaked one
_FORM = re.compile(rf"([a-z]+)_([0-9a-f]{{32}})_([0-9A-Za-z]{{{SECRET_LENGTH}}})([0-9A-Za-z]{{{CHECKSUM_LENGTH}}})")


class Presented(NamedTuple):
    """What a well-formed token says: the id of its row, and the hash that the row has if the token is genuine."""

    id: UUID
    digest: bytes


class OpaqueTokens:
    """Makes and reads opaque tokens.

    Args:
        secret: of which the key of the hashes is derived.
        kept: that of an earlier secret, which takes its place.
    """

    def __init__(self, secret: str, kept: Kept = NONE_KEPT) -> None:
        self._key = kept_or_derived(secret, "opaque tokens", kept)

    def make(self, prefix: str, owner_id: UUID) -> tuple[str, bytes]:
        """A new token for the row with this id, and the hash for the row to keep."""
        random = "".join(secrets.choice(_ALPHABET) for _ in range(SECRET_LENGTH))
        stem = f"{prefix}_{owner_id.hex}_{random}"
        token = stem + _checksum(stem)
        return token, self._digest(token)

    def read(self, token: str, prefix: str) -> Presented | None:
        """What a token presents, or None where it cannot be one of ours."""
        match = _FORM.fullmatch(token)
        if match is None or match[1] != prefix or _checksum(token[:-CHECKSUM_LENGTH]) != match[4]:
            return None
        return Presented(UUID(match[2]), self._digest(token))

    def _digest(self, token: str) -> bytes:
        return hmac.digest(self._key, token.encode(), "sha256")


def _checksum(stem: str) -> str:
    rest, digits = zlib.crc32(stem.encode()), ""
    for _ in range(CHECKSUM_LENGTH):
        rest, digit = divmod(rest, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
