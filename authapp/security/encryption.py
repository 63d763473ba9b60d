"""Encryption of what must be read again later, but not by somebody who only has the database (AES-256-GCM)."""

from __future__ import annotations

import secrets
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from authapp.security.keys import derive

_NONCE_BYTES = 12  # NIST SP 800-38D section 5.2.1.1
_KEY_ID_LENGTH = 8  # hex digits
NO_ID = UUID(int=0)
"""The owner of what belongs to a row without an id. Its purpose then names the row."""


class CannotDecrypt(Exception):
    """Encrypted with another key, or for another row, or altered."""


class Cipher:
    """Encrypts texts, each for the row that keeps it.

    Args:
        secret: of which the key is derived.
        accepted: further secrets. What was encrypted with a key of one of them is decrypted too.

    Attributes:
        key_id: names the key without telling anything about it. A row keeps it, to say which key it needs.
    """

    def __init__(self, secret: str, *accepted: str) -> None:
        # The names go into the keys: a change makes old texts unreadable.
        self._aes, *self._accepted = (AESGCM(derive(each, "sealing")) for each in (secret, *accepted))
        self.key_id = derive(secret, "id of the sealing key").hex()[:_KEY_ID_LENGTH]

    def encrypt(self, text: str, owner_id: UUID, purpose: str = "") -> bytes:
        """The text, to be decrypted with the same key for the row with the same id only.

        Args:
            text: what is encrypted.
            owner_id: the id of the row, or of the account that it belongs to.
            purpose: what the text is, such as `totp secret`: one of another purpose is not taken for it. Emails, which
                were the first, have none.
        """
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._aes.encrypt(nonce, text.encode(), _bound_to(owner_id, purpose))

    def decrypt(self, encrypted: bytes, owner_id: UUID, purpose: str = "") -> str:
        """The text that was encrypted.

        Raises:
            CannotDecrypt: SECRET_KEY has changed since, or the text was moved to another row, or to where a text of
                another purpose belongs, or altered.
        """
        nonce, sealed = encrypted[:_NONCE_BYTES], encrypted[_NONCE_BYTES:]
        for aes in (self._aes, *self._accepted):
            try:
                return aes.decrypt(nonce, sealed, _bound_to(owner_id, purpose)).decode()
            except (InvalidTag, ValueError):  # ValueError: cut off within the nonce
                continue
        raise CannotDecrypt("encrypted with another SECRET_KEY, or altered")


def _bound_to(owner_id: UUID, purpose: str) -> bytes:
    """The associated data. An id has always 16 bytes, so no other id and purpose give the same."""
    return owner_id.bytes + purpose.encode()
