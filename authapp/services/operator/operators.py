"""Operators: accounts that may call the operator's routes. Only a command grants that."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from authapp.core.actor import Actor, UserRecord
from authapp.core.enums import AuditAction
from authapp.db import transaction
from authapp.db.pagination import Page, fetch
from authapp.models import User
from authapp.services import audit


def grant(user: UserRecord) -> bool:
    """Make the owner of a locked, active account an operator. Returns whether that is a change."""
    if user.is_operator:
        return False
    transaction.execute(update(User).where(User.id == user.id).values(is_operator=True))
    audit.record(AuditAction.OPERATOR_GRANTED, None, target_id=user.id, user_id=user.id)
    return True


def end(user_id: UUID, actor: Actor | None = None, **details: Any) -> bool:
    """Let the owner of an account be no operator any more, from the next request on. Returns whether that is a change.

    Args:
        user_id: the account, which is locked.
        actor: whoever deactivates or deletes the account, None for a command.
        details: as in `audit.record`.
    """
    ended = update(User).where(User.id == user_id, User.is_operator).values(is_operator=False)
    if transaction.scalar(ended.returning(User.id)) is None:
        return False
    audit.record(AuditAction.OPERATOR_REVOKED, actor, target_id=user_id, user_id=user_id, **details)
    return True


def listed(limit: int, cursor: UUID | None) -> Page:
    """The operators, oldest account first."""
    shown = select(User.id, User.email, User.email_verified, User.mfa_enabled, User.last_login_at, User.created_at)
    return fetch(shown.where(User.is_operator), User.id, limit, cursor)
