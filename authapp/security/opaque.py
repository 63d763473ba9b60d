"""Opaque tokens, for API keys and letters: `<prefix>_<id>_<secret>`. Only a keyed hash of one is ever stored."""

from __future__ import annotations

import hmac
import re
import secrets
import zlib
from typing import NamedTuple, cast
from uuid import UUID

from flask import Flask, current_app

from authapp.security.keys import derive
from config import Settings

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SECRET_LENGTH = 43  # characters of 62: 256 bits
CHECKSUM_LENGTH = 6  # a CRC-32, so that a mistyped or made-up token costs no query, and scanners know a leaked one
_FORM = re.compile(rf"([a-z]+)_([0-9a-f]{{32}})_([0-9A-Za-z]{{{SECRET_LENGTH}}})([0-9A-Za-z]{{{CHECKSUM_LENGTH}}})")


class Presented(NamedTuple):
    """What a well-formed token says: whose it is, and what its row must hold if it is genuine."""

    id: UUID
    digest: bytes


def init_opaque(app: Flask, settings: Settings) -> None:
    app.extensions["authapp.opaque"] = derive(settings.secret_key, "opaque tokens")


def make(prefix: str, owner_id: UUID) -> tuple[str, bytes]:
    """A new token for the row with this id, and the hash that the row keeps."""
    secret = "".join(secrets.choice(_ALPHABET) for _ in range(SECRET_LENGTH))
    stem = f"{prefix}_{owner_id.hex}_{secret}"
    token = stem + _checksum(stem)
    return token, _digest(token)


def read(token: str, prefix: str) -> Presented | None:
    """What a token presents, or None where it cannot be one of ours."""
    match = _FORM.fullmatch(token)
    if match is None or match[1] != prefix or _checksum(token[:-CHECKSUM_LENGTH]) != match[4]:
        return None
    return Presented(UUID(match[2]), _digest(token))


def _checksum(stem: str) -> str:
    rest, digits = zlib.crc32(stem.encode()), ""
    for _ in range(CHECKSUM_LENGTH):
        rest, digit = divmod(rest, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits


def _digest(token: str) -> bytes:
    return hmac.digest(cast("bytes", current_app.extensions["authapp.opaque"]), token.encode(), "sha256")
