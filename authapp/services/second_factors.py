"""Second factors: the one place that judges a code, a recovery code or a passkey, whatever it is given for.

The order is always the same. The attempt is reserved, which begins the request's transaction anew; the account is
locked; the answer is judged by a guarded UPDATE; if it was right, the attempt is uncounted in the same transaction.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, delete, func, insert, select, update

from authapp.core import clock
from authapp.core.actor import Actor, signing_in
from authapp.core.enums import AuditAction, PasskeyPurpose
from authapp.core.errors import Unauthorized
from authapp.db import transaction
from authapp.mail import limits, notices
from authapp.models import MfaChallenge, RecoveryCode, Session, TotpFactor, User
from authapp.security import recovery_codes, totp
from authapp.services import audit, locks, passkey_assertions, throttle
from authapp.services.admission import SECOND_FACTOR
from authapp.web.application import current_app

AMR = ["otp", SECOND_FACTOR]  # RFC 8176 section 2
SECRET_PURPOSE = "totp secret"  # noqa: S105
CONFIRMED_WITHIN = timedelta(minutes=15)
TOLD_AGAIN_AFTER = timedelta(days=1)


class WrongCode(Unauthorized):
    code = "wrong_code"
    detail = "This code is wrong, or was used before."
    keeps_writes = True


class Answer(NamedTuple):
    """What somebody gives for a second factor: one of these, or nothing."""

    code: str | None = None
    recovery_code: str | None = None
    passkey: dict[str, Any] | None = None


def reserve(user_id: UUID) -> None:
    """Count an attempt with a second factor of an account. The request's transaction begins anew.

    Raises:
        TooManyAttempts: too many have failed.
    """
    throttle.reserve(throttle.of_second_factor(user_id))


def give_back(user_id: UUID) -> None:
    """Uncount an attempt that was not judged. The request's transaction begins anew."""
    throttle.give_back(throttle.of_second_factor(user_id))


def check(actor: Actor, answer: Answer, *, tell_of_use: bool = True) -> None:
    """Check the second factor of the caller, whose account and session are locked from here on.

    Args:
        actor: the caller.
        answer: what is given for it.
        tell_of_use: send an email about a used recovery code. Another one tells of it, where this is false.

    Raises:
        TooManyAttempts: before it is judged.
        WrongCode, InvalidPasskey: as `judge`.
        Stale: as `locks.lock_account`.
    """
    reserve(actor.id)
    locks.lock_account(actor)
    judge(actor.id, answer, tell_of_use=tell_of_use)


def judge(user_id: UUID, answer: Answer, *, tell_of_use: bool = True) -> list[str]:
    """Accept what is given for a second factor, once. The attempt is reserved, and the account locked.

    Returns:
        how the account has authenticated by that, as RFC 8176 names it.

    Raises:
        WrongCode: the code or recovery code is wrong, or was used before.
        InvalidPasskeyChallenge, InvalidPasskey, PasskeyNotFound: as `passkey_assertions.accept`.
    """
    if answer.passkey is not None:
        amr = passkey_assertions.accept(answer.passkey, PasskeyPurpose.SECOND_FACTOR, user_id=user_id).amr
        throttle.uncount(throttle.of_second_factor(user_id))
        return amr
    if answer.code is not None:
        _conclude(user_id, _accept(user_id, answer.code))
    else:
        _conclude(user_id, _spend(user_id, answer.recovery_code or "", tell_of_use))
    return AMR


def is_waiting(now: datetime) -> ColumnElement[bool]:
    """The condition under which a TOTP secret can be confirmed."""
    return and_(TotpFactor.confirmed_at.is_(None), TotpFactor.created_at > now - CONFIRMED_WITHIN)


def confirm(user_id: UUID, code: str) -> None:
    """Make a TOTP secret serve from now on. The attempt is reserved, and the account locked.

    Raises:
        WrongCode: it is no code of that secret, or there is none to confirm.
    """
    _conclude(user_id, _accept(user_id, code, confirming=True))


