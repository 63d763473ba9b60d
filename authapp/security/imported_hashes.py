"""Password hashes that other systems have made: how they are stored, checked and bounded.

`foreign_hashes` reads them. A hash of this kind is replaced by one of ours when its owner signs in.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from typing import NamedTuple

import bcrypt
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

MOST_MEMORY = 256 * 1024  # KiB for one check
LONGEST_SALT, LONGEST_DIGEST = 40, 32  # bytes; with both, the text has at most the 128 characters of its column
SHORTEST_DIGEST = 16
_MOST_LANES = 64
_MOST_LANES_OF_PASSES = 256  # Argon2id starts threads for each lane in each pass: in 16,384 they took 2 seconds
_MOST_FACTOR = 64  # scrypt needs 128 * r * (n + p + 2) bytes: then r and p add a megabyte at most
BCRYPT, BCRYPT_SHA256 = "bcrypt", "bcrypt-sha256"
_BCRYPT_USES = 72  # bytes of a password
_BCRYPT_SALT = re.compile(rb"[./A-Za-z0-9]{21}[.Oeu]")
_BCRYPT_DIGEST = re.compile(rb"[./A-Za-z0-9]{31}")
_STORED = re.compile(r"im1\$([a-z0-9-]+)\$(\d{1,9}(?:,\d{1,9})*)\$([\w-]{1,54})\$([\w-]{22,43})", re.ASCII)


class _Scheme(NamedTuple):
    """An algorithm, and which of its parameters there can be, we check, and are called weak."""

    parameters: int
    compute: Callable[..., bytes]  # of the password, the salt, the length and the parameters
    exists: Callable[..., bool]
    is_affordable: Callable[..., bool]  # a check takes about a second at most, where one of ours takes a quarter
    is_weak: Callable[..., bool]


class ImportedHash(NamedTuple):
    """A hash of another system."""

    scheme: str
    parameters: tuple[int, ...]
    salt: bytes
    digest: bytes

    @property
    def stored(self) -> str:
        """The text in the database."""
        parameters = ",".join(map(str, self.parameters))
        return f"im1${self.scheme}${parameters}${_base64(self.salt)}${_base64(self.digest)}"

    @property
    def bcrypt_cost(self) -> int | None:
        return self.parameters[0] if self.scheme in (BCRYPT, BCRYPT_SHA256) else None

    def exists(self) -> bool:
        """Whether the algorithm is known and takes these parameters."""
        scheme = _SCHEMES.get(self.scheme)
        if scheme is None or len(self.parameters) != scheme.parameters:
            return False
        if self.bcrypt_cost is None:
            fits = len(self.salt) <= LONGEST_SALT and SHORTEST_DIGEST <= len(self.digest) <= LONGEST_DIGEST
        else:
            fits = bool(_BCRYPT_SALT.fullmatch(self.salt) and _BCRYPT_DIGEST.fullmatch(self.digest))
        enough = len(self.salt) >= (8 if self.scheme == "argon2id" else 1)
        return fits and enough and scheme.exists(*self.parameters)

    def is_affordable(self) -> bool:
        """Whether a check takes about a second and 256 MiB at most, so that it stops nobody else's sign-in."""
        return _SCHEMES[self.scheme].is_affordable(*self.parameters)

    def is_weak(self) -> bool:
        """Whether guessing is much cheaper than for a hash of ours."""
        return _SCHEMES[self.scheme].is_weak(*self.parameters)

    def matches(self, password: str) -> bool:
        """Whether this is the password."""
        compute = _SCHEMES[self.scheme].compute
        return hmac.compare_digest(
            compute(password.encode(), self.salt, len(self.digest), *self.parameters), self.digest
        )


def read(stored: str) -> ImportedHash | None:
    """The hash of a text in the database. None: it is none, or one that we would not have stored."""
    match = _STORED.fullmatch(stored)
    if match is None:
        return None
    scheme, parameters, salt, digest = match.groups()
    found = ImportedHash(scheme, tuple(map(int, parameters.split(","))), _bytes(salt), _bytes(digest))
    return found if found.stored == stored and found.exists() and found.is_affordable() else None


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    """The inverse; of a length that base64 does not have, some other bytes."""
    return base64.urlsafe_b64decode(text[: -1 if len(text) % 4 == 1 else None] + "==")


