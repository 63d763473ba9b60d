"""Operators: accounts that may call the operator's routes. Only a command grants that."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute

from authapp.core.actor import Actor, UserRecord
from authapp.core.enums import AuditAction
from authapp.db import transaction
from authapp.db.pagination import Page, fetch
from authapp.models import Passkey, User
from authapp.services import audit

_HAS_SECOND_FACTOR = or_(User.mfa_enabled, select(Passkey.id).where(Passkey.user_id == User.id).exists())


class NoSecondFactor(Exception):
    """An operator has a second factor: an authenticator app or a passkey."""


def grant(user: UserRecord) -> bool:
    """Make the owner of a locked, active account an operator. Returns whether that is a change.

    Raises:
        NoSecondFactor: the account has none.
    """
    if user.is_operator:
        return False
    granted = update(User).where(User.id == user.id, _HAS_SECOND_FACTOR).values(is_operator=True)
    if transaction.scalar(granted.returning(User.id)) is None:
        raise NoSecondFactor
    audit.record(AuditAction.OPERATOR_GRANTED, None, target_id=user.id, user_id=user.id)
    return True


def end(user_id: UUID, actor: Actor | None = None, **details: Any) -> bool:
    """Let the owner of an account be no operator any more, from the next request on. Returns whether that is a change.

    Args:
        user_id: the account, which is locked.
        actor: whoever deactivates or deletes the account, None for a command.
        details: as in `audit.record`.
    """
    return _end(user_id, actor, User.is_operator, **details)


def end_without_second_factor(user_id: UUID, actor: Actor | None = None) -> None:
    """The same where the account, which is locked, has no second factor any more. Whatever removes one calls this."""
    _end(user_id, actor, User.is_operator, ~_HAS_SECOND_FACTOR, reason="no_second_factor")


def _end(
    user_id: UUID, actor: Actor | None, *which: ColumnElement[bool] | InstrumentedAttribute[bool], **details: Any
) -> bool:
    ended = update(User).where(User.id == user_id, *which).values(is_operator=False)
    if transaction.scalar(ended.returning(User.id)) is None:
        return False
    audit.record(AuditAction.OPERATOR_REVOKED, actor, target_id=user_id, user_id=user_id, **details)
    return True


def listed(limit: int, cursor: UUID | None) -> Page:
    """The operators, oldest account first."""
    shown = select(User.id, User.email, User.email_verified, User.mfa_enabled, User.last_login_at, User.created_at)
    return fetch(shown.where(User.is_operator), User.id, limit, cursor)
