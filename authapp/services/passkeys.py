"""Passkeys of an account: add, list, rename, remove; and the options with which a browser asks for one."""

from __future__ import annotations

import secrets
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from uuid_utils.compat import uuid7

from authapp.core import clock
from authapp.core.actor import Actor
from authapp.core.enums import AuditAction, PasskeyPurpose
from authapp.core.errors import Conflict, LimitReached, ValidationFailed
from authapp.db import transaction
from authapp.mail import messages, notices
from authapp.models import Passkey, PasskeyUser
from authapp.security.authenticators import name_of
from authapp.security.webauthn import InvalidPasskey, NewPasskey
from authapp.services import audit, email_addresses, locks, mfa_challenges, passkey_challenges, ways_in
from authapp.services.operator import operators
from authapp.services.passkey_assertions import PasskeyNotFound
from authapp.services.passkey_challenges import InvalidPasskeyChallenge
from authapp.web.application import current_app

MOST = 20  # of an account
_NONE = "This account has no passkey. Use a code."
_SHOWN = (Passkey.id, Passkey.name, Passkey.created_at, Passkey.last_used_at, Passkey.backed_up.label("synced"))


class PasskeyTaken(Conflict):
    code = "passkey_taken"
    detail = "This passkey belongs to an account already. Make a new one."


class Options(NamedTuple):
    """What a browser takes to ask for a passkey."""

    challenge_id: UUID
    options: dict[str, Any]


def creation_options(actor: Actor) -> Options:
    """The options with which a browser makes a passkey for the caller.

    Raises:
        LimitReached: there are as many as there may be.
    """
    locks.lock_account(actor)
    existing = _credential_ids(actor.id)
    if len(existing) >= MOST:
        raise _too_many()
    challenge = passkey_challenges.create(PasskeyPurpose.REGISTRATION, user_id=actor.id)
    user = actor.user
    name = " ".join(filter(None, (user.first_name, user.last_name))) or user.email
    handle = _handle(actor.id)
    options = current_app.passkeys.creation_options(challenge.value, handle, user.email, name, existing)
    return Options(challenge.id, options)


def sign_in_options(browser_hash: bytes | None) -> Options:
    """The options with which a browser signs in with whichever passkey its owner chooses.

    Args:
        browser_hash: of the cookie of the browser, to which the challenge is bound, None for a client without cookies.
    """
    challenge = passkey_challenges.create(PasskeyPurpose.SIGN_IN, browser_hash=browser_hash)
    return Options(challenge.id, current_app.passkeys.request_options(challenge.value))


def second_factor_options(mfa_token: str) -> dict[str, Any]:
    """The options with which a browser completes a sign-in that waits for a second factor.

    Raises:
        InvalidMfaToken: no sign-in waits for this token.
        PasskeyNotFound: the account has no passkey.
    """
    user_id = mfa_challenges.find(mfa_token).user_id
    allowed = _credential_ids(user_id)
    if not allowed:
        raise PasskeyNotFound(detail=_NONE)
    challenge = passkey_challenges.create(PasskeyPurpose.SECOND_FACTOR, user_id=user_id)
    return current_app.passkeys.request_options(challenge.value, allowed)


def register(actor: Actor, challenge_id: UUID, passkey: dict[str, Any], name: str | None = None) -> Row[Any]:
    """Add a passkey that the caller's browser has made.

    Raises:
        ValidationFailed: the challenge or the answer is not valid. The challenge is used up all the same.
        LimitReached: there are as many as there may be.
        PasskeyTaken: an account has it.
    """
    locks.lock_account(actor)  # and count only then: of simultaneous requests each counts those before it
    new = _checked(actor, challenge_id, passkey)
    if transaction.scalar(select(func.count()).where(Passkey.user_id == actor.id)) >= MOST:
        raise _too_many()
    name = name or name_of(new.aaguid)
    values = {**new._asdict(), "id": uuid7(), "user_id": actor.id, "name": name, "created_at": clock.now()}
    del values["aaguid"]
    added = insert(Passkey).values(values).on_conflict_do_nothing(index_elements=["credential_id"])
    row = transaction.execute(added.returning(*_SHOWN)).one_or_none()
    if row is None:
        raise PasskeyTaken(keeps_writes=True)
    _record(AuditAction.PASSKEY_ADDED, actor, row)
    _tell(actor, "passkey_added", row.name)
    email_addresses.ask_again(actor.user)
    return row