def _bcrypt(password: bytes, salt: bytes, length: int, cost: int) -> bytes:
    return bcrypt.hashpw(password[:_BCRYPT_USES], b"$2b$%02d$%b" % (cost, salt))[-length:]


def _bcrypt_sha256(password: bytes, salt: bytes, length: int, cost: int) -> bytes:
    return _bcrypt(hashlib.sha256(password).hexdigest().encode(), salt, length, cost)


def _argon2id(password: bytes, salt: bytes, length: int, memory: int, passes: int, lanes: int) -> bytes:
    return Argon2id(salt=salt, length=length, iterations=passes, lanes=lanes, memory_cost=memory).derive(password)


def _scrypt(password: bytes, salt: bytes, length: int, n: int, r: int, p: int) -> bytes:
    most = 2 * MOST_MEMORY * 1024  # what OpenSSL counts is a little more than the table
    return hashlib.scrypt(password, salt=salt, n=n, r=r, p=p, maxmem=most, dklen=length)


def _firebase(password: bytes, salt: bytes, length: int, n: int, r: int) -> bytes:
    """The key stream that Firebase encrypts the signer key of a project with."""
    encryptor = Cipher(AES256(_scrypt(password, salt, 32, n, r, 1)), CTR(bytes(16))).encryptor()
    return encryptor.update(bytes(length))


def _pbkdf2(algorithm: str, most: int) -> _Scheme:
    return _Scheme(
        1,
        lambda password, salt, length, iterations: hashlib.pbkdf2_hmac(algorithm, password, salt, iterations, length),
        lambda iterations: iterations >= 1,
        lambda iterations: iterations <= most,
        lambda iterations: iterations < 100_000,
    )


def _scrypt_exists(n: int, r: int, p: int = 1) -> bool:
    """RFC 7914 section 2."""
    return n > 1 and n.bit_count() == 1 and r > 0 and p > 0 and n.bit_length() - 1 < 16 * r


def _scrypt_is_affordable(n: int, r: int, p: int = 1) -> bool:
    return r <= _MOST_FACTOR and p <= _MOST_FACTOR and n * r * p <= 8 * MOST_MEMORY  # 128 bytes each


def _argon2id_is_affordable(memory: int, passes: int, lanes: int) -> bool:
    return (
        memory <= MOST_MEMORY
        and memory * passes <= 4 * MOST_MEMORY
        and lanes <= _MOST_LANES
        and passes * lanes <= _MOST_LANES_OF_PASSES
    )


_SCHEMES = {
    **{
        name: _Scheme(1, compute, lambda cost: 4 <= cost <= 31, lambda cost: cost <= 14, lambda cost: cost < 10)
        for name, compute in ((BCRYPT, _bcrypt), (BCRYPT_SHA256, _bcrypt_sha256))
    },
    "argon2id": _Scheme(
        3,
        _argon2id,
        lambda memory, passes, lanes: passes > 0 and lanes > 0 and memory >= 8 * lanes,
        _argon2id_is_affordable,
        lambda memory, passes, lanes: memory * passes < 32 * 1024,
    ),
    "scrypt": _Scheme(
        3,
        _scrypt,
        _scrypt_exists,
        _scrypt_is_affordable,
        lambda n, r, p: n * r * p < 2**17,
    ),
    "firebase-scrypt": _Scheme(
        2,
        _firebase,
        _scrypt_exists,
        _scrypt_is_affordable,
        lambda n, r: n * r < 2**17,
    ),
    "pbkdf2-sha1": _pbkdf2("sha1", 1_500_000),
    "pbkdf2-sha256": _pbkdf2("sha256", 3_000_000),
    "pbkdf2-sha512": _pbkdf2("sha512", 1_500_000),
}
