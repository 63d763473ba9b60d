"""What passkeys sign: the one place that judges it, at sign-in, as a second factor and to authenticate again."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import and_, func, literal, or_, select, update

from authapp.core import clock
from authapp.core.enums import AuditAction, PasskeyPurpose
from authapp.core.errors import NotFound
from authapp.db import transaction
from authapp.mail import messages, notices
from authapp.models import Passkey, PasskeyUser, User
from authapp.security import webauthn
from authapp.security.webauthn import Assertion, InvalidPasskey
from authapp.services import audit, locks, passkey_challenges
from authapp.services.admission import SECOND_FACTOR
from authapp.web.application import current_app

DEVICE_BOUND, SYNCED = "hwk", "swk"  # RFC 8176 section 2
VERIFIED = "user"
UNKNOWN = "No account has this passkey. Sign in in another way, and remove it from your device."
COPIED = "This passkey may have been copied, so it was not accepted. Sign in in another way, and remove it."


class PasskeyNotFound(NotFound):
    code = "passkey_not_found"
    detail = "You have no such passkey here."


ERRORS = (passkey_challenges.InvalidPasskeyChallenge, InvalidPasskey, PasskeyNotFound)
"""What `accept` raises."""


class Accepted(NamedTuple):
    """An account that a passkey has authenticated, and how, as RFC 8176 names it."""

    user_id: UUID
    amr: list[str]


class _Found(NamedTuple):
    id: UUID
    user_id: UUID
    public_key: bytes
    backup_eligible: bool
    handle: bytes | None
    email: str
    email_verified: bool


def accept(
    passkey: dict[str, Any],
    purpose: PasskeyPurpose,
    *,
    user_id: UUID | None = None,
    challenge_id: UUID | None = None,
    browser_hash: bytes | None = None,
) -> Accepted:
    """Accept what a passkey has signed, once. Its account is locked from here on.

    Args:
        passkey: the answer of the browser.
        purpose: what the challenge has to be for.
        user_id: the account that it has to be a passkey of, None at sign-in. For a second factor, it is locked already.
        challenge_id: the challenge, where the route takes its id.
        browser_hash: as in `passkey_challenges.consume`.

    Raises:
        InvalidPasskeyChallenge: as `passkey_challenges.consume`.
        PasskeyNotFound: no account has it.
        InvalidPasskey: anything else is wrong with it.
    """
    challenge = passkey_challenges.consume(
        passkey,
        purpose,
        challenge_id=challenge_id,
        user_id=user_id if purpose is PasskeyPurpose.SECOND_FACTOR else None,
        browser_hash=browser_hash,
    )
    owner = user_id
    try:
        found = _find(passkey, handle_required=purpose is PasskeyPurpose.SIGN_IN)
        owner = user_id or found.user_id
        if found.user_id != owner:
            raise InvalidPasskey("of another account")
        if purpose is PasskeyPurpose.SIGN_IN:  # whose challenge has no owner, so it is always used up before this
            locks.lock_user(User.id == found.user_id)
        assertion = current_app.passkeys.accept(passkey, challenge, found.public_key)
        _use(found, assertion)
    except (InvalidPasskey, PasskeyNotFound) as error:
        audit.record(AuditAction.SESSION_REFUSED, None, user_id=owner, reason=error.code)
        raise
    kind = SYNCED if found.backup_eligible else DEVICE_BOUND
    return Accepted(found.user_id, [kind, VERIFIED, SECOND_FACTOR])


def _find(passkey: dict[str, Any], *, handle_required: bool) -> _Found:
    """The passkey that an answer names. The user handle in the answer is that of the account (WebAuthn section 7.2)."""
    credential_id, handle = webauthn.credential_of(passkey)
    row = transaction.execute(
        select(
            Passkey.id,
            Passkey.user_id,
            Passkey.public_key,
            Passkey.backup_eligible,
            PasskeyUser.handle,
            User.email,
            User.email_verified,
        )
        .join(User, User.id == Passkey.user_id)
        .outerjoin(PasskeyUser, PasskeyUser.user_id == Passkey.user_id)
        .where(Passkey.credential_id == credential_id)
    ).one_or_none()
    if row is None:
        raise PasskeyNotFound(detail=UNKNOWN, keeps_writes=True)
    found = _Found._make(row)
    if (handle is None and handle_required) or (handle is not None and handle != found.handle):
        raise InvalidPasskey("user handle")
    return found


def _use(found: _Found, assertion: Assertion) -> None:
    """Store the sign counter and the time. The account is locked.

    A counter that goes back, or does not count on, tells of a copy (WebAuthn section 6.1.1). Backup eligibility never
    changes (section 6.1.3).
    """
    counts_on = or_(
        Passkey.sign_count < assertion.sign_count,
        and_(Passkey.sign_count == 0, literal(assertion.sign_count) == 0),
    )
    used = (
        update(Passkey)
        .where(Passkey.id == found.id, Passkey.backup_eligible == assertion.backup_eligible, counts_on)
        .values(
            sign_count=func.greatest(Passkey.sign_count, assertion.sign_count),
            backed_up=assertion.backed_up,
            last_used_at=clock.now(),
        )
    )
    if transaction.scalar(used.returning(Passkey.id)) is None:
        _refuse(found, assertion)


def _refuse(found: _Found, assertion: Assertion) -> None:
    """Tell the owner why a right signature was not accepted."""
    row = transaction.execute(select(Passkey.name, Passkey.backup_eligible).where(Passkey.id == found.id)).one_or_none()
    if row is None:  # removed while this request waited for the account
        raise PasskeyNotFound(detail=UNKNOWN, keeps_writes=True)
    reason = "counter" if row.backup_eligible == assertion.backup_eligible else "backup_eligibility"
    audit.record(AuditAction.PASSKEY_REFUSED, None, target_id=found.id, user_id=found.user_id, reason=reason)
    name, by_counter = messages.without_links(row.name), reason == "counter"
    notices.tell(found.email, "passkey_refused", always=found.email_verified, name=name, by_counter=by_counter)
    raise InvalidPasskey(reason, detail=COPIED)
