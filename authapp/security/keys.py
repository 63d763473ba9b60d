"""Key material: subkeys derived from SECRET_KEY, and the keys that sign and verify tokens."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from jwt import PyJWK

from config import Settings

SUBKEY_BYTES = 32
# RFC 7638 section 3.2: the members that make up a thumbprint. Those of an asymmetric key are also all that is public.
_REQUIRED_MEMBERS = {
    "EC": ("crv", "kty", "x", "y"),
    "OKP": ("crv", "kty", "x"),
    "RSA": ("e", "kty", "n"),
    "oct": ("k", "kty"),
}


def derive(secret: str, purpose: str) -> bytes:
    """A 256-bit key for one purpose (HKDF, RFC 5869). One purpose tells nothing of another."""
    hkdf = HKDF(algorithm=SHA256(), length=SUBKEY_BYTES, salt=None, info=f"authapp {purpose} v1".encode())
    return hkdf.derive(secret.encode())


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key of the ring, by its `kid`, the RFC 7638 thumbprint."""

    kid: str
    signing: PyJWK
    verifying: PyJWK
    public: dict[str, Any] | None  # None: symmetric, never published


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The first key signs, all verify: a new key goes to the front, an old one stays until its tokens have expired."""

    algorithm: str
    keys: tuple[SigningKey, ...]

    @property
    def signing(self) -> SigningKey:
        return self.keys[0]

    def public_set(self) -> dict[str, Any]:
        """The JWK set that other services verify with (RFC 7517 section 5). Empty for HS256."""
        return {"keys": [key.public for key in self.keys if key.public is not None]}


def key_ring(settings: Settings) -> KeyRing:
    """The ring of JWT_KEYS, or of the one HS256 key that SECRET_KEY gives.

    Raises:
        ValueError: if a key of JWT_KEYS does not fit ALGORITHM.
    """
    if settings.jwt_keys:
        members = json.loads(settings.jwt_keys)["keys"]
    else:
        raw = (settings.jwt_secret_key or "").encode() or derive(settings.secret_key, "HS256")
        members = [{"kty": "oct", "k": base64.urlsafe_b64encode(raw).rstrip(b"=").decode()}]
    return KeyRing(settings.algorithm, tuple(_signing_key(member, settings.algorithm) for member in members))


def _signing_key(member: dict[str, Any], algorithm: str) -> SigningKey:
    required = {name: member[name] for name in _REQUIRED_MEMBERS[member["kty"]]}
    canonical = json.dumps(required, sort_keys=True, separators=(",", ":")).encode()
    digest = hashlib.sha256(canonical).digest()
    kid = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()[:16]
    symmetric = member["kty"] == "oct"
    if not symmetric and "d" not in member:
        raise ValueError(f"JWT_KEYS: the key {kid} is public; give private keys.")
    signing = PyJWK(member, algorithm)
    if symmetric:
        return SigningKey(kid, signing, signing, None)
    public = {**required, "kid": kid, "alg": algorithm, "use": "sig"}
    return SigningKey(kid, signing, PyJWK(public, algorithm), public)
