"""Secrets of webhooks, and the signatures of messages, as the Standard Webhooks specification has them."""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Iterable
from uuid import UUID

PREFIX = "whsec_"
_SECRET_BYTES = 32  # the specification asks for 24 to 64


def new_secret() -> str:
    """A random secret, as a receiver is given it."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def signature(live_secrets: Iterable[str], message_id: UUID, timestamp: int, body: bytes) -> str:
    """The header `webhook-signature`: a signature with each secret that lives, separated by spaces."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return " ".join(f"v1,{_signed_with(secret, signed)}" for secret in live_secrets)


def _signed_with(secret: str, text: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return base64.b64encode(hmac.digest(key, text, "sha256")).decode()
