"""Keyed hashes (HMAC-SHA-256, RFC 2104) of what is looked up again but must not be readable in the database."""

from __future__ import annotations

import base64
import hmac
from uuid import UUID

from authapp.security.keys import NONE_KEPT, Kept, kept_or_derived
from authapp.security.typed_codes import without_separators

_LENGTH_BYTES = 4


class Digests:
    """Makes keyed hashes, with a key of its own for each kind of text.

    Args:
        secret: of which the keys are derived.
        kept: those of an earlier secret, which take their place.
    """

    def __init__(self, secret: str, kept: Kept = NONE_KEPT) -> None:
        self._recovery_codes = kept_or_derived(secret, "recovery codes", kept)
        self._throttle_keys = kept_or_derived(secret, "throttle keys", kept)
        self._browsers = kept_or_derived(secret, "browsers", kept)
        self._sso = kept_or_derived(secret, "provider states", kept)

    def recovery_code(self, user_id: UUID, code: str) -> bytes:
        """The hash of an account's recovery code; the same code of another account has another.

        Args:
            user_id: the account.
            code: as `recovery_codes.new_codes` made it, or `normalize` has read it.
        """
        return _digest(self._recovery_codes, user_id.bytes, without_separators(code).encode())

    def throttle_key(self, kind: str, *parts: str) -> bytes:
        """The key under which attempts are counted, such as those of an address.

        Args:
            kind: what is counted.
            parts: whose attempts, each in its one form: an email as it is stored, a network.
        """
        return _digest(self._throttle_keys, kind.encode(), *(part.encode() for part in parts))

    def browser(self, token: str) -> bytes:
        """The hash of the cookie that binds what a browser has begun to it.

        Args:
            token: the value of the cookie.
        """
        return _digest(self._browsers, token.encode())

    def sso(self, kind: str, state: str) -> str:
        """What a request to a provider carries beside its state, in base64url.

        Args:
            kind: `nonce` or `code_verifier`.
            state: of the request.
        """
        digest = _digest(self._sso, kind.encode(), state.encode())
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _digest(key: bytes, *parts: bytes) -> bytes:
    """Each part goes in behind its length, so that `ab`, `c` and `a`, `bc` differ."""
    return hmac.digest(key, b"".join(len(part).to_bytes(_LENGTH_BYTES) + part for part in parts), "sha256")
