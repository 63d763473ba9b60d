"""Sessions: signing in, ending. A session lives in one row, so that ending it ends all its tokens at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, select, update
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


def starting(account: str) -> str:
    """A text that opens a session, and adds to the trail, for the account that another text yields.

    `new_session` has its parameters, `started` reads its row.
    """
    session = ", ".join(SessionRecord._fields)
    return f"""WITH account AS ({account}), session AS (
        INSERT INTO sessions (
            id, user_id, refresh_id, authenticated_at, amr, last_used_at,
            expires_at, ends_at_latest, ip_address, user_agent
        )
        SELECT
            %(session_id)s, id, %(refresh_id)s, %(now)s, %(amr)s, %(now)s,
            %(expires_at)s, %(ends_at_latest)s, %(ip_address)s, %(user_agent)s
        FROM account RETURNING {session}
    ), event AS (
        INSERT INTO audit_events (
            id, action, target_id, user_id, actor_type, actor_id, request_id, ip_address, user_agent
        )
        SELECT
            happened.id, action, coalesce(target_id, account.id), account.id, 'user', account.id,
            %(request_id)s, %(ip_address)s, %(user_agent)s
        FROM account, unnest(%(event_ids)s, %(actions)s, %(target_ids)s) AS happened (id, action, target_id)
    )
    SELECT session.*, account.* FROM session, account"""  # noqa: S608  constants, all of them


_SIGN_IN = starting(
    transaction.as_text(
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
)


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
    parameters = {**new_session(), "of_user": user_id, "stored": stored, "hash": password_hash}
    return issue(*started(transaction.alone(_SIGN_IN, parameters), parameters))


def new_session(*before: AuditAction) -> dict[str, Any]:
    """The parameters of a session that starts, and of its event, after events about the account itself."""
    now, session_id = clock.now(), uuid7()
    latest = now + timedelta(days=settings().session_absolute_days)
    return {
        "actions": [*before, AuditAction.SESSION_STARTED],
        "amr": ["pwd"],  # RFC 8176 section 2
        "ends_at_latest": latest,
        "event_ids": [uuid7() for _ in range(len(before) + 1)],
        "expires_at": min(now + sliding(), latest),
        "now": now,
        "refresh_id": uuid7(),
        "session_id": session_id,
        "target_ids": [*(None for _ in before), session_id],
        **current_client()._asdict(),
    }


def started(row: Sequence[Any] | None, parameters: dict[str, Any]) -> tuple[SessionRecord, UserRecord]:
    """The session that has started, and whose it is."""
    if row is None:
        raise Stale("the account changed while its password was checked")
    session = SessionRecord._make(row[: len(SessionRecord._fields)])
    user = UserRecord._make(row[len(SessionRecord._fields) :])
    facts().update(session_id=str(session.id))
    for action in parameters["actions"]:
        audit.note(action, user.id)
    return session, user


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
