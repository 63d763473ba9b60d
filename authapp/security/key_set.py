"""All that a process makes of its keys, as they are at one moment: of the settings, and of what the database keeps."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from authapp.config import Settings
from authapp.security.digests import Digests
from authapp.security.encryption import NO_ID, Cipher
from authapp.security.jwk import SigningKey, signing_key, verifying_key
from authapp.security.keys import SYMMETRIC, KeyRing, refresh_ring, ring, symmetric_access_ring
from authapp.security.opaque_tokens import OpaqueTokens
from authapp.security.peppers import Peppers, peppers
from authapp.security.tokens import Tokens


class WrongSecretKey(Exception):
    """The keys in the database were encrypted with a secret that is neither SECRET_KEY nor SECRET_KEY_PREVIOUS."""


@dataclass(frozen=True, slots=True)
class StoredKeys:
    """The rows of the key tables, as JSON.

    Attributes:
        signing: `kid`, `public_jwk` and, of the one that signs, `encrypted_private_jwk`; that one first.
        kept: `purpose`, `encrypted_key`, `key_id` and `known_to_all`, oldest first.
    """

    signing: list[dict[str, Any]] = field(default_factory=list)
    kept: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class KeySet:
    """What uses keys. It does not change: other keys make another one."""

    tokens: Tokens
    cipher: Cipher
    opaque_tokens: OpaqueTokens
    digests: Digests
    peppers: Peppers


def key_set(settings: Settings, stored: StoredKeys) -> KeySet:
    """Decrypt what is stored, and derive the rest.

    Raises:
        WrongSecretKey: it was encrypted with another secret.
        CannotDecrypt: it was altered, or signing keys were encrypted with another secret.
    """
    secrets = secrets_in_use(settings, {row["key_id"] for row in stored.kept})
    cipher = Cipher(*secrets)
    kept = {row["purpose"]: _kept(row, cipher) for row in stored.kept}
    known_to_all = {row["purpose"] for row in stored.kept if row["known_to_all"]}
    return KeySet(
        Tokens(_access_ring(settings, secrets, stored, cipher), refresh_ring(secrets), settings.jwt_issuer,
               settings.jwt_audience),
        cipher,
        OpaqueTokens(secrets[0], kept),
        Digests(secrets[0], kept),
        peppers(settings, secrets[0], kept, known_to_all),
    )  # fmt: skip


def secrets_in_use(settings: Settings, key_ids: set[str]) -> Sequence[str]:
    """The secrets that are accepted. The first signs and encrypts.

    That is SECRET_KEY_PREVIOUS, where it is set, until the command `rekey` has encrypted the kept keys with SECRET_KEY:
    so processes that were not restarted yet understand those that were.

    Args:
        settings: both secrets.
        key_ids: with which the kept keys are encrypted. Empty: SECRET_KEY was never replaced.

    Raises:
        WrongSecretKey: with neither of them.
    """
    candidates = [secret for secret in (settings.secret_key_previous, settings.secret_key) if secret]
    if not key_ids:
        return candidates
    in_use = [secret for secret in candidates if Cipher(secret).key_id in key_ids]
    if not in_use:
        raise WrongSecretKey(f"the keys in the database need the secret with the id {', '.join(sorted(key_ids))}")
    return in_use + [secret for secret in candidates if secret not in in_use]


def kept_purpose(purpose: str) -> str:
    """The purpose of the encryption of a kept key."""
    return f"kept key: {purpose}"


def private_purpose(kid: str) -> str:
    """The purpose of the encryption of a signing key."""
    return f"signing key: {kid}"


def _kept(row: dict[str, Any], cipher: Cipher) -> bytes:
    encrypted = base64.b64decode(row["encrypted_key"])
    return bytes.fromhex(cipher.decrypt(encrypted, NO_ID, kept_purpose(row["purpose"])))


def _access_ring(settings: Settings, secrets: Sequence[str], stored: StoredKeys, cipher: Cipher) -> KeyRing:
    if settings.algorithm == SYMMETRIC:
        return symmetric_access_ring(settings, secrets)
    return ring(settings.algorithm, [_stored_key(row, settings.algorithm, cipher) for row in stored.signing])


def _stored_key(row: dict[str, Any], algorithm: str, cipher: Cipher) -> SigningKey:
    encrypted = row["encrypted_private_jwk"]
    if encrypted is None:
        return verifying_key(row["public_jwk"], algorithm)
    private = cipher.decrypt(base64.b64decode(encrypted), NO_ID, private_purpose(row["kid"]))
    return signing_key(json.loads(private), algorithm)