def of_account(actor: Actor) -> list[Row[Any]]:
    """The caller's passkeys, newest first."""
    mine = select(*_SHOWN).where(Passkey.user_id == actor.id).order_by(Passkey.id.desc())
    return list(transaction.execute(mine).all())


def rename(actor: Actor, passkey_id: UUID, name: str) -> Row[Any]:
    """Give one of the caller's passkeys another name.

    Raises:
        PasskeyNotFound: the caller has none with this id.
    """
    locks.lock_account(actor)
    renamed = update(Passkey).where(*_mine(actor, passkey_id)).values(name=name)
    row = transaction.execute(renamed.returning(*_SHOWN)).one_or_none()
    if row is None:
        raise PasskeyNotFound
    _record(AuditAction.PASSKEY_RENAMED, actor, row)
    return row


def remove(actor: Actor, passkey_id: UUID) -> None:
    """Remove one of the caller's passkeys. Other sessions end: whoever has stolen it may have begun one.

    Raises:
        PasskeyNotFound: the caller has none with this id.
        LastWayIn: nobody could sign in to the account without it.
    """
    locks.lock_account(actor)
    removed = delete(Passkey).where(*_mine(actor, passkey_id)).returning(Passkey.id, Passkey.name)
    row = transaction.execute(removed).one_or_none()
    if row is None:
        raise PasskeyNotFound
    ways_in.conclude_removal(actor)
    operators.end_without_second_factor(actor.id, actor)
    _record(AuditAction.PASSKEY_REMOVED, actor, row)
    _tell(actor, "passkey_removed", row.name)


def _checked(actor: Actor, challenge_id: UUID, passkey: dict[str, Any]) -> NewPasskey:
    try:
        challenge = passkey_challenges.consume(
            passkey, PasskeyPurpose.REGISTRATION, challenge_id=challenge_id, user_id=actor.id
        )
        return current_app.passkeys.register(passkey, challenge)
    except InvalidPasskeyChallenge as error:
        message = {"challenge_id": ["It has expired, was used, or is none of yours. Ask for new options."]}
        raise ValidationFailed(error.reason, errors={"json": message}, keeps_writes=True) from None
    except InvalidPasskey as error:
        message = {"passkey": ["This is no answer to the options. Ask for new options, and try again."]}
        raise ValidationFailed(error.reason, errors={"json": message}, keeps_writes=True) from None


def _credential_ids(user_id: UUID) -> list[bytes]:
    mine = select(Passkey.credential_id).where(Passkey.user_id == user_id).order_by(Passkey.id)
    return list(transaction.execute(mine).scalars())


def _handle(user_id: UUID) -> bytes:
    """What authenticators call an account. It gets one with its first passkey (WebAuthn section 14.6.1)."""
    made = insert(PasskeyUser).values(user_id=user_id, handle=secrets.token_bytes(32)).on_conflict_do_nothing()
    transaction.execute(made)
    return bytes(transaction.scalar(select(PasskeyUser.handle).where(PasskeyUser.user_id == user_id)))


def _mine(actor: Actor, passkey_id: UUID) -> tuple[Any, Any]:
    return Passkey.id == passkey_id, Passkey.user_id == actor.id


def _too_many() -> LimitReached:
    return LimitReached(detail=f"Your account has {MOST} passkeys, the most it may. Remove one.", keeps_writes=True)


def _record(action: AuditAction, actor: Actor, row: Row[Any]) -> None:
    audit.record(action, actor, target_id=row.id, user_id=actor.id, name=row.name)


def _tell(actor: Actor, kind: str, name: str) -> None:
    user = actor.user
    notices.tell(user.email, kind, always=user.email_verified, name=messages.without_links(name))
