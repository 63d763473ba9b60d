"""Encryption of what must be read again later, but not by somebody who only has the database (AES-256-GCM)."""

from __future__ import annotations

import secrets
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from authapp.security.keys import derive

_NONCE_BYTES = 12  # NIST SP 800-38D section 5.2.1.1


class CannotDecrypt(Exception):
    """Encrypted with another key, or for another row, or altered."""


class Cipher:
    """Encrypts texts, each for the row that keeps it.

    Args:
        secret: of which the key is derived.
    """

    def __init__(self, secret: str) -> None:
        self._aes = AESGCM(derive(secret, "sealing"))  # the name goes into the key: a change makes old texts unreadable

    def encrypt(self, text: str, owner_id: UUID) -> bytes:
        """The text, to be decrypted with the same key for the row with the same id only."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._aes.encrypt(nonce, text.encode(), owner_id.bytes)

    def decrypt(self, encrypted: bytes, owner_id: UUID) -> str:
        """The text that was encrypted.

        Raises:
            CannotDecrypt: SECRET_KEY has changed since, or the text was moved to another row or altered.
        """
        try:
            return self._aes.decrypt(encrypted[:_NONCE_BYTES], encrypted[_NONCE_BYTES:], owner_id.bytes).decode()
        except InvalidTag:
            raise CannotDecrypt("encrypted with another SECRET_KEY, or altered") from None
