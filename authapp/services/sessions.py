"""Sessions: sign in, list and end them. A session is one row, so that ending it ends all its tokens at once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, bindparam, case, insert, or_, select, update
from uuid_utils.compat import uuid7

from authapp.core import clock
from authapp.core.actor import Actor, OrganizationRecord, UserRecord, signing_in
from authapp.core.enums import AuditAction, EndReason
from authapp.core.errors import Forbidden, NotFound, Unauthorized
from authapp.core.logging import log_context
from authapp.core.request_context import request_info
from authapp.db import transaction
from authapp.db.pagination import Page, fetch
from authapp.db.transaction import Stale
from authapp.models import Session, User
from authapp.models.sessions import SessionRecord
from authapp.services import audit
from authapp.web.application import current_app


class WrongCredentials(Unauthorized):
    code = "wrong_credentials"
    detail = "The email or the password is wrong."
    keeps_writes = True


class InactiveAccount(Forbidden):
    code = "inactive_account"
    detail = "This account has been deactivated. Ask an operator to activate it."
    keeps_writes = True


class SessionNotFound(NotFound):
    code = "session_not_found"
    detail = "You have no live session with this id."


class SignedIn(NamedTuple):
    """A token response (RFC 6749 section 5.1), whom it is for, and the organization that this call made."""

    access_token: str
    refresh_token: str
    expires_in: int  # seconds
    refresh_expires_in: int  # seconds
    user: UserRecord
    organization: OrganizationRecord | None
    token_type: str = "Bearer"  # noqa: S105


PASSWORD = ["pwd"]  # RFC 8176 section 2
_ACCOUNT_BY_EMAIL = transaction.compiled(
    select(User.id, User.password_hash, User.is_active).where(
        User.email == bindparam("email"), User.deleted_at.is_(None)
    )
)


def login(email: str, password: str) -> SignedIn:
    """Sign in with a password. An unknown email costs and answers the same as a wrong password.

    Raises:
        HashQueueFull: before anything is read.
        WrongCredentials: unknown email or wrong password.
        InactiveAccount: after a right password only.
    """
    hasher = current_app.hasher
    with hasher.queue.slot():
        found = transaction.fetch_autocommit(_ACCOUNT_BY_EMAIL, {"email": email})
        user_id, stored, is_active = found or (None, None, False)
        right = hasher.verify(password, stored)
        outdated = right and hasher.needs_rehash(stored or "")
        password_hash = hasher.hash(password) if outdated else stored
    if found is None or not right:
        audit.record(AuditAction.SESSION_REFUSED, None, user_id=user_id, reason="wrong_credentials")
        raise WrongCredentials("wrong password" if found else "unknown email")
    if not is_active:
        audit.record(AuditAction.SESSION_REFUSED, None, user_id=user_id, reason="inactive_account")
        raise InactiveAccount
    unchanged = User.password_hash == stored
    return start(found[0], PASSWORD, unchanged, last_login_at=clock.now(), password_hash=password_hash)


def start(
    user_id: UUID,
    amr: list[str],
    *unchanged: ColumnElement[bool],
    organization: OrganizationRecord | None = None,
    **changes: Any,
) -> SignedIn:
    """Sign an account in. This is the one way to do so, whatever the factor.

    Args:
        user_id: the account.
        amr: how it has authenticated, as RFC 8176 names it.
        unchanged: conditions that held when that was checked and must still hold, on the password for example.
        organization: the one that the same request has created or joined.
        changes: columns of the account that signing in changes.

    Raises:
        Stale: a condition no longer holds, or the account is switched off or deleted.
    """
    user = _lock(user_id, unchanged, changes)
    now = clock.now()
    _end_excess(user_id, now)
    latest = now + timedelta(days=current_app.settings.session_absolute_days)
    session = SessionRecord(uuid7(), uuid7(), now, amr, now, min(now + sliding(), latest))
    info = request_info()
    transaction.execute(
        insert(Session).values(
            **session._asdict(),
            user_id=user_id,
            ends_at_latest=latest,
            ip_address=info.ip_address,
            user_agent=info.user_agent,
        )
    )
    log_context().update(session_id=str(session.id))
    audit.record(AuditAction.SESSION_STARTED, signing_in(user_id), target_id=session.id, user_id=user_id)
    return issue(session, user, organization)


def _lock(user_id: UUID, unchanged: Iterable[ColumnElement[bool]], changes: dict[str, Any]) -> UserRecord:
    """Decide whether an account may have a session now, and keep it so: sign-ins of one account wait for each other."""
    may = (User.id == user_id, User.is_active, User.deleted_at.is_(None), *unchanged)
    if changes:
        row = transaction.execute(update(User).where(*may).values(changes).returning(*User.record())).one_or_none()
    else:
        account = select(*User.record()).where(*may).with_for_update(key_share=True)
        row = transaction.execute(account).one_or_none()
    if row is None:
        raise Stale("the account changed while it was checked")
    return UserRecord._make(row)


def _end_excess(user_id: UUID, now: datetime) -> None:
    """Make room for one more session: the oldest live ones beyond the limit end.

    Those that have expired are marked as ended too, so that the index of an account's sessions holds live ones alone.
    """
    mine = and_(Session.user_id == user_id, Session.ended_at.is_(None))
    kept = current_app.settings.max_sessions_per_account - 1
    newest = select(Session.id).where(mine, Session.live_at(now)).order_by(Session.id.desc())
    expired = Session.expires_at <= now
    ended = transaction.execute(
        update(Session)
        .where(mine, or_(expired, Session.id.in_(newest.offset(kept))))
        .values(
            ended_at=case((expired, Session.expires_at), else_=now),
            end_reason=case((expired, EndReason.EXPIRED.value), else_=EndReason.LIMIT.value),
        )
        .returning(Session.id, Session.end_reason)
    )
    _record_end(None, user_id, [row.id for row in ended if row.end_reason == EndReason.LIMIT], EndReason.LIMIT)


def logout(actor: Actor, *, everywhere: bool) -> None:
    """End the caller's session, or every session of the account. Its tokens are dead once this has answered."""
    if everywhere:
        _end_mine(actor, Session.user_id == actor.id, EndReason.LOGOUT)
    else:
        _end_mine(actor, Session.id == actor.session_id, EndReason.LOGOUT)


