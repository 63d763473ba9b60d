"""The formats in which other systems have password hashes: docs/import.md lists them."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator

from authapp.security.imported_hashes import BCRYPT, BCRYPT_SHA256, LONGEST_DIGEST, ImportedHash

LONGEST = 1000  # characters
_BASE64, _NUMBER, _SALT = r"([A-Za-z0-9+/_-]+={0,2})", r"(\d{1,9})", r"([^$]+)"
_BCRYPT_HASH = r"\$2[aby]\$(\d\d)\$([./A-Za-z0-9]{22})([./A-Za-z0-9]{31})"
_ARGON2ID = rf"\$argon2id\$v=19\$m={_NUMBER},t={_NUMBER},p={_NUMBER}\${_BASE64}\${_BASE64}"
_FIREBASE = rf"\$fbscrypt\$v=1,n={_NUMBER},r={_NUMBER},p=1,ss={_BASE64}?,sk={_BASE64}\${_BASE64}\${_BASE64}"
_LARGEST_MEM_COST = 31


class UnusableHash(ValueError):
    """A password hash that cannot be imported. Its text is a sentence about it, which does not quote it."""


def read(text: str) -> ImportedHash:
    """The hash that another system has stored.

    Raises:
        UnusableHash: the format is not known, or is not kept to, or one check would take too long.
    """
    found = next(_readings(text), None) if len(text) <= LONGEST else None
    if found is None or not found.exists():
        raise UnusableHash("Not a password hash of a format that can be imported.")
    if not found.is_affordable():
        raise UnusableHash("One check of this password hash would take too long, or too much memory.")
    return found


def _readings(text: str) -> Iterator[ImportedHash]:
    for pattern, make in _FORMATS:
        if match := pattern.fullmatch(text):
            try:
                yield make(*match.groups())
            except ValueError:  # of base64 or hexadecimal digits
                raise UnusableHash("This password hash is damaged.") from None


def _bcrypt(scheme: str) -> Callable[[str, str, str], ImportedHash]:
    return lambda cost, salt, digest: ImportedHash(scheme, (int(cost),), salt.encode(), digest.encode())


def _argon2id(memory: str, passes: str, lanes: str, salt: str, digest: str) -> ImportedHash:
    return ImportedHash("argon2id", (int(memory), int(passes), int(lanes)), _bytes(salt), _bytes(digest))


def _django_scrypt(n: str, salt: str, r: str, p: str, digest: str) -> ImportedHash:
    return _cut("scrypt", (n, r, p), salt.encode(), _bytes(digest))


def _werkzeug_scrypt(n: str, r: str, p: str, salt: str, digest: str) -> ImportedHash:
    return _cut("scrypt", (n, r, p), salt.encode(), bytes.fromhex(digest))


def _django_pbkdf2(algorithm: str, iterations: str, salt: str, digest: str) -> ImportedHash:
    return _cut(f"pbkdf2-{algorithm}", (iterations,), salt.encode(), _bytes(digest))


def _werkzeug_pbkdf2(algorithm: str, iterations: str, salt: str, digest: str) -> ImportedHash:
    return _cut(f"pbkdf2-{algorithm}", (iterations,), salt.encode(), bytes.fromhex(digest))


def _firebase(
    mem_cost: str, rounds: str, separator: str | None, signer_key: str, salt: str, digest: str
) -> ImportedHash:
    """The digest is the encrypted signer key. Without that key it is what a password alone gives: see `_cut`."""
    key, encrypted = _bytes(signer_key), _bytes(digest)
    if len(key) != len(encrypted) or int(mem_cost) > _LARGEST_MEM_COST:
        raise ValueError
    stream = bytes(a ^ b for a, b in zip(key, encrypted, strict=True))
    return _cut("firebase-scrypt", (str(1 << int(mem_cost)), rounds), _bytes(salt) + _bytes(separator or ""), stream)


def _cut(scheme: str, parameters: tuple[str, ...], salt: bytes, digest: bytes) -> ImportedHash:
    """256 bits of a digest are enough, where the first ones of a longer digest are those of a shorter one."""
    return ImportedHash(scheme, tuple(map(int, parameters)), salt, digest[:LONGEST_DIGEST])


def _bytes(text: str) -> bytes:
    """Base64 in either alphabet, with or without padding."""
    plain = text.rstrip("=").translate(str.maketrans("-_", "+/"))
    return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)


_FORMATS: list[tuple[re.Pattern[str], Callable[..., ImportedHash]]] = [
    (re.compile(pattern, re.ASCII), make)
    for pattern, make in (
        (_BCRYPT_HASH, _bcrypt(BCRYPT)),
        (rf"bcrypt\${_BCRYPT_HASH}", _bcrypt(BCRYPT)),
        (rf"bcrypt_sha256\${_BCRYPT_HASH}", _bcrypt(BCRYPT_SHA256)),
        (_ARGON2ID, _argon2id),
        (rf"argon2{_ARGON2ID}", _argon2id),
        (rf"scrypt\${_NUMBER}\${_SALT}\${_NUMBER}\${_NUMBER}\${_BASE64}", _django_scrypt),
        (rf"scrypt:{_NUMBER}:{_NUMBER}:{_NUMBER}\${_SALT}\$([0-9a-f]+)", _werkzeug_scrypt),
        (rf"pbkdf2_(sha1|sha256)\${_NUMBER}\${_SALT}\${_BASE64}", _django_pbkdf2),
        (rf"pbkdf2:(sha1|sha256|sha512):{_NUMBER}\${_SALT}\$([0-9a-f]+)", _werkzeug_pbkdf2),
        (_FIREBASE, _firebase),
    )
]
