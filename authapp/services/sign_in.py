"""Signing in, and authenticating again: the password first, then the second factor of an account that has one.

A passkey alone does both: its owner has it, and it has verified its owner.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, select

from authapp.core.actor import Actor
from authapp.core.enums import AuditAction, PasskeyPurpose
from authapp.core.errors import ValidationFailed
from authapp.db import transaction
from authapp.models import User
from authapp.security.hash_queue import HashQueueFull
from authapp.security.webauthn import InvalidPasskey
from authapp.services import (
    admission,
    audit,
    known_devices,
    locks,
    mfa_challenges,
    passkey_assertions,
    second_factors,
    sessions,
    throttle,
)
from authapp.services.admission import WrongCredentials
from authapp.services.mfa_challenges import InvalidMfaToken
from authapp.services.passkey_assertions import PasskeyNotFound
from authapp.services.second_factors import Answer, WrongCode
from authapp.services.session_tokens import SignedIn
from authapp.web.application import current_app

PASSWORD = ["pwd"]  # RFC 8176 section 2
_BY_EMAIL = transaction.compiled(
    select(User.id, User.password_hash, User.email_verified).where(
        User.email == bindparam("email"), User.deleted_at.is_(None)
    )
)


class RightPassword(NamedTuple):
    """An account whose password was given."""

    user_id: UUID
    stored: str  # the hash that it was compared with
    renewed: str | None  # a hash at the present cost, where the stored one is of another


class Reauthenticated(NamedTuple):
    """When and how a session has authenticated again."""

    auth_time: datetime
    amr: list[str]


def login(email: str, password: str, device_token: str | None = None) -> SignedIn:
    """Sign in with a password. An unknown email costs and answers the same as a wrong password.

    Raises:
        HashQueueFull: before anything is read.
        TooManyAttempts: before the password is checked.
        WrongCredentials: unknown email or wrong password.
        InactiveAccount, MfaRequired: as `sessions.start`, after a right password only.
    """
    device_id = known_devices.find(device_token, email)
    right = check_password(email, password, device_id, verified_only=admission.only_verified_may_sign_in())
    unchanged = User.password_hash == right.stored
    return sessions.start(right.user_id, PASSWORD, unchanged, device_id=device_id, password_hash=right.renewed)


def with_passkey(
    challenge_id: UUID, passkey: dict[str, Any], browser_hash: bytes | None, device_token: str | None = None
) -> SignedIn:
    """Sign in with a passkey, which counts as several factors.

    Raises:
        InvalidPasskeyChallenge, InvalidPasskey, PasskeyNotFound: as `passkey_assertions.accept`.
        InactiveAccount, WrongCredentials: as `sessions.start`.
    """
    accepted = passkey_assertions.accept(
        passkey, PasskeyPurpose.SIGN_IN, challenge_id=challenge_id, browser_hash=browser_hash
    )
    device_id = known_devices.of_account(accepted.user_id, device_token)
    return sessions.start(accepted.user_id, accepted.amr, device_id=device_id)


def complete(mfa_token: str, answer: Answer) -> SignedIn:
    """Complete a sign-in that waits for the second factor, once. A wrong answer leaves it waiting.

    Raises:
        InvalidMfaToken: no sign-in waits for this token.
        TooManyAttempts: before the answer is judged.
        WrongCode, InvalidPasskeyChallenge, InvalidPasskey, PasskeyNotFound: as `second_factors.judge`.
        InactiveAccount, WrongCredentials: as `sessions.start`.
    """
    user_id = mfa_challenges.find(mfa_token).user_id
    second_factors.reserve(user_id)
    locks.lock_user(User.id == user_id)
    try:
        challenge = mfa_challenges.find(mfa_token)  # as it is now that the account is locked
    except InvalidMfaToken:
        second_factors.give_back(user_id)
        raise
    try:
        amr = second_factors.judge(user_id, answer)
    except (WrongCode, InvalidPasskey, PasskeyNotFound):
        if challenge.device_id is None:
            second_factors.tell_of_wrong_code(user_id, by_password=challenge.amr == PASSWORD)
        raise
    mfa_challenges.complete(challenge)
    return sessions.start(user_id, [*challenge.amr, *amr], device_id=challenge.device_id)


def reauthenticate(actor: Actor, password: str | None, answer: Answer, browser_hash: bytes | None) -> Reauthenticated:
    """Authenticate again in the caller's session, with all that a sign-in asks of the account.

    Args:
        actor: the caller.
        password: that of the account. None: a passkey authenticates alone.
        answer: for the second factor of an account that has one, or a passkey.
        browser_hash: of the cookie of the browser, if it has one.

    Raises:
        ValidationFailed: the account has no password, or the code of its second factor is missing, or it has none.
        HashQueueFull, TooManyAttempts, WrongCredentials, WrongCode: as at sign-in.
        InvalidPasskeyChallenge, InvalidPasskey, PasskeyNotFound: as at sign-in.
        Stale: the account or the session changed meanwhile.
    """
    if answer.passkey is None:
        amr, unchanged = _check_password_and_code(actor, password, answer)
    else:
        unchanged = [] if password is None else [confirm_password(actor, password)]
        accepted = passkey_assertions.accept(
            answer.passkey, PasskeyPurpose.SIGN_IN, user_id=actor.id, browser_hash=browser_hash
        )
        amr = [*(PASSWORD if unchanged else []), *accepted.amr]
    auth_time = sessions.renew_authentication(actor, amr, *unchanged)
    audit.record(AuditAction.SESSION_REAUTHENTICATED, actor, target_id=actor.session_id, user_id=actor.id)
    return Reauthenticated(auth_time, amr)


def _check_password_and_code(
    actor: Actor, password: str | None, answer: Answer
) -> tuple[list[str], list[ColumnElement[bool]]]:
    """Check both, where there are both. The caller's account is locked from here on.

    Returns:
        how it has authenticated, and the conditions that must still hold.
    """
    has_factor = actor.user.mfa_enabled
    if has_factor is (answer == Answer()):
        wanted = "Give a code, a recovery code or a passkey." if has_factor else "Your account has no second factor."
        field = "code" if answer.recovery_code is None else "recovery_code"
        raise ValidationFailed(errors={"json": {field: [wanted]}})
    unchanged = [confirm_password(actor, password), User.mfa_enabled == has_factor]
    if has_factor:
        second_factors.check(actor, answer)
    else:
        locks.lock_account(actor)
    return [*PASSWORD, *second_factors.AMR] if has_factor else PASSWORD, unchanged


def check_password(
    email: str, password: str, device_id: UUID | None = None, *, verified_only: bool = False
) -> RightPassword:
    """Check the password of the account with this address, if there is one. The request's transaction begins anew.

    Args:
        email: in its canonical form.
        password: as it was typed.
        device_id: the known device of that account that it was typed on.
        verified_only: the right password counts as a wrong one while the address is not verified.

    Raises:
        HashQueueFull: the password was not checked.
        TooManyAttempts: the same.
        WrongCredentials: it is wrong, or there is no such account, or it has no password.
    """
    hasher = current_app.hasher
    with hasher.queue.slot():
        counters = throttle.of_password(email, device_id)
        throttle.reserve(counters)
        try:
            found = transaction.fetch_autocommit(_BY_EMAIL, {"email": email})
            user_id, stored, is_verified = found or (None, None, False)
            right = hasher.verify(password, stored) and (is_verified or not verified_only)
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
        device_id = known_devices.of_session(actor.session_id) if actor.session_id else None
        right = check_password(user.email, password, device_id)
    except WrongCredentials as error:
        raise WrongCredentials(error.reason, detail="The password is wrong.") from None
    return User.password_hash == right.stored
