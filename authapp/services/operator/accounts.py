"""Accounts, for an operator: create one, list them, show one with all that it has, its organizations and history."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Row, ScalarSelect, func, select

from authapp.core import clock
from authapp.core.errors import NotFound
from authapp.db import transaction
from authapp.db.pagination import Page, fetch
from authapp.db.tenancy import set_account
from authapp.models import Identity, Membership, Passkey, RecoveryCode, Session, User
from authapp.schemas.fields import parse_uuid
from authapp.services import audit, organizations, passwords, registration
from authapp.services.email_changes import EmailTaken
from authapp.web.application import current_app

_LISTED = (User.id, User.email, User.is_active, User.email_verified, User.mfa_enabled, User.is_operator)
_NAMES = (User.first_name, User.last_name)
_TIMES = (User.last_login_at, User.created_at)


class UserNotFound(NotFound):
    code = "user_not_found"
    detail = "There is no account with this id."


def create(email: str, password: str | None, *, verified: bool, **names: str | None) -> UUID:
    """Create an account. An email lets its owner set the password, or verify the address, where that is missing.

    Args:
        email: in its canonical form.
        password: one that may be chosen. None for an account without one.
        verified: whether the address counts as verified.
        names: `first_name` and `last_name`.

    Raises:
        EmailTaken: another account has the address, or had it until a change that can be undone.
    """
    hasher = current_app.hasher
    with hasher.queue.slot():
        password_hash = hasher.hash(password) if password else None
    account = {"password_hash": password_hash, "email_verified": verified, **names}
    user_id = registration.create(email, by_owner=False, **account)
    if user_id is None:
        raise EmailTaken
    if password is None:
        passwords.enqueue_first(email)
    elif not verified:
        registration.enqueue_verification(user_id, email, made=True)
    return user_id


def listed(limit: int, cursor: UUID | None, *, is_active: bool | None, search: str | None) -> Page:
    """The accounts, oldest first.

    Args:
        limit: how many at most.
        cursor: the id after which they start.
        is_active: only those in this state.
        search: the id of an account, or a text in the address.
    """
    statement = select(*_LISTED, *_NAMES, *_TIMES).where(User.deleted_at.is_(None))
    if is_active is not None:
        statement = statement.where(User.is_active.is_(is_active))
    if search is not None:
        user_id, has_text = parse_uuid(search), func.strpos(User.email, search.lower()) > 0
        statement = statement.where(User.id == user_id if user_id else has_text)
    return fetch(statement, User.id, limit, cursor)


def overview(user_id: UUID) -> Row[Any]:
    """An account, with how many it has of what signs it in, and in how many organizations it is.

    Raises:
        UserNotFound: there is none, or it is deleted.
    """
    set_account(user_id)

    def number(of: Any, *which: Any) -> ScalarSelect[int]:
        return select(func.count()).select_from(of).where(of.user_id == user_id, *which).scalar_subquery()

    found = transaction.execute(
        select(
            *_LISTED,
            *_NAMES,
            User.has_password,
            *_TIMES,
            number(Passkey).label("passkeys"),
            number(RecoveryCode, RecoveryCode.used_at.is_(None)).label("recovery_codes_left"),
            number(Identity, Identity.unlinked_at.is_(None)).label("identities"),
            number(Session, Session.live_at(clock.now())).label("sessions"),
            number(Membership).label("organizations"),
        ).where(User.id == user_id, User.deleted_at.is_(None))
    ).one_or_none()
    if found is None:
        raise UserNotFound
    return found


def organizations_of(user_id: UUID, limit: int, cursor: UUID | None) -> Page:
    """The organizations of an account, oldest first.

    Raises:
        UserNotFound: there is no such account.
    """
    _require(user_id)
    set_account(user_id)
    return organizations.of_user(user_id, limit, cursor)


def history_of(user_id: UUID, limit: int, cursor: UUID | None) -> Page:
    """What happened to an account, newest first, as its owner reads it.

    Raises:
        UserNotFound: there is no such account.
    """
    _require(user_id)
    set_account(user_id)
    return audit.of_account(user_id, limit, cursor)


def _require(user_id: UUID) -> None:
    if transaction.scalar(select(User.id).where(User.id == user_id, User.deleted_at.is_(None))) is None:
        raise UserNotFound
