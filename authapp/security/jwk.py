"""Keys that sign tokens, as JSON Web Keys (RFC 7517): read, made, and named by their thumbprints."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt import PyJWK, PyJWTError
from jwt.algorithms import get_default_algorithms

from authapp.config import UnsafeSettings
from authapp.config_checks import SHORTEST_SECRET

SHORTEST_RSA = 3072  # bits, ASVS v5.0.0 appendix C
# RFC 7638 section 3.2: the members that make up a thumbprint. Those of an asymmetric key are also all that is public.
_REQUIRED_MEMBERS = {
    "EC": ("crv", "kty", "x", "y"),
    "OKP": ("crv", "kty", "x"),
    "RSA": ("e", "kty", "n"),
    "oct": ("k", "kty"),
}
_MAKERS: dict[str, Callable[[], Any]] = {
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
    "RS256": lambda: rsa.generate_private_key(65537, SHORTEST_RSA),
}


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key of a ring, by its `kid`, the RFC 7638 thumbprint."""

    kid: str
    signing: Any  # as PyJWT's algorithm takes it; None: it only verifies
    verifying: Any
    public: dict[str, Any] | None  # None: symmetric, never published


def new_jwk(algorithm: str) -> dict[str, Any]:
    """A new private key."""
    made: dict[str, Any] = get_default_algorithms()[algorithm].to_jwk(_MAKERS[algorithm](), as_dict=True)
    return made


def symmetric_jwk(raw: bytes) -> dict[str, Any]:
    """A symmetric key."""
    return {"kty": "oct", "k": base64.urlsafe_b64encode(raw).rstrip(b"=").decode()}


def verifying_key(public: dict[str, Any], algorithm: str) -> SigningKey:
    """A key that only verifies, of the public half that `signing_key` has given."""
    return SigningKey(public["kid"], None, PyJWK(public, algorithm).key, public)


def signing_key(member: dict[str, Any], algorithm: str) -> SigningKey:
    """A key that signs, of a private JWK.

    Raises:
        UnsafeSettings: it does not fit the algorithm, is public, or is too short.
    """
    try:
        required = {name: member[name] for name in _REQUIRED_MEMBERS[member["kty"]]}
        signing = PyJWK(member, algorithm).key
    except (KeyError, PyJWTError) as error:
        raise UnsafeSettings([f"JWT_KEYS: not a key for {algorithm}: {error}"]) from None
    canonical = json.dumps(required, sort_keys=True, separators=(",", ":")).encode()
    kid = base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode()[:16]
    if member["kty"] == "oct":
        if len(signing) < SHORTEST_SECRET:
            raise UnsafeSettings([f"JWT_KEYS: the key {kid} is shorter than {SHORTEST_SECRET} bytes."])
        return SigningKey(kid, signing, signing, None)
    if "d" not in member:
        raise UnsafeSettings([f"JWT_KEYS: the key {kid} is public; give private keys."])
    if member["kty"] == "RSA" and signing.key_size < SHORTEST_RSA:
        raise UnsafeSettings([f"JWT_KEYS: the key {kid} has fewer than {SHORTEST_RSA} bits."])
    public = {**required, "kid": kid, "alg": algorithm, "use": "sig"}
    return SigningKey(kid, signing, PyJWK(public, algorithm).key, public)
