"""Refresh: a refresh token is used once, for its successor (RFC 9700 section 4.14.2)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, func, or_, select, update
from uuid_utils.compat import uuid7

from authapp.core import clock
from authapp.core.actor import UserRecord
from authapp.core.enums import AuditAction, EndReason
from authapp.core.errors import InvalidToken, RevokedToken
from authapp.core.logging import log_context
from authapp.db import transaction
from authapp.db.transaction import Stale
from authapp.models import Session, User
from authapp.models.sessions import SessionRecord
from authapp.security.tokens import Claims
from authapp.services import audit
from authapp.services.session_tokens import SignedIn, issue, sliding
from authapp.services.sessions import end
from authapp.web.application import current_app


class RefreshTokenReused(InvalidToken):
    code = "refresh_token_reused"
    detail = "This refresh token was spent before. Its session has been ended for safety: sign in again."
    keeps_writes = True


_SESSION = slice(0, len(SessionRecord._fields))
_USER = slice(_SESSION.stop, _SESSION.stop + len(UserRecord._fields))

# The whole rotation: of any number of simultaneous uses of one token, exactly one finds the row as it expects it.
_ROTATE = transaction.compiled(
    update(Session)
    .where(
        Session.id == bindparam("session_id"),
        Session.user_id == bindparam("of_user"),
        Session.refresh_id == bindparam("presented"),
        Session.live_at(bindparam("now")),
        User.id == Session.user_id,
        User.is_active,
        User.deleted_at.is_(None),
    )
    .values(
        previous_refresh_id=Session.refresh_id,
        refresh_id=bindparam("successor"),
        last_used_at=bindparam("now"),
        expires_at=func.least(bindparam("slides_to"), Session.ends_at_latest),
    )
    .returning(*Session.record(), *User.record())
)


def refresh(refresh_token: str) -> SignedIn:
    """Use a refresh token for a new pair of tokens.

    Raises:
        InvalidToken, ExpiredToken: not a refresh token of ours.
        RevokedToken: the session has ended, or the account is switched off.
        RefreshTokenReused: spent before, and not just now. The session ends.
    """
    claims = _read(refresh_token)
    now = clock.now()
    parameters = {
        "session_id": claims.session_id,
        "of_user": claims.user_id,
        "presented": claims.token_id,
        "successor": uuid7(),
        "now": now,
        "slides_to": now + sliding(),
    }
    row = transaction.fetch_one(_ROTATE, parameters) or _spent(claims)
    return issue(SessionRecord._make(row[_SESSION]), UserRecord._make(row[_USER]))


def read_current(refresh_token: str) -> Claims:
    """The claims of a refresh token that is the current one of its session or the one before.

    Raises:
        InvalidToken, ExpiredToken: not a refresh token of ours.
        RevokedToken: it is older.
    """
    claims = _read(refresh_token)
    known = or_(Session.refresh_id == claims.token_id, Session.previous_refresh_id == claims.token_id)
    if transaction.scalar(select(Session.id).where(Session.id == claims.session_id, known)) is None:
        raise RevokedToken("an older refresh token")
    return claims


def _read(refresh_token: str) -> Claims:
    claims = current_app.keys.for_token(refresh_token).read(refresh_token, "refresh")
    log_context().update(user_id=str(claims.user_id), session_id=str(claims.session_id))
    return claims


def _spent(claims: Claims) -> Sequence[Any]:
    """The session of a token that is not its current one: a retry of a moment ago, or reuse."""
    row = transaction.execute(
        select(*Session.record(), *User.record(), Session.previous_refresh_id)
        .join(User, User.id == Session.user_id)
        .where(Session.id == claims.session_id, Session.user_id == claims.user_id, Session.live_at(clock.now()))
        .where(User.is_active, User.deleted_at.is_(None))
        .with_for_update(of=Session)
    ).one_or_none()
    if row is None:
        raise RevokedToken
    if row.refresh_id == claims.token_id:
        raise Stale("the account was switched on in between")
    grace = timedelta(seconds=current_app.settings.refresh_grace_seconds)
    if row.previous_refresh_id == claims.token_id and clock.now() < row.last_used_at + grace:
        return row
    end(Session.id == claims.session_id, reason=EndReason.REFRESH_REUSED)
    audit.record(AuditAction.SESSION_REFRESH_REUSED, None, target_id=claims.session_id, user_id=claims.user_id)
    raise RefreshTokenReused
