"""All that an account can sign in with, beside its password, and all that waits for it: removed in one place."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update

from authapp.core.actor import UserRecord
from authapp.core.enums import AuditAction, EndReason
from authapp.db import transaction
from authapp.db.tenancy import set_account
from authapp.models import (
    Identity,
    Invitation,
    KnownDevice,
    MfaChallenge,
    Passkey,
    PasskeyChallenge,
    PasskeyUser,
    RecoveryCode,
    SsoState,
    TotpFactor,
    User,
)
from authapp.services import audit, members, one_time_tokens, second_factors, sessions
from authapp.services.operator import operators

SIGN_INS: tuple[Any, ...] = (MfaChallenge, KnownDevice, PasskeyChallenge, SsoState)
"""What an account has from signing in before, and what it has begun."""
TABLES: tuple[Any, ...] = (TotpFactor, RecoveryCode, Passkey, PasskeyUser, Identity, *SIGN_INS)
"""A test compares this with the tables that refer to users."""


def remove(user_id: UUID) -> None:
    """Remove all with which an account can sign in but its password, and tokens of emails."""
    _delete(TABLES, user_id)
    one_time_tokens.void(user_id)
    transaction.execute(update(User).where(User.id == user_id, User.mfa_enabled).values(mfa_enabled=False))


def take_back(user: UserRecord) -> None:
    """Remove all with which somebody could sign in who has set it before anybody had verified the address.

    Invitations that the account has sent are revoked: whoever has sent them could join with one. The account is locked.
    The caller sets the password, or leaves it without one.
    """
    set_account(user.id, all_organizations=True)
    members.revoke_invitations(Invitation.invited_by == user.id)
    ended = sessions.end_all(user.id, reason=EndReason.TAKEN_BACK)
    remove(user.id)
    operators.end(user.id)
    audit.record(AuditAction.USER_TAKEN_BACK, None, target_id=user.id, user_id=user.id, sessions=len(ended))


def forget_sign_ins(user_id: UUID) -> None:
    """Remove sign-ins that have begun, known devices, and a second factor that is not confirmed."""
    _delete(SIGN_INS, user_id)
    transaction.execute(delete(TotpFactor).where(TotpFactor.user_id == user_id, TotpFactor.confirmed_at.is_(None)))


def remove_factors_since(user_id: UUID, moment: datetime) -> None:
    """Remove what a locked account has got to sign in with at a moment or since: second factor, passkeys, identities.

    The second factor goes with its recovery codes. `forget_sign_ins` removes one that is not confirmed.
    """
    transaction.execute(delete(Passkey).where(Passkey.user_id == user_id, Passkey.created_at >= moment))
    transaction.execute(delete(Identity).where(Identity.linked_to(user_id), Identity.created_at >= moment))
    since = select(TotpFactor.user_id).where(TotpFactor.user_id == user_id, TotpFactor.confirmed_at >= moment)
    if transaction.scalar(since) is not None:
        second_factors.remove(user_id)
    operators.end_without_second_factor(user_id)


def _delete(tables: tuple[Any, ...], user_id: UUID) -> None:
    for table in tables:
        transaction.execute(delete(table).where(table.user_id == user_id))
