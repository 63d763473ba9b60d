"""The second factor of an account: set up, confirm, remove, and new recovery codes."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from authapp.core import clock
from authapp.core.actor import Actor, UserRecord
from authapp.core.enums import AuditAction, EndReason
from authapp.core.errors import Conflict, NotFound
from authapp.db import transaction
from authapp.mail import notices
from authapp.models import Passkey, RecoveryCode, TotpFactor, User
from authapp.security import totp
from authapp.services import audit, email_addresses, locks, second_factors, sessions
from authapp.services.operator import operators
from authapp.services.second_factors import Answer
from authapp.web.application import current_app


class MfaAlreadyEnabled(Conflict):
    code = "mfa_already_enabled"
    detail = "Your account has an authenticator app. Remove that one first."


class TotpNotFound(NotFound):
    code = "totp_not_found"
    detail = "Your account has no authenticator app. Begin with POST /api/v1/auth/mfa/totp."


class State(NamedTuple):
    """The second factors of an account."""

    totp_enabled: bool
    recovery_codes_left: int
    passkeys: int


class Enrolment(NamedTuple):
    """What an authenticator app takes."""

    secret: str
    otpauth_uri: str
    qr_svg: str


def of_account(actor: Actor) -> State:
    """The second factors of the caller."""
    confirmed = select(TotpFactor.user_id).where(TotpFactor.user_id == actor.id, TotpFactor.confirmed_at.is_not(None))
    unused = (RecoveryCode.user_id == actor.id, RecoveryCode.used_at.is_(None))
    left = select(func.count()).select_from(RecoveryCode).where(*unused)
    passkeys = select(func.count()).select_from(Passkey).where(Passkey.user_id == actor.id)
    counts = select(confirmed.exists(), left.scalar_subquery(), passkeys.scalar_subquery())
    return State(*transaction.execute(counts).one())


def set_up(actor: Actor) -> Enrolment:
    """Make a TOTP secret, which serves once it is confirmed. It replaces one that is not.

    Raises:
        MfaAlreadyEnabled: one is confirmed.
    """
    secret, cipher = totp.new_secret(), current_app.cipher
    uri = totp.otpauth_uri(secret, actor.user.email, current_app.settings.operator_name)
    enrolment = Enrolment(secret, uri, totp.qr_svg(uri))  # which takes a while, before anything is locked
    locks.lock_account(actor)
    values = {
        "encrypted_secret": cipher.encrypt(secret, actor.id, second_factors.SECRET_PURPOSE),
        "key_id": cipher.key_id,
        "created_at": clock.now(),
    }
    stored = (
        insert(TotpFactor)
        .values(user_id=actor.id, **values)
        .on_conflict_do_update(index_elements=["user_id"], set_=values, where=TotpFactor.confirmed_at.is_(None))
    )
    if transaction.scalar(stored.returning(TotpFactor.user_id)) is None:
        raise MfaAlreadyEnabled
    return enrolment


def confirm(actor: Actor, code: str) -> list[str]:
    """Confirm the TOTP secret with a code of it, within 15 minutes: from now on the account has a second factor.

    Other sessions end.

    Returns:
        the recovery codes.

    Raises:
        TotpNotFound, MfaAlreadyEnabled: there is nothing to confirm.
        TooManyAttempts, WrongCode: as `second_factors.check`.
    """
    if actor.user.mfa_enabled:
        raise MfaAlreadyEnabled
    waiting = (TotpFactor.user_id == actor.id, second_factors.is_waiting(clock.now()))
    if transaction.scalar(select(TotpFactor.user_id).where(*waiting)) is None:
        raise TotpNotFound
    second_factors.reserve(actor.id)
    locks.lock_account(actor)
    second_factors.confirm(actor.id, code)
    transaction.execute(update(User).where(User.id == actor.id).values(mfa_enabled=True))
    codes = second_factors.replace_recovery_codes(actor.id)
    amr = list(dict.fromkeys([*actor.amr, *second_factors.AMR]))
    sessions.renew_authentication(actor, amr, auth_time=actor.auth_time)  # the factor is new, the sign-in is not
    audit.record(AuditAction.MFA_ENABLED, actor, target_id=actor.id, user_id=actor.id)
    sessions.end_others(actor, EndReason.MFA_CHANGED)
    notices.tell(actor.user.email, "mfa_enabled", always=actor.user.email_verified)
    email_addresses.ask_again(actor.user)
    return codes


def remove(actor: Actor, answer: Answer) -> None:
    """Remove the second factor and the recovery codes.

    Raises:
        TotpNotFound: there is none.
        TooManyAttempts, WrongCode: as `second_factors.check`.
    """
    _require_factor(actor)
    second_factors.check(actor, answer, tell_of_use=False)
    second_factors.remove(actor.id)
    operators.end_without_second_factor(actor.id, actor)
    audit.record(AuditAction.MFA_DISABLED, actor, target_id=actor.id, user_id=actor.id)
    by_recovery_code = answer.recovery_code is not None
    notices.tell(actor.user.email, "mfa_disabled", always=actor.user.email_verified, by_recovery_code=by_recovery_code)


def renew_recovery_codes(actor: Actor, code: str) -> list[str]:
    """Make ten recovery codes, in the place of all before.

    Raises:
        TotpNotFound: there is no second factor that they could stand in for.
        TooManyAttempts, WrongCode: as `second_factors.check`.
    """
    _require_factor(actor)
    second_factors.check(actor, Answer(code))
    codes = second_factors.replace_recovery_codes(actor.id)
    audit.record(AuditAction.MFA_RECOVERY_CODES_CREATED, actor, target_id=actor.id, user_id=actor.id)
    notices.tell(actor.user.email, "recovery_codes_created", always=actor.user.email_verified)
    return codes


def reset(user: UserRecord) -> bool:
    """Remove the second factor of somebody who has lost it, for an operator. The sessions of the account end.

    The account is locked. Returns whether it had one.
    """
    if not user.mfa_enabled:
        return False
    second_factors.remove(user.id)
    operators.end_without_second_factor(user.id)
    sessions.end_all(user.id, reason=EndReason.MFA_CHANGED)
    audit.record(AuditAction.MFA_RESET, None, target_id=user.id, user_id=user.id)
    notices.tell(user.email, "mfa_reset", always=user.email_verified)
    return True


def _require_factor(actor: Actor) -> None:
    if not actor.user.mfa_enabled:
        raise TotpNotFound
