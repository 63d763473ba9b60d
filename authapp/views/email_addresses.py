"""Email addresses: verify mine, change it, undo a change."""

from __future__ import annotations

from typing import Any

from authapp.core.actor import current_actor
from authapp.core.errors import LimitReached
from authapp.decorators.guards import ACCOUNT_ERRORS, get_optional_user, public, require_active_user
from authapp.schemas.email_addresses import EmailChange, EmailToken, VerificationRequest
from authapp.schemas.fields import Accepted
from authapp.security.hash_queue import HashQueueFull
from authapp.services import email_addresses, email_changes
from authapp.services.admission import WrongCredentials
from authapp.services.email_changes import EmailTaken
from authapp.services.one_time_tokens import InvalidEmailToken
from authapp.services.throttle import TooManyAttempts
from authapp.web.blueprint import Blueprint, raises

bp = Blueprint("email_addresses", __name__, url_prefix="/auth/email", description="The address of an account.")


@bp.post("/verify")
@public
@raises(InvalidEmailToken, EmailTaken)
@bp.arguments(EmailToken)
@bp.response(204)
def verify_email(body: dict[str, Any]) -> None:
    """Verify an address. A link that was asked for without signing in removes password, factors and sessions."""
    email_addresses.verify(**body)


@bp.post("/resend")
@public
@raises(*ACCOUNT_ERRORS)
@bp.arguments(VerificationRequest)
@bp.response(202, Accepted)
def resend_verification(body: dict[str, Any]) -> dict[str, Any]:
    """Send my verification email again. Its link, asked for without signing in, removes password, factors, sessions."""
    email_addresses.resend(**body, user=get_optional_user())
    return {}


@bp.post("/change")
@require_active_user(recent=True)
@raises(WrongCredentials, TooManyAttempts, HashQueueFull, EmailTaken, LimitReached)
@bp.arguments(EmailChange)
@bp.response(202, Accepted)
def change_email(body: dict[str, Any]) -> dict[str, Any]:
    """Change my address. It takes effect when the new address confirms; the present one can undo it for 7 days."""
    email_changes.change(current_actor, **body)
    return {}


@bp.post("/undo")
@public
@raises(InvalidEmailToken)
@bp.arguments(EmailToken)
@bp.response(204)
def undo_email_change(body: dict[str, Any]) -> None:
    """Undo a change of my address with the token of an email. Every session ends, and a reset email follows."""
    email_changes.undo(**body)
