"""Passwords: a new one in place of a forgotten one, with a token of an email, or in place of the present one."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update

from authapp.core.actor import Actor, UserRecord
from authapp.core.email import Message
from authapp.core.enums import AuditAction, EndReason, TokenPurpose
from authapp.core.errors import ValidationFailed
from authapp.db import transaction
from authapp.db.transaction import Stale
from authapp.mail import messages, outbox
from authapp.mail.composers import Waiting, composed_when_sent
from authapp.models import Session, User
from authapp.services import (
    account_credentials,
    accounts,
    api_keys,
    audit,
    locks,
    one_time_tokens,
    organizations,
    sessions,
    sign_in,
    throttle,
    ways_in,
)
from authapp.services.one_time_tokens import InvalidEmailToken
from authapp.web.application import current_app

RESET, CHANGED = "password_reset", "password_changed"


def forget(email: str) -> None:
    """Send an email with which the account with this address, if there is one, gets a new password."""
    outbox.enqueue_uncomposed(email, RESET)


def enqueue_first(email: str) -> None:
    """Send an email with which the owner of an account that an operator has made sets its first password."""
    outbox.enqueue_uncomposed(email, RESET, made=True)


def reset(token: str, new_password: str) -> None:
    """Set a new password with the token of an email. It signs nobody in, and everybody out.

    The token came by email, so the address is verified. If nobody had verified it before, whoever has set up the
    account need not be its owner: then second factors go as well.

    Raises:
        HashQueueFull: before anything is read.
        InvalidEmailToken: it is not valid, or another request was first.
        ValidationFailed: the password may not be chosen.
    """
    hasher = current_app.hasher
    with hasher.queue.slot():
        _require_acceptable(_of_token(token), new_password)
        with transaction.paused():
            password_hash = hasher.hash(new_password)
    user, _ = one_time_tokens.use_for_account(TokenPurpose.RESET, token)
    if user.email_verified:
        ended = sessions.end_all(user.id, reason=EndReason.PASSWORD_CHANGED)
        _forget_ways_in(user)
        one_time_tokens.void(user.id, *one_time_tokens.VERIFYING)
    else:
        account_credentials.take_back(user)
        audit.record(AuditAction.USER_EMAIL_VERIFIED, None, target_id=user.id, user_id=user.id)
        ended = []
    new = update(User).where(User.id == user.id).values(password_hash=password_hash, email_verified=True)
    transaction.execute(new)
    throttle.forget(user.email)
    audit.record(AuditAction.USER_PASSWORD_RESET, None, target_id=user.id, user_id=user.id, sessions=len(ended))
    outbox.enqueue_uncomposed(user.email, CHANGED, subject_id=user.id, always=True, **messages.origin())


def change(actor: Actor, current_password: str, new_password: str) -> None:
    """Set a new password in place of the present one. All sessions end but the one that asks.

    Raises:
        HashQueueFull, TooManyAttempts, WrongCredentials: as `sign_in.check_password`.
        ValidationFailed: the new password may not be chosen or is the present one, or the account has none yet.
    """
    user, hasher = actor.user, current_app.hasher
    if not user.has_password:
        message = "Your account has no password. You set the first one with the email of POST /auth/password/forgot."
        raise ValidationFailed(errors={"json": {"current_password": [message]}})
    _require_acceptable(user, new_password)
    unchanged = sign_in.confirm_password(actor, current_password)
    if new_password == current_password:
        raise ValidationFailed(errors={"json": {"new_password": ["This is your present password."]}})
    with hasher.queue.slot(), transaction.paused():
        password_hash = hasher.hash(new_password)
    locks.lock_account(actor)
    changed = update(User).where(User.id == user.id, unchanged).values(password_hash=password_hash)
    if transaction.scalar(changed.returning(User.id)) is None:
        raise Stale("the password changed while it was checked")
    others = (Session.user_id == user.id, Session.id != actor.session_id)
    ended = len(sessions.end(*others, reason=EndReason.PASSWORD_CHANGED))
    _forget_ways_in(user)
    audit.record(AuditAction.USER_PASSWORD_CHANGED, actor, target_id=user.id, user_id=user.id, sessions=ended)
    # anybody may register somebody else's address: an address that is not verified is told within its limits only
    outbox.enqueue_uncomposed(user.email, CHANGED, subject_id=user.id, always=user.email_verified, **messages.origin())


def _of_token(token: str) -> UserRecord:
    """The account of a token, which is not used yet: no password is hashed for a token that is not valid."""
    found = one_time_tokens.find(TokenPurpose.RESET, token)
    account = select(*User.record()).where(User.is_active, User.deleted_at.is_(None))
    row = transaction.execute(account.where(User.id == found.owner_id)).one_or_none() if found else None
    if row is None:
        raise InvalidEmailToken
    return UserRecord._make(row)


def _require_acceptable(user: UserRecord, new_password: str) -> None:
    own_words = (user.email, user.first_name, user.last_name)
    if found := accounts.password_complaints(new_password, own_words):
        raise ValidationFailed(errors={"json": {"new_password": found}})


def _forget_ways_in(user: UserRecord) -> None:
    """Remove all with which one could sign in or change the account without the new password."""
    account_credentials.forget_sign_ins(user.id)
    one_time_tokens.void_unconfirmed(user)


@composed_when_sent(RESET)
def compose_reset(waiting: Waiting) -> Message | None:
    """The email with which an account gets a new password."""
    user = locks.lock_active(User.email == waiting.recipient)
    if user is None:
        return None
    issued = one_time_tokens.issue(TokenPurpose.RESET, user.id, user.email)
    context: dict[str, Any] = {
        "email": user.email,
        "verified": user.email_verified,
        "has_password": user.has_password,
        "removed": waiting.context.get("removed", False),
        "made": waiting.context.get("made", False),
        "organizations": messages.listed(organizations.names_of_user(user.id, messages.MOST_NAMES + 1)),
        "expires_at": issued.expires_at,
        "link": messages.link(current_app.settings, "reset-password", issued.token),
        "token": issued.token,
    }
    return messages.render(RESET, **context)


@composed_when_sent(CHANGED)
def compose_changed(waiting: Waiting) -> Message | None:
    """The email that tells of a new password, and what else whoever knew the old one may have."""
    if waiting.subject_id is None:
        return None
    names = api_keys.names_created_by(waiting.subject_id, messages.MOST_NAMES + 1)
    beside = ways_in.beside_password(waiting.subject_id)
    return messages.render(
        CHANGED,
        email=waiting.recipient,
        moment=waiting.enqueued_at,
        ip_address=waiting.context.get("ip_address"),
        user_agent=waiting.context.get("user_agent"),
        api_keys=messages.listed(names),
        passkeys=beside.passkeys,
        identities=beside.identities,
        link=messages.link(current_app.settings, "forgot-password"),
    )
