"""Verifying the email address of an account, with a token that was sent to it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import update

from authapp.core.actor import UserRecord
from authapp.core.email import Message
from authapp.core.enums import AuditAction, TokenPurpose
from authapp.core.errors import LimitReached
from authapp.db import transaction
from authapp.mail import messages, outbox
from authapp.mail.composers import Waiting, composed_when_sent
from authapp.models import User
from authapp.services import (
    account_credentials,
    audit,
    email_changes,
    locks,
    one_time_tokens,
    organizations,
    ways_in,
)
from authapp.services.ways_in import BesidePassword
from authapp.web.application import current_app

KIND = "verification"


def verify(token: str) -> None:
    """Verify the address that the token was sent to, or change the account's address to it.

    A token that somebody asked for who was not signed in takes the account back: what was set so far was set by nobody
    who is known to own the address.

    Raises:
        InvalidEmailToken: it is not valid, or another request was first.
        EmailTaken: as `email_changes.confirm`.
    """
    purpose = one_time_tokens.purpose_of(token)
    if purpose not in one_time_tokens.VERIFYING:
        email_changes.confirm(token)
        return
    user, _ = one_time_tokens.use_for_account(purpose, token)
    if user.email_verified:
        return
    values: dict[str, Any] = {"email_verified": True}
    if purpose is TokenPurpose.TAKE_BACK:
        account_credentials.take_back(user)
        values["password_hash"] = None
        outbox.enqueue_uncomposed(user.email, "password_reset", always=True, removed=True)
    transaction.execute(update(User).where(User.id == user.id).values(values))
    one_time_tokens.void(user.id, *one_time_tokens.VERIFYING)
    one_time_tokens.mark_verified(user)
    audit.record(AuditAction.USER_EMAIL_VERIFIED, None, target_id=user.id, user_id=user.id)


def resend(email: str, user: UserRecord | None) -> None:
    """Send another verification email, if an account with this address needs one. The reply does not tell.

    Args:
        email: the address.
        user: who asks, if signed in. The token confirms what that account has set, and takes any other account back.
    """
    subject_id = user.id if user and user.email == email else None
    outbox.enqueue_uncomposed(email, KIND, subject_id=subject_id)


def ask_again(user: UserRecord) -> None:
    """Void the token of a verification email, and send another one, of an account that has got a first way in.

    Whoever verifies the address confirms all that the account can be signed in with. So the email has to tell of it. An
    email that tells of one way in warns of further ones as well. The account is locked.

    Raises:
        LimitReached: the address has been sent too many emails. Without another one, its owner could not verify it.
    """
    if user.email_verified or sum(ways_in.beside_password(user.id)) > 1:
        return
    if not outbox.enqueue_uncomposed(user.email, KIND, subject_id=user.id):
        raise LimitReached(detail=outbox.TOO_MANY)
    one_time_tokens.void(user.id, TokenPurpose.VERIFICATION)


def verification(
    user_id: UUID,
    email: str,
    organization_names: list[str],
    beside: BesidePassword,
    *,
    takes_back: bool,
    made: bool = False,
) -> Message:
    """Issue a token and write the email that verifies an address with it, and tells what can sign in by then."""
    purpose = TokenPurpose.TAKE_BACK if takes_back else TokenPurpose.VERIFICATION
    issued = one_time_tokens.issue(purpose, user_id, email)
    return messages.render(
        "take_back" if takes_back else KIND,
        email=email,
        made=made,
        organizations=messages.listed(organization_names),
        **beside._asdict(),
        forgot=messages.link(current_app.settings, "forgot-password"),
        expires_at=issued.expires_at,
        link=messages.link(current_app.settings, "verify-email", issued.token, take_back=takes_back),
        token=issued.token,
    )


@composed_when_sent(KIND)
def compose_again(waiting: Waiting) -> Message | None:
    """The verification email that somebody has asked for. The subject is the account that was signed in to."""
    user = locks.lock_active(User.email == waiting.recipient)
    if user is None or user.email_verified:
        return None
    names = organizations.names_of_user(user.id, messages.MOST_NAMES + 1)
    beside = ways_in.beside_password(user.id)
    return verification(user.id, user.email, names, beside, takes_back=waiting.subject_id != user.id)