def replace_recovery_codes(user_id: UUID) -> list[str]:
    """Make ten recovery codes, in the place of all before."""
    transaction.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    codes = recovery_codes.new_codes()
    hashes = [current_app.digests.recovery_code(user_id, code) for code in codes]
    rows = [{"user_id": user_id, "code_hash": code_hash} for code_hash in hashes]
    transaction.execute(insert(RecoveryCode).values(rows))
    return codes


def remove(user_id: UUID) -> None:
    """Remove the factor and the recovery codes. The account is locked.

    Sessions have no longer used it. Those of a passkey, which is a second factor by itself, stay what they are.
    """
    for table in (TotpFactor, RecoveryCode, MfaChallenge):
        transaction.execute(delete(table).where(table.__table__.c.user_id == user_id))
    transaction.execute(update(User).where(User.id == user_id).values(mfa_enabled=False))
    without_code = func.array_remove(Session.amr, AMR[0])
    with_passkey = Session.amr.contains([passkey_assertions.VERIFIED])
    amr = case((with_passkey, without_code), else_=func.array_remove(without_code, SECOND_FACTOR))
    used = (Session.user_id == user_id, Session.ended_at.is_(None), Session.amr.contains([SECOND_FACTOR]))
    transaction.execute(update(Session).where(*used).values(amr=amr))


def _conclude(user_id: UUID, right: bool) -> None:
    if not right:
        audit.record(AuditAction.SESSION_REFUSED, None, user_id=user_id, reason=WrongCode.code)
        raise WrongCode
    throttle.uncount(throttle.of_second_factor(user_id))


def _accept(user_id: UUID, code: str, *, confirming: bool = False) -> bool:
    """Accept the time step of a code, if it is later than all accepted before (RFC 6238 section 5.2)."""
    now = clock.now()
    factor = (TotpFactor.user_id == user_id, is_waiting(now) if confirming else TotpFactor.confirmed_at.is_not(None))
    encrypted = transaction.scalar(select(TotpFactor.encrypted_secret).where(*factor))
    if encrypted is None:
        return False
    step = totp.matching_step(current_app.cipher.decrypt(encrypted, user_id, SECRET_PURPOSE), code, now)
    if step is None:
        return False
    accepted = (
        update(TotpFactor)
        .where(*factor, func.coalesce(TotpFactor.last_step, -1) < step)
        .values(last_step=step, **({"confirmed_at": now} if confirming else {}))
        .returning(TotpFactor.user_id)
    )
    return transaction.scalar(accepted) is not None


def _spend(user_id: UUID, recovery_code: str, tell_of_use: bool) -> bool:
    """Use a recovery code up, and tell the owner."""
    typed = recovery_codes.normalize(recovery_code)
    if typed is None:
        return False
    code_hash = current_app.digests.recovery_code(user_id, typed)
    mine = (RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    used = update(RecoveryCode).where(*mine, RecoveryCode.code_hash == code_hash).values(used_at=clock.now())
    if transaction.scalar(used.returning(RecoveryCode.user_id)) is None:
        return False
    left = select(func.count()).select_from(RecoveryCode).where(*mine).scalar_subquery()
    row = transaction.execute(select(User.email, User.email_verified, left).where(User.id == user_id)).one()
    audit.record(
        AuditAction.MFA_RECOVERY_CODE_USED, signing_in(user_id), target_id=user_id, user_id=user_id, left=row[2]
    )
    if tell_of_use:
        notices.tell(row.email, "recovery_code_used", always=row.email_verified, left=row[2])
    return True


def tell_of_wrong_code(user_id: UUID, *, by_password: bool) -> None:
    """Tell the owner that somebody has the first factor and not the second, once a day. The account is locked.

    Args:
        user_id: the account.
        by_password: the first factor was the password, not a provider.
    """
    user = transaction.execute(select(User.email, User.email_verified).where(User.id == user_id)).one()
    if not limits.has_been_sent(user.email, "wrong_code", clock.now() - TOLD_AGAIN_AFTER):
        page = "forgot-password" if by_password else "account"
        notices.tell(user.email, "wrong_code", always=user.email_verified, page=page, by_password=by_password)
