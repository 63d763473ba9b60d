"""What a leaf of the audit log's Merkle trees is made of.

A leaf is SHA-256(0x00 ‖ fields ‖ SHA-256(salt ‖ personal)). The fields name nobody but by ids. What may tell of a
person is behind a hash of its own with a random salt: both can be erased, nobody can guess them from what stays, and
the leaf is still right.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from authapp.security.merkle import leaf_hash

VERSION = 1  # of the fields and of their form
SALT_BYTES = 16
FIELDS = (
    "id", "action", "target_id", "user_id", "actor_type", "actor_id", "organization_id", "session_id", "created_at",
    "request_id",
)  # fmt: skip
PERSONAL = ("ip_address", "user_agent", "details")
ERASED: dict[str, Any] = {"ip_address": None, "user_agent": None, "details": {}}


def new_salt() -> bytes:
    """128 random bits."""
    return secrets.token_bytes(SALT_BYTES)


def fields_of(event: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an event that are not personal, as texts."""
    return {"v": VERSION, **{name: _text(event[name]) for name in FIELDS}}


def fields_of_missing(event_id: Any) -> dict[str, Any]:
    """What is sealed of an event that was deleted before it was sealed."""
    return {"v": VERSION, "id": str(event_id)}


def personal_of(event: Mapping[str, Any]) -> dict[str, Any]:
    """What an event says of a person."""
    return {name: event[name] for name in PERSONAL}


def personal_hash(salt: bytes, personal: Mapping[str, Any]) -> bytes:
    """The hash of what an event says of a person."""
    return hashlib.sha256(salt + _canonical(personal)).digest()


def leaf_of(fields: Mapping[str, Any], hash_of_personal: bytes) -> bytes:
    """The hash of a leaf."""
    return leaf_hash(_canonical(fields) + hash_of_personal)


def _canonical(values: Mapping[str, Any]) -> bytes:
    """JSON in UTF-8 with sorted names and no spaces, so that the same values are the same bytes."""
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _text(value: Any) -> str | None:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"
    return None if value is None else str(value)
