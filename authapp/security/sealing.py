"""Sealing: what must be read again later, but by nobody who only holds the database (AES-256-GCM)."""

from __future__ import annotations

import secrets
from typing import cast
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import Flask, current_app

from authapp.security.keys import derive
from config import Settings

_NONCE_BYTES = 12  # NIST SP 800-38D section 5.2.1.1


class Unreadable(Exception):
    """Sealed with another key, or for another row, or altered."""


def init_sealing(app: Flask, settings: Settings) -> None:
    app.extensions["authapp.sealing"] = AESGCM(derive(settings.secret_key, "sealing"))


def seal(text: str, owner_id: UUID) -> bytes:
    """The text, to be opened with the same key for the row with the same id only."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + _cipher().encrypt(nonce, text.encode(), owner_id.bytes)


def unseal(sealed: bytes, owner_id: UUID) -> str:
    """The text that was sealed.

    Raises:
        Unreadable: SECRET_KEY has changed since, or somebody has moved or altered it.
    """
    try:
        return _cipher().decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], owner_id.bytes).decode()
    except InvalidTag:
        raise Unreadable("sealed with another SECRET_KEY, or altered") from None


def _cipher() -> AESGCM:
    return cast("AESGCM", current_app.extensions["authapp.sealing"])
