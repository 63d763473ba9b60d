"""Sessions: sign in, list and end them. A session is one row, so that ending it ends all its tokens at once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Update, and_, case, insert, or_, select, update
from uuid_utils.compat import uuid7

from authapp.core import clock
from authapp.core.actor import Actor, OrganizationRecord, UserRecord, signing_in
from authapp.core.enums import AuditAction, EndReason
from authapp.core.errors import ApiError, NotFound
from authapp.core.logging import log_context
from authapp.core.request_context import request_info
from authapp.db import transaction
from authapp.db.pagination import Page, fetch
from authapp.db.transaction import Stale
from authapp.mail import notices
from authapp.models import Session, User
from authapp.models.sessions import SessionRecord
from authapp.services import admission, audit, known_devices, locks, mfa_challenges, revocations
from authapp.services.session_tokens import SignedIn, issue, sliding
from authapp.web.application import current_app


class SessionNotFound(NotFound):
    code = "session_not_found"
    detail = "You have no live session with this id."


def start(
    user_id: UUID,
    amr: list[str],
    *unchanged: ColumnElement[bool],
    device_id: UUID | None = None,
    registering: bool = False,
    organization: OrganizationRecord | None = None,
    password_hash: str | None = None,
) -> SignedIn:
    """Sign an account in, if it may have a session now. This is the one way to do so, whatever the factor.

    Args:
        user_id: the account.
        amr: how it has authenticated, as RFC 8176 names it.
        unchanged: conditions that held when that was checked and must still hold, on the password for example.
        device_id: the known device that it signs in from. An email tells of any other one.
        registering: the same request has made the account.
        organization: the one that the same request has created or joined.
        password_hash: a hash of the same password at the present cost, to store.

    Raises:
        InactiveAccount, WrongCredentials: as `admission.require_may_sign_in`.
        MfaRequired: the account has a second factor, and `amr` has none. The sign-in waits for it.
        Stale: a condition no longer holds, or the account is deleted.
    """
    user = locks.lock_user(User.id == user_id, *unchanged)  # sign-ins of one account wait for each other
    if user is None:
        raise Stale("the account changed while it was checked")
    _admit(user, amr, device_id, password_hash)
    now = clock.now()
    if not registering:
        user = _update(user_id, last_login_at=now, **({"password_hash": password_hash} if password_hash else {}))
    _end_excess(user_id, now)
    device = known_devices.remember(user_id, device_id)
    session = _insert(user_id, amr, now, device.id)
    log_context().update(session_id=str(session.id))
    audit.record(AuditAction.SESSION_STARTED, signing_in(user_id), target_id=session.id, user_id=user_id)
    if device_id is None and not registering:
        notices.tell(user.email, "new_device")
    return issue(session, user, organization, device.token)


def _admit(user: UserRecord, amr: list[str], device_id: UUID | None, password_hash: str | None) -> None:
    """Decide whether a locked account may have a session now."""
    try:
        admission.require_may_sign_in(user)
    except ApiError as error:
        audit.record(AuditAction.SESSION_REFUSED, None, user_id=user.id, reason=error.code)
        raise
    if admission.needs_second_factor(user, amr):
        if password_hash:
            _update(user.id, password_hash=password_hash)
        token = mfa_challenges.create(user.id, amr, device_id)
        lifetime = int(mfa_challenges.LIFETIME.total_seconds())
        extensions = {"mfa_token": token, "methods": mfa_challenges.methods(user.id), "expires_in": lifetime}
        raise mfa_challenges.MfaRequired(extensions=extensions)


def _update(user_id: UUID, **changes: Any) -> UserRecord:
    row = transaction.execute(update(User).where(User.id == user_id).values(changes).returning(*User.record())).one()
    return UserRecord._make(row)


def _insert(user_id: UUID, amr: list[str], now: datetime, device_id: UUID) -> SessionRecord:
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
            device_id=device_id,
        )
    )
    return session


def _end_excess(user_id: UUID, now: datetime) -> None:
    """Make room for one more session: the oldest live ones beyond the limit end.

    Those that have expired are marked as ended too, so that the index of an account's sessions holds live ones alone.
    """
    mine = and_(Session.user_id == user_id, Session.ended_at.is_(None))
    kept = current_app.settings.max_sessions_per_account - 1
    newest = select(Session.id).where(mine, Session.live_at(now)).order_by(Session.id.desc())
    expired = Session.expires_at <= now
    ending = (
        update(Session)
        .where(mine, or_(expired, Session.id.in_(newest.offset(kept))))
        .values(
            ended_at=case((expired, Session.expires_at), else_=now),
            end_reason=case((expired, EndReason.EXPIRED.value), else_=EndReason.LIMIT.value),
        )
    )
    ended = [row.id for row in revocations.end(ending, now) if row.end_reason == EndReason.LIMIT]
    _record_end(None, user_id, ended, EndReason.LIMIT)


def renew_authentication(
    actor: Actor, amr: list[str], *unchanged: ColumnElement[bool], auth_time: datetime | None = None
) -> datetime:
    """The caller has authenticated again, in this session alone. The account is locked. Returns when.

    Args:
        actor: the caller.
        amr: how it has authenticated.
        unchanged: as in `start`.
        auth_time: when. Default: now.

    Raises:
        Stale: a condition no longer holds, or the session has ended.
    """
    now = clock.now()
    auth_time = auth_time or now
    renewed = (
        update(Session)
        .where(Session.id == actor.session_id, Session.live_at(now), User.id == Session.user_id)
        .where(User.is_active, User.deleted_at.is_(None), *unchanged)
        .values(authenticated_at=auth_time, amr=amr)
        .returning(Session.id)
    )
    if transaction.scalar(renewed) is None:
        raise Stale("the account or the session changed while it was checked")
    return auth_time


def logout(actor: Actor, *, everywhere: bool) -> None:
    """End the caller's session, or every session of the account. Its tokens are dead once this has answered."""
    if everywhere:
        _record_end(actor, actor.id, end_all(actor.id, reason=EndReason.LOGOUT), EndReason.LOGOUT)
    else:
        _end_mine(actor, Session.id == actor.session_id, EndReason.LOGOUT)


def end_one(actor: Actor, session_id: UUID) -> None:
    """End one of the caller's sessions.

    Raises:
        SessionNotFound: it is another's, or has ended.
    """
    if not _end_mine(actor, Session.id == session_id, EndReason.REVOKED):
        raise SessionNotFound


def end_others(actor: Actor, reason: EndReason = EndReason.REVOKED) -> None:
    """End every session of the caller but the one that asks."""
    _end_mine(actor, Session.id != actor.session_id, reason)


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


def end(*which: ColumnElement[bool], reason: EndReason) -> list[UUID]:
    """End the live sessions that meet all the conditions. For all of an account there is `end_all`."""
    now = clock.now()
    return [row.id for row in revocations.end(_ending(now, reason, *which), now)]


def end_all(user_id: UUID | None, *, reason: EndReason) -> list[UUID]:
    """End every live session of an account, or where None is given of all accounts."""
    now = clock.now()
    ending = _ending(now, reason, *(() if user_id is None else (Session.user_id == user_id,)))
    return [row.id for row in revocations.end(ending, now, whole_accounts=True)]


def _ending(now: datetime, reason: EndReason, *which: ColumnElement[bool]) -> Update:
    return update(Session).where(*which, Session.live_at(now)).values(ended_at=now, end_reason=reason)
