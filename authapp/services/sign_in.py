"""Signing in: the password first, then the second factor of an account that has one."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, select

from authapp.core.actor import Actor
from authapp.core.enums import AuditAction
from authapp.core.errors import ValidationFailed
from authapp.db import transaction
from authapp.models import User
from authapp.security.hash_queue import HashQueueFull
from authapp.services import audit, known_devices, sessions, throttle
from authapp.services.admission import WrongCredentials
from authapp.services.session_tokens import SignedIn
from authapp.web.application import current_app

PASSWORD = ["pwd"]  # RFC 8176 section 2
_BY_EMAIL = transaction.compiled(
    select(User.id, User.password_hash).where(User.email == bindparam("email"), User.deleted_at.is_(None))
)


class RightPassword(NamedTuple):
    """An account whose password was given."""

    user_id: UUID
    stored: str  # the hash that it was compared with
    renewed: str | None  # a hash at the present cost, where the stored one is of another


def login(email: str, password: str, device_token: str | None = None) -> SignedIn:
    """Sign in with a password. An unknown email costs and answers the same as a wrong password.

    Raises:
        HashQueueFull: before anything is read.
        TooManyAttempts: before the password is checked.
        WrongCredentials: unknown email or wrong password.
        InactiveAccount, MfaRequired: as `sessions.start`, after a right password only.
    """
    device_id = known_devices.find(device_token, email)
    right = check_password(email, password, device_id)
    unchanged = User.password_hash == right.stored
    return sessions.start(right.user_id, PASSWORD, unchanged, device_id=device_id, password_hash=right.renewed)


def check_password(email: str, password: str, device_id: UUID | None = None) -> RightPassword:
    """Check the password of the account with this address, if there is one. The request's transaction begins anew.

    Raises:
        HashQueueFull: the password was not checked.
        TooManyAttempts: the same.
        WrongCredentials: it is wrong, or there is no such account, or it has no password.
    """
    hasher, counters = current_app.hasher, throttle.of_password(email, device_id)
    with hasher.queue.slot():
        throttle.reserve(counters)
        try:
            user_id, stored = transaction.fetch_autocommit(_BY_EMAIL, {"email": email}) or (None, None)
            right = hasher.verify(password, stored)
            outdated = right and hasher.needs_rehash(stored or "")
            renewed = hasher.hash(password) if outdated else None
        except HashQueueFull:
            throttle.give_back(counters)
            raise
    if user_id is None or stored is None or not right:
        audit.record(AuditAction.SESSION_REFUSED, None, user_id=user_id, reason="wrong_credentials")
        raise WrongCredentials("wrong password" if user_id else "unknown email")
    throttle.give_back(counters)
    return RightPassword(user_id, stored, renewed)


def confirm_password(actor: Actor, password: str | None) -> ColumnElement[bool]:
    """Check the password of the caller, whose account may have none: then a recent sign-in is enough.

    Returns:
        the condition that the password is still the same, for the statement that depends on it.

    Raises:
        HashQueueFull, TooManyAttempts, WrongCredentials: as `check_password`.
        ValidationFailed: the account has a password, and none was sent; or the other way round.
    """
    user = actor.user
    if user.has_password is (password is None):
        wanted = "Give the password of your account." if user.has_password else "Your account has no password."
        raise ValidationFailed(errors={"json": {"password": [wanted]}})
    if password is None:
        return User.password_hash.is_(None)
    try:
        right = check_password(user.email, password)
    except WrongCredentials as error:
        raise WrongCredentials(error.reason, detail="The password is wrong.") from None
    return User.password_hash == right.stored
