"""Sign-ins that wait for a second factor. Whoever holds the `mfa_token` may complete one, once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import delete, exists, insert, select
from uuid_utils.compat import uuid7

from authapp.core import clock
from authapp.core.errors import Unauthorized
from authapp.db import transaction
from authapp.models import MfaChallenge, Passkey
from authapp.web.application import current_app

PREFIX = "mt"
LIFETIME = timedelta(minutes=5)
METHODS = ["totp", "recovery_code"]
PASSKEY = "passkey"


class MfaRequired(Unauthorized):
    code = "mfa_required"
    detail = (
        "This account has a second factor. Send a code, a recovery code or a passkey with this mfa_token to "
        "POST /api/v1/auth/login/mfa."
    )
    keeps_writes = True
    members: Mapping[str, Any] = {
        "mfa_token": {"type": "string", "description": "Completes this sign-in, once.", "examples": ["mt_019aab1c…"]},
        "methods": {
            "type": "array",
            "description": "What the account has. Later versions may add methods.",
            "items": {"type": "string"},
            "examples": [[*METHODS, PASSKEY]],
        },
        "expires_in": {
            "type": "integer",
            "description": "How many seconds the mfa_token is valid.",
            "examples": [int(LIFETIME.total_seconds())],
        },
    }


class InvalidMfaToken(Unauthorized):
    code = "invalid_mfa_token"
    detail = "This mfa_token is not valid: used, expired or none of ours. Sign in again."


class Challenge(NamedTuple):
    """A sign-in that waits."""

    id: UUID
    user_id: UUID
    amr: list[str]
    device_id: UUID | None


def create(user_id: UUID, amr: list[str], device_id: UUID | None) -> str:
    """Let a sign-in wait for the second factor. Returns the token."""
    challenge_id = uuid7()
    token, token_hash = current_app.opaque_tokens.make(PREFIX, challenge_id)
    transaction.execute(
        insert(MfaChallenge).values(
            id=challenge_id,
            user_id=user_id,
            token_hash=token_hash,
            amr=amr,
            device_id=device_id,
            expires_at=clock.now() + LIFETIME,
        )
    )
    return token


def methods(user_id: UUID) -> list[str]:
    """With what the account can complete a sign-in that waits."""
    has_passkey = transaction.scalar(select(exists().where(Passkey.user_id == user_id)))
    return [*METHODS, PASSKEY] if has_passkey else METHODS


def find(mfa_token: str) -> Challenge:
    """The sign-in of a token.

    Raises:
        InvalidMfaToken: there is none that waits.
    """
    presented = current_app.opaque_tokens.read(mfa_token, PREFIX)
    if presented is None:
        raise InvalidMfaToken("not a token")
    columns = (MfaChallenge.id, MfaChallenge.user_id, MfaChallenge.amr, MfaChallenge.device_id)
    live = (MfaChallenge.token_hash == presented.digest, MfaChallenge.expires_at > clock.now())
    row = transaction.execute(select(*columns).where(MfaChallenge.id == presented.id, *live)).one_or_none()
    if row is None:
        raise InvalidMfaToken
    return Challenge._make(row)


def void(user_id: UUID) -> None:
    """Let no sign-in of an account wait any longer."""
    transaction.execute(delete(MfaChallenge).where(MfaChallenge.user_id == user_id))


def complete(challenge: Challenge) -> None:
    """Remove a challenge that was met: of any number of simultaneous requests, one completes it.

    Raises:
        InvalidMfaToken: another request was first.
    """
    gone = delete(MfaChallenge).where(MfaChallenge.id == challenge.id).returning(MfaChallenge.id)
    if transaction.scalar(gone) is None:
        raise InvalidMfaToken("another request was first")
