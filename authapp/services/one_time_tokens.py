"""Tokens that emails carry: one table and one way to issue, find and use them, whatever they are for."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Delete, Select, and_, case, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from uuid_utils.compat import uuid7

from authapp.core import clock
from authapp.core.actor import UserRecord
from authapp.core.enums import TokenPurpose
from authapp.core.errors import ApiError
from authapp.db import transaction
from authapp.models import OneTimeToken, User
from authapp.services import locks
from authapp.web.application import current_app

PREFIX = "et"
LIFETIMES = {
    TokenPurpose.INVITATION: timedelta(hours=72),
    TokenPurpose.VERIFICATION: timedelta(hours=24),
    TokenPurpose.TAKE_BACK: timedelta(hours=24),
    TokenPurpose.CHANGE: timedelta(hours=24),
    TokenPurpose.UNDO_CHANGE: timedelta(days=7),
    TokenPurpose.RESET: timedelta(minutes=60),
}

VERIFYING = (TokenPurpose.VERIFICATION, TokenPurpose.TAKE_BACK)
"""Those that verify the address of an account."""


class InvalidEmailToken(ApiError):
    status = 410
    code = "invalid_email_token"
    detail = "This token is not valid: used, replaced by a newer email, withdrawn or expired. Ask for a new email."


class Issued(NamedTuple):
    """A token, for the email alone, and until when it is valid."""

    token: str
    expires_at: datetime


class Found(NamedTuple):
    """What a live token says."""

    owner_id: UUID
    email: str
    unverified: bool
    since: datetime  # since when its owner has had a live token for this purpose


_FOUND = (OneTimeToken.owner_id, OneTimeToken.email, OneTimeToken.unverified, OneTimeToken.created_at)


def issue(purpose: TokenPurpose, owner_id: UUID, email: str, *, unverified: bool = False) -> Issued:
    """Make a token. It replaces the one that its owner had for this purpose.

    Args:
        purpose: what it is good for, and nothing else.
        owner_id: the account, or the invitation.
        email: the address that it is sent to.
        unverified: nobody has verified this address. For what undoes a change of it.
    """
    token_id = uuid7()
    token, token_hash = current_app.opaque_tokens.make(PREFIX, token_id)
    now = clock.now()
    expires_at = now + LIFETIMES[purpose]
    values = {
        "id": token_id,
        "email": email,
        "token_hash": token_hash,
        "unverified": unverified,
        "expires_at": expires_at,
        "used_at": None,
    }
    since = case((OneTimeToken.live_at(now), OneTimeToken.created_at), else_=now)
    transaction.execute(
        insert(OneTimeToken)
        .values(owner_id=owner_id, purpose=purpose, created_at=now, **values)
        .on_conflict_do_update(constraint="uq_one_time_tokens_owner_id_purpose", set_={**values, "created_at": since})
    )
    return Issued(token, expires_at)


def purpose_of(token: str) -> TokenPurpose | None:
    """What a token is good for. None: it is not valid."""
    live = _live(token)
    return None if live is None else transaction.scalar(select(OneTimeToken.purpose).where(live))


def find(purpose: TokenPurpose, token: str) -> Found | None:
    """What a token says, without using it. None: it is not valid for this purpose."""
    live = _live(token, OneTimeToken.purpose == purpose)
    row = None if live is None else transaction.execute(select(*_FOUND).where(live)).one_or_none()
    return Found._make(row) if row else None


def use(purpose: TokenPurpose, token: str) -> Found | None:
    """Use a token, once: one of any number of simultaneous requests gets what it says.

    A token of another purpose stays as it is.

    Returns:
        None: it is not valid for this purpose.
    """
    live = _live(token, OneTimeToken.purpose == purpose)
    if live is None:
        return None
    used = update(OneTimeToken).where(live).values(used_at=clock.now()).returning(*_FOUND)
    row = transaction.execute(used).one_or_none()
    return Found._make(row) if row else None


def use_for_account(purpose: TokenPurpose, token: str) -> tuple[UserRecord, Found]:
    """Use a token of an active account. The account is locked, and what the token says comes with it.

    Raises:
        InvalidEmailToken: it is not valid for this purpose, or another request was first.
    """
    found = find(purpose, token)
    user = locks.lock_active(User.id == found.owner_id) if found else None  # first, as everybody who voids its tokens
    used = use(purpose, token) if user else None
    if user is None or used is None:
        raise InvalidEmailToken
    return user, used


def mark_verified(user: UserRecord) -> None:
    """Let the token that undoes a change of an account's present address know that it is verified by now."""
    is_undo = (OneTimeToken.owner_id == user.id, OneTimeToken.purpose == TokenPurpose.UNDO_CHANGE)
    of_present = update(OneTimeToken).where(*is_undo, OneTimeToken.email == user.email, OneTimeToken.unverified)
    transaction.execute(of_present.values(unverified=False))


def void(owner_id: UUID, *purposes: TokenPurpose) -> None:
    """Make the tokens of an owner invalid, for these purposes or for all."""
    which = [OneTimeToken.purpose.in_(purposes)] if purposes else []
    transaction.execute(delete(OneTimeToken).where(OneTimeToken.owner_id == owner_id, *which))


def voiding(owner_ids: Select[UUID]) -> Delete:
    """The statement that makes all tokens of these owners invalid."""
    return delete(OneTimeToken).where(OneTimeToken.owner_id.in_(owner_ids))


def void_unconfirmed(user: UserRecord) -> None:
    """Make the tokens invalid with which the address of an account would change.

    The token that undoes a change which is confirmed stays: the owner of the address before has it. So does one that
    resets the password: whoever is signed in must not keep the owner of the mailbox from using it.
    """
    undo_of_present = and_(OneTimeToken.purpose == TokenPurpose.UNDO_CHANGE, OneTimeToken.email == user.email)
    which = or_(OneTimeToken.purpose == TokenPurpose.CHANGE, undo_of_present)
    transaction.execute(delete(OneTimeToken).where(OneTimeToken.owner_id == user.id, which))


def _live(token: str, *which: ColumnElement[bool]) -> ColumnElement[bool] | None:
    """The condition on the row of a token. None: it cannot be one of ours."""
    presented = current_app.opaque_tokens.read(token, PREFIX)
    if presented is None:
        return None
    return and_(
        OneTimeToken.id == presented.id,
        *which,
        OneTimeToken.token_hash == presented.digest,
        OneTimeToken.live_at(clock.now()),
    )
