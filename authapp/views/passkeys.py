"""Passkeys: signing in with one, and those of my account."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from authapp.core.actor import current_actor
from authapp.core.errors import LimitReached
from authapp.decorators.guards import public, require_active_user
from authapp.schemas.passkeys import (
    MfaToken,
    NewPasskey,
    Passkey,
    PasskeyLogin,
    PasskeyName,
    PasskeyRegistration,
    PasskeyRequestOptions,
    Passkeys,
    PasskeySignIn,
)
from authapp.schemas.sessions import Session
from authapp.services import passkeys, sign_in
from authapp.services.admission import InactiveAccount, WrongCredentials
from authapp.services.mfa_challenges import InvalidMfaToken
from authapp.services.passkey_assertions import ERRORS as PASSKEY_ERRORS
from authapp.services.passkey_assertions import PasskeyNotFound
from authapp.services.passkeys import Options, PasskeyTaken
from authapp.services.session_tokens import SignedIn
from authapp.services.ways_in import LastWayIn
from authapp.web import browser_mode
from authapp.web.blueprint import Blueprint, raises
from authapp.web.browser_mode import in_browser_mode, token_response
from authapp.web.cookies import bind_browser, browser_hash

bp = Blueprint("passkeys", __name__, url_prefix="/auth", description="Signing in without a password.")


@bp.post("/login/passkey/options")
@public
@in_browser_mode(bp)
@bp.response(200, PasskeySignIn)
def begin_passkey_login() -> Options:
    """Begin to sign in with a passkey."""
    return passkeys.sign_in_options(bind_browser() if browser_mode.is_requested() else None)


@bp.post("/login/passkey")
@public
@raises(*PASSKEY_ERRORS, WrongCredentials, InactiveAccount)
@bp.arguments(PasskeyLogin)
@token_response(bp, 200, Session, takes=("device_token",))
def login_passkey(body: dict[str, Any]) -> SignedIn:
    """Sign in with a passkey."""
    return sign_in.with_passkey(**body, browser_hash=browser_hash())


@bp.post("/login/mfa/passkey")
@public
@raises(InvalidMfaToken, PasskeyNotFound)
@bp.arguments(MfaToken)
@bp.response(200, PasskeyRequestOptions)
def begin_passkey_mfa(body: dict[str, Any]) -> dict[str, Any]:
    """Begin to complete a sign-in with a passkey as the second factor."""
    return passkeys.second_factor_options(**body)


@bp.get("/passkeys")
@require_active_user
@bp.response(200, Passkeys)
def list_passkeys() -> dict[str, Any]:
    """List my passkeys, newest first."""
    return {"items": passkeys.of_account(current_actor)}


@bp.post("/passkeys/options")
@require_active_user(recent=True)
@raises(LimitReached)
@bp.response(200, PasskeyRegistration)
def begin_passkey_registration() -> Options:
    """Begin to add a passkey."""
    return passkeys.creation_options(current_actor)


@bp.post("/passkeys")
@require_active_user(recent=True)
@raises(PasskeyTaken, LimitReached)
@bp.arguments(NewPasskey)
@bp.response(201, Passkey)
def add_passkey(body: dict[str, Any]) -> Any:
    """Add a passkey."""
    return passkeys.register(current_actor, **body)


@bp.patch("/passkeys/<passkey_id>")
@require_active_user
@raises(PasskeyNotFound)
@bp.arguments(PasskeyName)
@bp.response(200, Passkey)
def rename_passkey(body: dict[str, Any], passkey_id: UUID) -> Any:
    """Rename one of my passkeys."""
    return passkeys.rename(current_actor, passkey_id, **body)


@bp.delete("/passkeys/<passkey_id>")
@require_active_user(recent=True)
@raises(PasskeyNotFound, LastWayIn)
@bp.response(204)
def remove_passkey(passkey_id: UUID) -> None:
    """Remove one of my passkeys."""
    passkeys.remove(current_actor, passkey_id)
