"""Passwords, hashed with bcrypt over a keyed pre-hash."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable
from contextlib import suppress

import bcrypt
import structlog

from authapp.config import Settings
from authapp.security import imported_hashes
from authapp.security.hash_queue import HashQueue
from authapp.security.imported_hashes import ImportedHash
from authapp.security.peppers import FIRST, Peppers

_PREFIX = "ap1"  # version of the pre-hash; the id of its pepper and bcrypt's own format follow
_STORED = re.compile(
    _PREFIX + r"(?:-([0-9a-f]{8}))?(\$2b\$(?:0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31})", re.ASCII
)

log = structlog.get_logger("authapp")


class Hasher:
    """Hashes and verifies passwords. Use it inside `with hasher.queue.slot():`.

    Args:
        settings: the cost.
        client_is_connected: see `HashQueue`.
        peppers: gives the keys of the pre-hash, as they are at the moment.
    """

    def __init__(
        self, settings: Settings, client_is_connected: Callable[[], bool], peppers: Callable[[], Peppers]
    ) -> None:
        self.queue = HashQueue(client_is_connected)
        self._rounds, self._peppers = settings.bcrypt_rounds, peppers

    def hash(self, password: str) -> str:
        """A new salted hash at the present cost, at most 75 characters, for storage."""
        present, by_id = self._peppers()
        hashed = self.queue.run(bcrypt.hashpw, _prehash(by_id[present], password), bcrypt.gensalt(self._rounds))
        return _prefix(present) + hashed.decode()

    def verify(self, password: str, stored: str | None) -> bool:
        """Whether the password is the one stored.

        A wrong one costs one hash at the present cost, also where nothing, garbage or a hash of a lower cost is stored.
        A hash of a higher cost takes longer, which cannot be hidden: lower BCRYPT_ROUNDS only if that is acceptable.
        A wrong one costs as much more as the hash of another system does, where one is stored.
        """
        if imported := imported_hashes.read(stored or ""):
            with suppress(ValueError):  # OpenSSL refuses the algorithm or its parameters: it is garbage to us
                return self.queue.run(_check_imported, password, imported, self._rounds)
        present, by_id = self._peppers()
        readable = _STORED.fullmatch(stored or "")
        pepper = by_id.get(readable[1] or FIRST) if readable else None
        if stored is not None and pepper is None:
            log.error("password.hash_unreadable")
        against = readable[2] if readable and pepper else _dummy(self._rounds)
        right = self.queue.run(_check, _prehash(pepper or by_id[present], password), against, self._rounds)
        return right and pepper is not None

    def needs_rehash(self, stored: str) -> bool:
        """Whether a hash has another cost or pepper than the present ones, or is of another system."""
        return not stored.startswith(f"{_prefix(self._peppers().present)}$2b${self._rounds:02d}$")


def _prefix(pepper_id: str) -> str:
    return f"{_PREFIX}-{pepper_id}" if pepper_id else _PREFIX


def _prehash(pepper: bytes, password: str) -> bytes:
    """64 bytes of base64, below bcrypt's limit of 72 and without NUL, in which every character counts."""
    return base64.b64encode(hmac.new(pepper, password.encode(), hashlib.sha384).digest())


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
