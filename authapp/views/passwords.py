"""Passwords: change mine, or set a new one with an email."""

from __future__ import annotations

from typing import Any

from authapp.core.actor import current_actor
from authapp.decorators.guards import public, require_active_user
from authapp.schemas.fields import Accepted
from authapp.schemas.passwords import ForgottenPassword, PasswordChange, PasswordReset
from authapp.security.hash_queue import HashQueueFull
from authapp.services import passwords
from authapp.services.admission import WrongCredentials
from authapp.services.one_time_tokens import InvalidEmailToken
from authapp.services.throttle import TooManyAttempts
from authapp.web.blueprint import Blueprint, raises

bp = Blueprint("passwords", __name__, url_prefix="/auth/password", description="A new password.")


@bp.post("/change")
@require_active_user
@raises(WrongCredentials, TooManyAttempts, HashQueueFull)
@bp.arguments(PasswordChange)
@bp.response(204)
def change_password(body: dict[str, Any]) -> None:
    """Change my password. All other sessions end."""
    passwords.change(current_actor, **body)


@bp.post("/forgot")
@public
@bp.arguments(ForgottenPassword)
@bp.response(202, Accepted)
def forgot_password(body: dict[str, Any]) -> dict[str, Any]:
    """Ask for an email with which I set a new password. The answer is the same where nobody has this address."""
    passwords.forget(**body)
    return {}


@bp.post("/reset")
@public
@raises(InvalidEmailToken, HashQueueFull)
@bp.arguments(PasswordReset)
@bp.response(204)
def reset_password(body: dict[str, Any]) -> None:
    """Set a new password with the token of an email. Every session ends, and nobody is signed in."""
    passwords.reset(**body)
