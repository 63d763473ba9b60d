"""Sessions: sign in, refresh, sign out, see where I am signed in."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from authapp.core.actor import current_actor
from authapp.core.errors import ExpiredToken, InvalidToken, MissingToken, RevokedToken
from authapp.db.pagination import Page
from authapp.decorators.guards import public, require_active_user
from authapp.schemas.sessions import (
    LiveSessionPage,
    LiveSessionQuery,
    Login,
    Logout,
    MfaLogin,
    Reauthenticated,
    Reauthentication,
    Refresh,
    Session,
)
from authapp.security.hash_queue import HashQueueFull
from authapp.services import session_refresh, sessions, sign_in
from authapp.services.admission import InactiveAccount, WrongCredentials
from authapp.services.mfa_challenges import InvalidMfaToken, MfaRequired
from authapp.services.passkey_assertions import ERRORS as PASSKEY_ERRORS
from authapp.services.second_factors import Answer, WrongCode
from authapp.services.session_refresh import RefreshTokenReused
from authapp.services.session_tokens import SignedIn
from authapp.services.sessions import SessionNotFound
from authapp.services.throttle import TooManyAttempts
from authapp.web.blueprint import Blueprint, raises
from authapp.web.browser_mode import sign_out_response, token_response
from authapp.web.cookies import browser_hash

bp = Blueprint("sessions", __name__, url_prefix="/auth", description="Signing in, staying signed in, signing out.")


@bp.post("/login")
@public
@raises(WrongCredentials, MfaRequired, InactiveAccount, TooManyAttempts, HashQueueFull)
@bp.arguments(Login)
@token_response(bp, 200, Session, takes=("device_token",))
def login(body: dict[str, Any]) -> SignedIn:
    """Sign in with email and password."""
    return sign_in.login(**body)


@bp.post("/login/mfa")
@public
@raises(InvalidMfaToken, WrongCode, *PASSKEY_ERRORS, WrongCredentials, InactiveAccount, TooManyAttempts)
@bp.arguments(MfaLogin)
@token_response(bp, 200, Session)
def login_mfa(body: dict[str, Any]) -> SignedIn:
    """Complete a sign-in with the second factor."""
    return sign_in.complete(body.pop("mfa_token"), Answer(**body))


@bp.post("/reauthenticate")
@require_active_user
@raises(WrongCredentials, WrongCode, *PASSKEY_ERRORS, TooManyAttempts, HashQueueFull)
@bp.arguments(Reauthentication)
@bp.response(200, Reauthenticated)
def reauthenticate(body: dict[str, Any]) -> sign_in.Reauthenticated:
    """Authenticate again, in this session."""
    password = body.pop("password", None)
    return sign_in.reauthenticate(current_actor, password, Answer(**body), browser_hash())


@bp.post("/refresh")
@public
@raises(MissingToken, InvalidToken, ExpiredToken, RevokedToken, RefreshTokenReused)
@bp.arguments(Refresh)
@token_response(bp, 200, Session, takes=("refresh_token",))
def refresh(body: dict[str, Any]) -> SignedIn:
    """Use a refresh token for a new pair of tokens."""
    return session_refresh.refresh(**body)


@bp.post("/logout")
@require_active_user(or_refresh_token=True)
@bp.arguments(Logout)
@sign_out_response(bp)
def logout(body: dict[str, Any]) -> None:
    """Sign out here, or everywhere."""
    sessions.logout(current_actor, everywhere=body["everywhere"])


@bp.get("/sessions")
@require_active_user
@bp.arguments(LiveSessionQuery, location="query")
@bp.response(200, LiveSessionPage)
def list_sessions(query: dict[str, Any]) -> Page:
    """List where I am signed in, newest first."""
    return sessions.of_account(current_actor, **query)


@bp.delete("/sessions")
@require_active_user
@bp.response(204)
def end_other_sessions() -> None:
    """Sign out everywhere but here."""
    sessions.end_others(current_actor)


@bp.delete("/sessions/<session_id>")
@require_active_user
@raises(SessionNotFound)
@bp.response(204)
def end_session(session_id: UUID) -> None:
    """Sign out one of my sessions."""
    sessions.end_one(current_actor, session_id)
