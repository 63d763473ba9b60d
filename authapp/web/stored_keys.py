"""The statements that a process sends for its keys. Each is a transaction of its own."""

from __future__ import annotations

import json
from typing import Any

from authapp.config import Settings
from authapp.core.enums import KeyState
from authapp.db import transaction
from authapp.security.encryption import NO_ID, Cipher
from authapp.security.jwk import new_jwk, signing_key
from authapp.security.key_set import StoredKeys, private_purpose, secrets_in_use
from authapp.security.keys import SYMMETRIC, imported_jwks

_LOAD = """
SELECT
    (SELECT json_agg(json_build_object(
        'kid', kid, 'public_jwk', public_jwk, 'encrypted_private_jwk',
        CASE state WHEN 'current' THEN encode(encrypted_private_jwk, 'base64') END
    ) ORDER BY state <> 'current', published_at, kid)
    FROM signing_keys WHERE algorithm = %(algorithm)s AND state <> 'retired'),
    (SELECT json_agg(json_build_object(
        'purpose', purpose, 'encrypted_key', encode(encrypted_key, 'base64'), 'key_id', key_id,
        'known_to_all', created_at <= now() - make_interval(secs => %(settles_after)s)
    ) ORDER BY created_at, purpose) FROM kept_keys)
"""
# Of simultaneous ones the first makes the key that signs, because there is one `current` key of an algorithm.
_INSERT_FIRST = """
INSERT INTO signing_keys
    (kid, algorithm, state, public_jwk, encrypted_private_jwk, key_id, activated_at, deactivated_at)
SELECT kid, %(algorithm)s, state, public_jwk, CASE state WHEN 'current' THEN decode(encrypted, 'hex') END,
    CASE state WHEN 'current' THEN %(key_id)s END, now(), CASE state WHEN 'previous' THEN now() END
FROM json_to_recordset(%(keys)s) AS first (kid text, state text, public_jwk jsonb, encrypted text)
WHERE NOT EXISTS (SELECT FROM signing_keys WHERE algorithm = %(algorithm)s)
ON CONFLICT DO NOTHING
RETURNING kid
"""


def load(settings: Settings, settles_after: float) -> StoredKeys:
    """The stored keys. Where ALGORITHM needs one that signs and there is none, the first is made, or imported.

    Args:
        settings: ALGORITHM and JWT_KEYS.
        settles_after: after how many seconds each process has loaded a new key.
    """
    stored = _load(settings, settles_after)
    if stored.signing or settings.algorithm == SYMMETRIC:
        return stored
    _insert_first(settings, stored)
    return _load(settings, settles_after)


def _load(settings: Settings, settles_after: float) -> StoredKeys:
    row = transaction.fetch_autocommit(_LOAD, {"algorithm": settings.algorithm, "settles_after": settles_after})
    signing, kept = row or (None, None)
    return StoredKeys(signing or [], kept or [])


def _insert_first(settings: Settings, stored: StoredKeys) -> None:
    """Import JWT_KEYS: its first key signs, all verify. Without it a new key signs."""
    cipher = Cipher(secrets_in_use(settings, {row["key_id"] for row in stored.kept})[0])
    jwks = imported_jwks(settings) or [new_jwk(settings.algorithm)]
    keys = [
        encrypted_jwk(jwk, settings.algorithm, cipher, KeyState.PREVIOUS if place else KeyState.CURRENT)
        for place, jwk in enumerate(jwks)
    ]
    as_json = json.dumps([{**key, "encrypted": key["encrypted"].hex()} for key in keys])
    parameters = {"algorithm": settings.algorithm, "key_id": cipher.key_id, "keys": as_json}
    transaction.fetch_autocommit(_INSERT_FIRST, parameters)


def encrypted_jwk(jwk: dict[str, Any], algorithm: str, cipher: Cipher, state: KeyState) -> dict[str, Any]:
    """A private key as its row keeps it."""
    key = signing_key(jwk, algorithm)
    encrypted = cipher.encrypt(json.dumps(jwk), NO_ID, private_purpose(key.kid))
    return {"kid": key.kid, "state": state, "public_jwk": key.public, "encrypted": encrypted}
