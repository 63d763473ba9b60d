"""Sessions: signing in, ending. A session lives in one row, so that ending it ends all its tokens at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, insert, select, update
from uuid_utils.compat import uuid7

from authapp.core import clock, transaction
from authapp.core.actor import Actor, OrganizationRecord, UserRecord
from authapp.core.application import settings
from authapp.core.errors import InactiveAccount, SessionNotFound, WrongCredentials
from authapp.core.logging import facts
from authapp.core.requests import current_client
from authapp.core.transaction import Stale
from authapp.models import AuditAction, Session, User
from authapp.models.sessions import EndReason, SessionRecord
from authapp.security.passwords import passwords
from authapp.security.tokens import tokens
from authapp.services import audit
from authapp.services.pages import Page, fetch


class SignedIn(NamedTuple):
    """A token response (RFC 6749 section 5.1), whom it is for, and the organization that this call made."""

    access_token: str
    refresh_token: str
    expires_in: int  # seconds
    refresh_expires_in: int  # seconds
    user: UserRecord
    organization: OrganizationRecord | None
    token_type: str = "Bearer"  # noqa: S105


_ACCOUNT_BY_EMAIL = transaction.as_text(
    select(User.id, User.password_hash, User.is_active).where(
        User.email == bindparam("email"), User.deleted_at.is_(None)
    )
)
_SIGN_IN = (
    update(User)
    .where(
        User.id == bindparam("of_user"),
        User.is_active,
        User.deleted_at.is_(None),
        User.password_hash == bindparam("stored"),
    )
    .values(last_login_at=bindparam("now"), password_hash=bindparam("hash"))
    .returning(*User.record())
)
_START = insert(Session).returning(*Session.record())


def login(email: str, password: str) -> SignedIn:
    """Sign in with a password. An unknown email costs and answers the same as a wrong password.

    Raises:
        HashQueueFull: before anything is read.
        WrongCredentials: unknown email or wrong password.
        InactiveAccount: after a right password only.
    """
    with passwords.queue.place():
        found = transaction.alone(_ACCOUNT_BY_EMAIL, {"email": email})
        user_id, stored, is_active = found or (None, None, False)
        right = passwords.verify(password, stored)
        outdated = right and passwords.needs_rehash(stored or "")
        password_hash = passwords.hash(password) if outdated else stored
    if not right:
        audit.record(AuditAction.SESSION_REFUSED, user_id=user_id, reason="wrong_credentials")
        raise WrongCredentials("wrong password" if found else "unknown email")
    if not is_active:
        audit.record(AuditAction.SESSION_REFUSED, user_id=user_id, reason="inactive_account")
        raise InactiveAccount
    parameters = {"of_user": user_id, "stored": stored, "now": clock.now(), "hash": password_hash}
    row = transaction.execute(_SIGN_IN, parameters).one_or_none()
    if row is None:
        raise Stale("the account changed while its password was checked")
    return start(UserRecord._make(row))


def start(user: UserRecord, organization: OrganizationRecord | None = None) -> SignedIn:
    """Open a session for someone who has just proved who they are, and issue its first tokens."""
    now, client = clock.now(), current_client()
    latest = now + timedelta(days=settings().session_absolute_days)
    values = {
        "user_id": user.id,
        "refresh_id": uuid7(),
        "authenticated_at": now,
        "amr": ["pwd"],  # RFC 8176 section 2
        "last_used_at": now,
        "expires_at": min(now + sliding(), latest),
        "ends_at_latest": latest,
        "ip_address": client.ip_address,
        "user_agent": client.user_agent,
    }
    session = SessionRecord._make(transaction.execute(_START, values).one())
    facts().update(session_id=str(session.id))
    audit.record(AuditAction.SESSION_STARTED, target_id=session.id, user_id=user.id, actor_id=user.id)
    return issue(session, user, organization)


def logout(actor: Actor, *, everywhere: bool) -> None:
    """End the caller's session, or every session of the account. Its tokens are dead once this has answered."""
    if everywhere:
        _end_all(actor, Session.user_id == actor.id, EndReason.LOGOUT)
    else:
        _end_all(actor, Session.id == actor.session_id, EndReason.LOGOUT)


def end_one(actor: Actor, session_id: UUID) -> None:
    """End one of the caller's sessions.

    Raises:
        SessionNotFound: it is another's, or has ended.
    """
    if not _end_all(actor, Session.id == session_id, EndReason.REVOKED):
        raise SessionNotFound


def end_others(actor: Actor) -> None:
    """End every session of the caller but the one that asks."""
    _end_all(actor, Session.id != actor.session_id, EndReason.REVOKED)


def of_account(actor: Actor, limit: int, cursor: UUID | None) -> Page:
    """The caller's live sessions, newest first."""
    statement = select(Session.__table__, (Session.id == actor.session_id).label("current")).where(
        Session.user_id == actor.id, Session.live_at(clock.now())
    )
    return fetch(statement, Session.id, limit, cursor, newest_first=True)


def _end_all(actor: Actor, which: Any, reason: EndReason) -> int:
    """End those of the caller's live sessions that the condition picks. Says how many."""
    ended = end(Session.user_id == actor.id, which, reason=reason)
    for session_id in ended:
        audit.record(AuditAction.SESSION_ENDED, target_id=session_id, user_id=actor.id, reason=reason)
    return len(ended)


def end(*which: Any, reason: EndReason) -> list[UUID]:
    """End the live sessions that all the conditions pick."""
    now = clock.now()
    ended = (
        update(Session)
        .where(*which, Session.live_at(now))
        .values(ended_at=now, end_reason=reason)
        .returning(Session.id)
    )
    return list(transaction.execute(ended).scalars())


def issue(session: SessionRecord, user: UserRecord, organization: OrganizationRecord | None = None) -> SignedIn:
    """The pair of tokens of a session as it stands. The same record gives the same refresh token."""
    now = clock.now()
    access_expires_at = min(now + timedelta(minutes=settings().access_token_expire_minutes), session.expires_at)
    claims = {
        "sub": str(user.id),
        "sid": str(session.id),
        "auth_time": int(session.authenticated_at.timestamp()),
        "amr": session.amr,
    }
    return SignedIn(
        access_token=tokens.issue("access", claims, now, access_expires_at),
        refresh_token=tokens.issue("refresh", claims, session.last_used_at, session.expires_at, session.refresh_id),
        expires_in=round((access_expires_at - now).total_seconds()),
        refresh_expires_in=round((session.expires_at - now).total_seconds()),
        user=user,
        organization=organization,
    )


def sliding() -> timedelta:
    """How long a session lives without a refresh."""
    return timedelta(days=settings().refresh_token_expire_days)
