"""The second factor of my account."""

from __future__ import annotations

from typing import Any

from authapp.core.actor import current_actor
from authapp.core.errors import LimitReached
from authapp.decorators.guards import require_active_user
from authapp.schemas.mfa import Mfa, RecoveryCodes, TotpCode, TotpEnrolment, TotpRemoval
from authapp.services import mfa
from authapp.services.mfa import Enrolment, MfaAlreadyEnabled, State, TotpNotFound
from authapp.services.second_factors import Answer, WrongCode
from authapp.services.throttle import TooManyAttempts
from authapp.web.blueprint import Blueprint, raises

bp = Blueprint("mfa", __name__, url_prefix="/auth/mfa", description="The second factor of an account.")


@bp.get("")
@require_active_user
@bp.response(200, Mfa)
def get_mfa() -> State:
    """Read which second factors my account has."""
    return mfa.of_account(current_actor)


@bp.post("/totp")
@require_active_user(recent=True)
@raises(MfaAlreadyEnabled)
@bp.response(201, TotpEnrolment)
def set_up_totp() -> Enrolment:
    """Set up an authenticator app, which serves once it is confirmed."""
    return mfa.set_up(current_actor)


@bp.post("/totp/confirm")
@require_active_user
@raises(TotpNotFound, MfaAlreadyEnabled, WrongCode, TooManyAttempts, LimitReached)
@bp.arguments(TotpCode)
@bp.response(200, RecoveryCodes)
def confirm_totp(body: dict[str, Any]) -> dict[str, list[str]]:
    """Confirm the authenticator app with a code of it, and sign out everywhere else."""
    return {"recovery_codes": mfa.confirm(current_actor, **body)}


@bp.delete("/totp")
@require_active_user(recent=True)
@raises(TotpNotFound, WrongCode, TooManyAttempts)
@bp.arguments(TotpRemoval)
@bp.response(204)
def remove_totp(body: dict[str, Any]) -> None:
    """Remove the authenticator app and the recovery codes."""
    mfa.remove(current_actor, Answer(**body))


@bp.post("/recovery-codes")
@require_active_user(recent=True)
@raises(TotpNotFound, WrongCode, TooManyAttempts)
@bp.arguments(TotpCode)
@bp.response(200, RecoveryCodes)
def renew_recovery_codes(body: dict[str, Any]) -> dict[str, list[str]]:
    """Make ten recovery codes, in the place of all before."""
    return {"recovery_codes": mfa.renew_recovery_codes(current_actor, **body)}