def end_one(actor: Actor, session_id: UUID) -> None:
    """End one of the caller's sessions.

    Raises:
        SessionNotFound: it is another's, or has ended.
    """
    if not _end_mine(actor, Session.id == session_id, EndReason.REVOKED):
        raise SessionNotFound


def end_others(actor: Actor) -> None:
    """End every session of the caller but the one that asks."""
    _end_mine(actor, Session.id != actor.session_id, EndReason.REVOKED)


def of_account(actor: Actor, limit: int, cursor: UUID | None) -> Page:
    """The caller's live sessions, newest first."""
    statement = select(Session.__table__, (Session.id == actor.session_id).label("current")).where(
        Session.user_id == actor.id, Session.live_at(clock.now())
    )
    return fetch(statement, Session.id, limit, cursor, newest_first=True)


def _end_mine(actor: Actor, which: ColumnElement[bool], reason: EndReason) -> int:
    """End those of the caller's live sessions that meet the condition. Returns how many."""
    ended = end(Session.user_id == actor.id, which, reason=reason)
    _record_end(actor, actor.id, ended, reason)
    return len(ended)


def _record_end(actor: Actor | None, user_id: UUID, ended: list[UUID], reason: EndReason) -> None:
    """Add one event, however many sessions have ended. It names the session where that is one."""
    if ended:
        target_id = ended[0] if len(ended) == 1 else None
        audit.record(
            AuditAction.SESSION_ENDED, actor, target_id=target_id, user_id=user_id, reason=reason, count=len(ended)
        )


def end(*which: Any, reason: EndReason) -> list[UUID]:
    """End the live sessions that meet all the conditions."""
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
    lifetime = timedelta(minutes=current_app.settings.access_token_expire_minutes)
    access_expires_at = min(now + lifetime, session.expires_at)
    issue_token = current_app.tokens.issue
    claims = {
        "sub": str(user.id),
        "sid": str(session.id),
        "auth_time": int(session.authenticated_at.timestamp()),
        "amr": session.amr,
    }
    return SignedIn(
        access_token=issue_token("access", claims, now, access_expires_at),
        refresh_token=issue_token("refresh", claims, session.last_used_at, session.expires_at, session.refresh_id),
        expires_in=round((access_expires_at - now).total_seconds()),
        refresh_expires_in=round((session.expires_at - now).total_seconds()),
        user=user,
        organization=organization,
    )


def sliding() -> timedelta:
    """How long a session lives without a refresh."""
    return timedelta(days=current_app.settings.refresh_token_expire_days)
