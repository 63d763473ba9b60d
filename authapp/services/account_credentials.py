"""All that an account can sign in with, beside its password, and all that waits for it: removed in one place."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import delete, update

from authapp.db import transaction
from authapp.models import KnownDevice, MfaChallenge, RecoveryCode, TotpFactor, User
from authapp.services import one_time_tokens

TABLES: tuple[Any, ...] = (TotpFactor, RecoveryCode, MfaChallenge, KnownDevice)
"""A test compares this with the tables that refer to users."""


def remove(user_id: UUID) -> None:
    """Remove second factors, recovery codes, sign-ins that wait, known devices and tokens of emails of an account."""
    for table in TABLES:
        transaction.execute(delete(table).where(table.user_id == user_id))
    one_time_tokens.void([user_id])
    transaction.execute(update(User).where(User.id == user_id, User.mfa_enabled).values(mfa_enabled=False))
