"""Changing the email address of an account. The new address confirms the change, the old one can undo it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, select, update

from authapp.core import clock
from authapp.core.actor import Actor, UserRecord
from authapp.core.enums import AuditAction, EndReason, TokenPurpose
from authapp.core.errors import Conflict, LimitReached, ValidationFailed
from authapp.db import transaction
from authapp.db.transaction import Stale
from authapp.mail import messages, outbox
from authapp.models import OneTimeToken, User
from authapp.services import account_credentials, audit, locks, one_time_tokens, sessions, sign_in
from authapp.services.one_time_tokens import Issued
from authapp.web.application import current_app

DISTRUSTED = timedelta(days=7)
"""Whoever asks for a change that is undone may have added something to sign in with before that."""


class EmailTaken(Conflict):
    code = "email_taken"
    detail = "An account with this email exists. Sign in, or use another address."


def is_reserved(email: str | ColumnElement[str], *, except_for: UUID | None = None) -> ColumnElement[bool]:
    """The condition that an address was left by a change that can still be undone: nobody else may have it.

    One that nobody had verified is free: else anybody could keep somebody's address from its owner.
    """
    mine = () if except_for is None else (OneTimeToken.owner_id != except_for,)
    return exists().where(OneTimeToken.email == email, ~OneTimeToken.unverified, _can_undo(), *mine)


def change(actor: Actor, new_email: str, password: str | None) -> None:
    """Ask for another address. It takes effect when the new address confirms. The present one is told at once.

    Raises:
        HashQueueFull, TooManyAttempts, WrongCredentials, ValidationFailed: as `sign_in.confirm_password`.
        ValidationFailed: it is the present address.
        EmailTaken: another account has the address. Only where registering would tell as well.
        LimitReached: an earlier change can still be undone, or the new address has been sent too many emails, which is
            not told in the mode `safe`.
    """
    user = actor.user
    if new_email == user.email:
        raise ValidationFailed(errors={"json": {"new_email": ["This is the address of your account already."]}})
    unchanged = sign_in.confirm_password(actor, password)
    locks.lock_account(actor)
    if locks.lock_active(User.id == user.id, User.email == user.email, unchanged) is None:
        raise Stale("the account changed while its password was checked")
    _require_no_undo(user)
    if current_app.settings.registration_mode == "open":
        _require_free(new_email, user.id)
    confirmation = one_time_tokens.issue(TokenPurpose.CHANGE, user.id, new_email)
    undo_token = one_time_tokens.issue(
        TokenPurpose.UNDO_CHANGE, user.id, user.email, unverified=not user.email_verified
    )
    _send(user, new_email, confirmation, undo_token)
    audit.record(
        AuditAction.USER_EMAIL_CHANGE_REQUESTED, actor, target_id=user.id, user_id=user.id, before=user.email,
        after=new_email,
    )  # fmt: skip


def confirm(token: str) -> None:
    """Change the address of an account, with the token that the new address was sent.

    Raises:
        InvalidEmailToken: it is not valid, or another request was first.
        EmailTaken: another account has the address by now. The token stays valid.
    """
    user, found = one_time_tokens.use_for_account(TokenPurpose.CHANGE, token)
    free = ~is_reserved(found.email, except_for=user.id)
    _set_email(user, free, email=found.email, email_verified=True)
    one_time_tokens.void(user.id, *one_time_tokens.VERIFYING, TokenPurpose.RESET)
    audit.record(
        AuditAction.USER_EMAIL_CHANGED, None, target_id=user.id, user_id=user.id, before=user.email,
        before_verified=user.email_verified, after=found.email,
    )  # fmt: skip


def undo(token: str) -> None:
    """Undo a change of address, confirmed or not, with the token that the address before was sent.

    Somebody else knows the password, or was let in without one. So the account has none until its owner sets one with
    the reset email that follows, and every session ends.

    Raises:
        InvalidEmailToken: it is not valid, or another request was first.
    """
    user, found = one_time_tokens.use_for_account(TokenPurpose.UNDO_CHANGE, token)
    verified = user.email_verified if user.email == found.email else not found.unverified
    _set_email(user, email=found.email, email_verified=verified, password_hash=None)
    ended = sessions.end_all(user.id, reason=EndReason.EMAIL_CHANGE_UNDONE)
    account_credentials.forget_sign_ins(user.id)
    account_credentials.remove_factors_since(user.id, found.since - DISTRUSTED)
    one_time_tokens.void(user.id)
    outbox.enqueue_uncomposed(found.email, "password_reset", always=True, removed=True)
    audit.record(
        AuditAction.USER_EMAIL_CHANGE_UNDONE, None, target_id=user.id, user_id=user.id, before=user.email,
        after=found.email, sessions=len(ended),
    )  # fmt: skip


def _can_undo() -> ColumnElement[bool]:
    """The condition on a token that can still undo a change."""
    return and_(OneTimeToken.purpose == TokenPurpose.UNDO_CHANGE, OneTimeToken.live_at(clock.now()))


def _require_no_undo(user: UserRecord) -> None:
    """Pass if no earlier change that is confirmed can be undone: its token would be replaced, and the owner locked out.

    Raises:
        LimitReached: one can.
    """
    left = select(OneTimeToken.expires_at).where(OneTimeToken.owner_id == user.id, OneTimeToken.email != user.email)
    until = transaction.scalar(left.where(_can_undo()))
    if until is not None:
        raise LimitReached(
            detail=f"Your address has changed, which can be undone until {messages.spelled(until)}. "
            "Until then it cannot change again."
        )


def _require_free(email: str, user_id: UUID) -> None:
    taken = exists().where(User.email == email, User.deleted_at.is_(None))
    if transaction.scalar(select(taken | is_reserved(email, except_for=user_id))):
        raise EmailTaken


def _set_email(user: UserRecord, *which: ColumnElement[bool], **values: Any) -> None:
    """Change a locked account. The unique index raises EmailTaken where another one has the address."""
    changed = update(User).where(User.id == user.id, *which).values(values).returning(User.id)
    if transaction.scalar(changed) is None:
        raise EmailTaken("reserved")


def _send(user: UserRecord, new_email: str, confirmation: Issued, undo_token: Issued) -> None:
    """Ask the new address, and tell the present one.

    Anybody may register somebody else's address and then change it. So an address that nobody has verified is told
    within its limits only.
    """
    settings = current_app.settings
    asked = outbox.enqueue(
        new_email,
        "email_change",
        email=user.email,
        new_email=new_email,
        expires_at=confirmation.expires_at,
        link=messages.link(settings, "verify-email", confirmation.token),
        token=confirmation.token,
    )
    if not asked and settings.registration_mode != "safe":
        raise LimitReached(detail=outbox.TOO_MANY)
    outbox.enqueue(
        user.email,
        "email_change_notice",
        always=user.email_verified,
        email=user.email,
        new_email=new_email,
        expires_at=undo_token.expires_at,
        link=messages.link(settings, "undo-email-change", undo_token.token),
        token=undo_token.token,
    )
