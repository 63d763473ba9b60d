"""Challenges that passkeys answer. Each is answered once, and is gone whatever the answer is worth."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import delete, insert
from uuid_utils.compat import uuid7

from authapp.core import clock
from authapp.core.enums import PasskeyPurpose
from authapp.core.errors import Unauthorized
from authapp.db import transaction
from authapp.models import PasskeyChallenge
from authapp.security import webauthn

LIFETIME = timedelta(minutes=5)


class InvalidPasskeyChallenge(Unauthorized):
    code = "invalid_passkey_challenge"
    detail = "This sign-in with a passkey has expired, was used, or was begun elsewhere. Start again."
    keeps_writes = True


class Challenge(NamedTuple):
    """A challenge, and the id that stands for it."""

    id: UUID
    value: bytes


def create(purpose: PasskeyPurpose, *, user_id: UUID | None = None, browser_hash: bytes | None = None) -> Challenge:
    """Make a challenge, valid for 5 minutes.

    Args:
        purpose: what it is for.
        user_id: the account that may answer it, None at sign-in.
        browser_hash: the keyed hash of the cookie of the browser that may answer it.
    """
    challenge = Challenge(uuid7(), secrets.token_bytes(32))  # WebAuthn section 13.4.3: 16 bytes at least
    transaction.execute(
        insert(PasskeyChallenge).values(
            id=challenge.id,
            purpose=purpose,
            challenge=challenge.value,
            user_id=user_id,
            browser_hash=browser_hash,
            expires_at=clock.now() + LIFETIME,
        )
    )
    return challenge


def consume(
    passkey: dict[str, Any],
    purpose: PasskeyPurpose,
    *,
    challenge_id: UUID | None = None,
    user_id: UUID | None = None,
    browser_hash: bytes | None = None,
) -> bytes:
    """Use up the challenge that a passkey answers, before anything else of the answer is judged.

    Args:
        passkey: the answer.
        purpose: what the challenge has to be for.
        challenge_id: the challenge. Default: the one that is in the answer.
        user_id: the account that it has to be for, None at sign-in.
        browser_hash: that of the browser that answers. A challenge that was made for a browser is valid there alone.

    Returns:
        the challenge.

    Raises:
        InvalidPasskey: the answer names none.
        InvalidPasskeyChallenge: it was answered before, has expired, or is for something or somebody else.
    """
    if challenge_id is None:
        row = _delete(PasskeyChallenge.challenge == webauthn.challenge_of(passkey))
    else:
        row = _delete(PasskeyChallenge.id == challenge_id)
    if row is None or row.challenge != webauthn.challenge_of(passkey):
        raise InvalidPasskeyChallenge("unknown" if row is None else "another one is answered")
    if row.purpose != purpose or row.user_id != user_id:
        raise InvalidPasskeyChallenge("for something else")
    if row.browser_hash not in (None, browser_hash):
        raise InvalidPasskeyChallenge("of another browser")
    if row.expires_at <= clock.now():
        raise InvalidPasskeyChallenge("expired")
    return bytes(row.challenge)


def _delete(which: Any) -> Any:
    return transaction.execute(
        delete(PasskeyChallenge).where(which).returning(*PasskeyChallenge.__table__.c)
    ).one_or_none()
