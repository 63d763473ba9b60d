"""Key material: subkeys derived from SECRET_KEY, and the keys that sign and verify tokens."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any, cast

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from jwt import PyJWK, PyJWS, PyJWTError
from jwt.algorithms import HMACAlgorithm, get_default_algorithms

from authapp.config import Settings, UnsafeSettings
from authapp.config_checks import SHORTEST_SECRET

SUBKEY_BYTES = 32
SHORTEST_RSA = 3072  # bits, ASVS v5.0.0 appendix C
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
    signing: Any  # as PyJWT's algorithm takes it
    verifying: Any
    public: dict[str, Any] | None  # None: symmetric, never published


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The first key signs, all verify: a new key goes to the front, an old one stays until its tokens have expired."""

    algorithm: str
    jws: PyJWS  # signs and verifies with this algorithm, and knows no other
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
        UnsafeSettings: if a key of JWT_KEYS does not fit ALGORITHM, is public, or is too short.
    """
    if settings.jwt_keys:
        members = json.loads(settings.jwt_keys)["keys"]
    else:
        raw = (settings.jwt_secret_key or "").encode() or derive(settings.secret_key, "HS256")
        members = [_symmetric(raw)]
    return KeyRing(
        settings.algorithm,
        jws(settings.algorithm),
        tuple(_signing_key(member, settings.algorithm) for member in members),
    )


class _PreparedHMAC(HMACAlgorithm):
    """HMAC with a key of ours. PyJWT asks of a key, each time that it is used, whether it is not a certificate."""

    def prepare_key(self, key: Any) -> bytes:
        return cast("bytes", key)


def jws(algorithm: str) -> PyJWS:
    """PyJWT's signer and verifier for this algorithm, which knows no other."""
    made = PyJWS(algorithms=[])
    hmac = _PreparedHMAC(HMACAlgorithm.SHA256)
    made.register_algorithm(algorithm, hmac if algorithm == "HS256" else get_default_algorithms()[algorithm])
    return made


def refresh_key(settings: Settings) -> SigningKey:
    """The key of refresh tokens, of SECRET_KEY whatever ALGORITHM says."""
    return _signing_key(_symmetric(derive(settings.secret_key, "refresh tokens")), "HS256")


def _symmetric(raw: bytes) -> dict[str, Any]:
    return {"kty": "oct", "k": base64.urlsafe_b64encode(raw).rstrip(b"=").decode()}


def _signing_key(member: dict[str, Any], algorithm: str) -> SigningKey:
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
