"""Whether an account may have a session now, and whether a session is good enough for a route."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from authapp.core import clock
from authapp.core.actor import Actor, UserRecord
from authapp.core.errors import Forbidden, Unauthorized
from authapp.web.application import current_app

RECENT = timedelta(minutes=5)
SECOND_FACTOR = "mfa"  # in `amr`, RFC 8176 section 2
_CHALLENGE = f'Bearer error="insufficient_user_authentication", max_age="{int(RECENT.total_seconds())}"'


class WrongCredentials(Unauthorized):
    code = "wrong_credentials"
    detail = "The email or the password is wrong."
    keeps_writes = True


class InactiveAccount(Forbidden):
    code = "inactive_account"
    detail = "This account has been deactivated. Ask an operator to activate it."
    keeps_writes = True


class EmailNotVerified(Forbidden):
    code = "email_not_verified"
    detail = "Verify your email address first: use the link in the email, or sign in and send it again."


class OperatorOnly(Forbidden):
    code = "operator_only"
    detail = "Only an operator of this service may do this."


class ReauthenticationRequired(Unauthorized):
    """RFC 9470: this session has to authenticate again, with a second factor where the account has one."""

    code = "reauthentication_required"
    detail = "This needs a recent sign-in. Send your credentials to POST /api/v1/auth/reauthenticate, then try again."
    challenge = _CHALLENGE

    def __init__(self, reason: str = "", *, second_factor_missing: bool = False) -> None:
        super().__init__(reason)
        if second_factor_missing:
            self.challenge = f'{_CHALLENGE}, acr_values="{SECOND_FACTOR}"'


def needs_second_factor(user: UserRecord, amr: Iterable[str]) -> bool:
    """Whether an account that has authenticated like this lacks its second factor."""
    return user.mfa_enabled and SECOND_FACTOR not in amr


def only_verified_may_sign_in() -> bool:
    """Whether nobody signs in before the address is verified, and no answer tells why."""
    return current_app.settings.registration_mode == "safe"


def require_may_sign_in(user: UserRecord) -> None:
    """Pass if an account that is not deleted may have a session, once its second factor was checked too.

    Raises:
        InactiveAccount: it is deactivated.
        WrongCredentials: REGISTRATION_MODE is safe, and nobody has verified its address.
    """
    if not user.is_active:
        raise InactiveAccount
    if only_verified_may_sign_in() and not user.email_verified:
        raise WrongCredentials("its email is not verified")


def require_recent(actor: Actor) -> None:
    """Pass if the caller has authenticated within `RECENT`, with the second factor if the account has one.

    That of an operator may be a passkey: a password alone sets no other one up.

    Raises:
        ReauthenticationRequired: not so.
        ApiKeyNotAllowed, WorkloadNotAllowed: no person, and only people authenticate again.
    """
    user = actor.user
    missing = (user.mfa_enabled or user.is_operator) and SECOND_FACTOR not in actor.amr
    if missing or actor.auth_time is None or actor.auth_time + RECENT < clock.now():
        raise ReauthenticationRequired(second_factor_missing=missing)


def require_as_operator(actor: Actor) -> None:
    """Pass if the caller is an operator whose session has authenticated with a second factor, which every one has.

    Raises:
        OperatorOnly: no operator.
        ReauthenticationRequired: the session has not used it.
    """
    if not actor.user.is_operator:
        raise OperatorOnly
    if SECOND_FACTOR not in actor.amr:
        raise ReauthenticationRequired(second_factor_missing=True)


def require_verified(user: UserRecord) -> None:
    """Pass if the address is verified, or EMAIL_VERIFICATION does not ask for that.

    Raises:
        EmailNotVerified: it is not.
    """
    if current_app.settings.email_verification == "required" and not user.email_verified:
        raise EmailNotVerified
