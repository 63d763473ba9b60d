"""Passwords, hashed with bcrypt over a keyed pre-hash."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable

import bcrypt
import structlog

from authapp.config import Settings
from authapp.security import imported_hashes
from authapp.security.hash_queue import HashQueue
from authapp.security.imported_hashes import ImportedHash
from authapp.security.keys import derive

_PREFIX = "ap1"  # version of the pre-hash; bcrypt's own format follows
_STORED = re.compile(_PREFIX + r"(\$2b\$(?:0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31})", re.ASCII)

log = structlog.get_logger("authapp")


class Hasher:
    """Hashes and verifies passwords. Use it inside `with hasher.queue.slot():`.

    Args:
        settings: the cost, and the key of the pre-hash.
        client_is_connected: see `HashQueue`.
    """

    def __init__(self, settings: Settings, client_is_connected: Callable[[], bool]) -> None:
        self.queue = HashQueue(client_is_connected)
        self._rounds = settings.bcrypt_rounds
        own_pepper = settings.password_pepper
        self._pepper = own_pepper.encode() if own_pepper else derive(settings.secret_key, "password pepper")

    def hash(self, password: str) -> str:
        """A new salted hash at the present cost, 66 characters, for storage."""
        hashed = self.queue.run(bcrypt.hashpw, self._prehash(password), bcrypt.gensalt(self._rounds))
        return _PREFIX + hashed.decode()

    def verify(self, password: str, stored: str | None) -> bool:
        """Whether the password is the one stored.

        A wrong one costs one hash at the present cost, also where nothing, garbage or a hash of a lower cost is stored.
        A hash of a higher cost takes longer, which cannot be hidden: lower BCRYPT_ROUNDS only if that is acceptable.
        A wrong one costs as much more as the hash of another system does, where one is stored.
        """
        if imported := imported_hashes.read(stored or ""):
            return self.queue.run(_check_imported, password, imported, self._rounds)
        readable = _STORED.fullmatch(stored or "")
        if stored is not None and not readable:
            log.error("password.hash_unreadable")
        against = readable[1] if readable else _dummy(self._rounds)
        right = self.queue.run(_check, self._prehash(password), against, self._rounds)
        return right and readable is not None

    def needs_rehash(self, stored: str) -> bool:
        """Whether a stored hash was made at another cost than the present one, or by another system."""
        return not stored.startswith(f"{_PREFIX}$2b${self._rounds:02d}$")

    def _prehash(self, password: str) -> bytes:
        """64 bytes of base64, below bcrypt's limit of 72 and without NUL, in which every character counts."""
        return base64.b64encode(hmac.new(self._pepper, password.encode(), hashlib.sha384).digest())


def _check(prehashed: bytes, hashed: str, rounds: int) -> bool:
    if bcrypt.checkpw(prehashed, hashed.encode()):
        return True
    _spend(range(int(hashed[4:6]), rounds))  # a hash takes 2**cost steps: 2**4 + (2**4 + 2**5 + 2**6) = 2**7
    return False


def _check_imported(password: str, imported: ImportedHash, rounds: int) -> bool:
    if imported.matches(password):
        return True
    _spend([rounds] if imported.bcrypt_cost is None else range(imported.bcrypt_cost, rounds))
    return False


def _spend(costs: Iterable[int]) -> None:
    """Take as long as hashes of these costs."""
    for cost in costs:
        bcrypt.checkpw(b"", _dummy(cost).encode())


def _dummy(cost: int) -> str:
    """A hash in bcrypt's format that no password is known to have."""
    return f"$2b${cost:02d}$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuvwxyzABCDE"
