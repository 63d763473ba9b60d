"""Key material: subkeys derived from SECRET_KEY, and the rings of keys that sign and verify tokens."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, cast

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from jwt import PyJWS
from jwt.algorithms import HMACAlgorithm, get_default_algorithms

from authapp.config import Settings
from authapp.security.jwk import SigningKey, signing_key, symmetric_jwk

SUBKEY_BYTES = 32
JWKS_MAX_AGE_SECONDS = 300  # for so long other services may keep the public keys
SYMMETRIC = "HS256"
PEPPER = "password pepper"
KEPT = ("opaque tokens", "recovery codes", "throttle keys", "browsers", "provider states", PEPPER)
"""The purposes of keys that are kept when SECRET_KEY is replaced: nobody can hash again what they have hashed."""

Kept = Mapping[str, bytes]
"""Keys that were derived from an earlier SECRET_KEY, by their purposes."""

NONE_KEPT: Kept = MappingProxyType({})


def derive(secret: str, purpose: str) -> bytes:
    """A 256-bit key for one purpose (HKDF, RFC 5869). One purpose tells nothing of another."""
    hkdf = HKDF(algorithm=SHA256(), length=SUBKEY_BYTES, salt=None, info=f"authapp {purpose} v1".encode())
    return hkdf.derive(secret.encode())


def kept_or_derived(secret: str, purpose: str, kept: Kept) -> bytes:
    """The key for one of the purposes of KEPT: of an earlier secret where it was kept, else of this one."""
    return kept.get(purpose) or derive(secret, purpose)


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The first key signs, all verify."""

    algorithm: str
    jws: PyJWS  # signs and verifies with this algorithm, and knows no other
    keys: tuple[SigningKey, ...]

    @property
    def signing(self) -> SigningKey:
        return self.keys[0]

    def public_set(self) -> dict[str, Any]:
        """The JWK set that other services verify with (RFC 7517 section 5). Empty for HS256."""
        return {"keys": [key.public for key in self.keys if key.public is not None]}


def ring(algorithm: str, keys: Sequence[SigningKey]) -> KeyRing:
    """A ring of these keys."""
    return KeyRing(algorithm, jws(algorithm), tuple(keys))


def imported_keys(settings: Settings) -> list[SigningKey]:
    """The keys of JWT_KEYS.

    Raises:
        UnsafeSettings: a key does not fit ALGORITHM, is public, or is too short.
    """
    return [signing_key(member, settings.algorithm) for member in imported_jwks(settings)]


def imported_jwks(settings: Settings) -> list[dict[str, Any]]:
    """The members of JWT_KEYS."""
    return list(json.loads(settings.jwt_keys)["keys"]) if settings.jwt_keys else []


def symmetric_access_ring(settings: Settings, secrets: Sequence[str]) -> KeyRing:
    """The ring of access tokens where ALGORITHM is HS256.

    Args:
        settings: JWT_KEYS or JWT_SECRET_KEY, if one is set, has the keys.
        secrets: else they are derived from these, of which the first is in use.
    """
    if settings.jwt_keys:
        return ring(SYMMETRIC, imported_keys(settings))
    if settings.jwt_secret_key:
        return _symmetric_ring([settings.jwt_secret_key.encode()])
    return _symmetric_ring([derive(secret, "HS256") for secret in secrets])


def refresh_ring(secrets: Sequence[str]) -> KeyRing:
    """The ring of refresh tokens, derived from SECRET_KEY whatever ALGORITHM says. The first secret is in use."""
    return _symmetric_ring([derive(secret, "refresh tokens") for secret in secrets])


def _symmetric_ring(raw_keys: list[bytes]) -> KeyRing:
    return ring(SYMMETRIC, [signing_key(symmetric_jwk(raw), SYMMETRIC) for raw in raw_keys])


class _PreparedHMAC(HMACAlgorithm):
    """HMAC with a key of ours. PyJWT asks of a key, each time that it is used, whether it is not a certificate."""

    def prepare_key(self, key: Any) -> bytes:
        return cast("bytes", key)


def jws(algorithm: str) -> PyJWS:
    """PyJWT's signer and verifier for this algorithm, which knows no other."""
    made = PyJWS(algorithms=[])
    hmac = _PreparedHMAC(HMACAlgorithm.SHA256)
    made.register_algorithm(algorithm, hmac if algorithm == SYMMETRIC else get_default_algorithms()[algorithm])
    return made
