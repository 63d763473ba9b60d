"""Verifying the email address of an account, with a token that was sent to it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import update

from authapp.core.email import Message
from authapp.core.enums import AuditAction, TokenPurpose
from authapp.db import transaction
from authapp.mail import messages, outbox
from authapp.mail.composers import Waiting, composed_when_sent
from authapp.models import User
from authapp.services import account_credentials, audit, email_changes, locks, one_time_tokens, organizations
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
    if one_time_tokens.find(TokenPurpose.VERIFICATION, token) is None:
        email_changes.confirm(token)
        return
    user, found = one_time_tokens.use_for_account(TokenPurpose.VERIFICATION, token)
    if user.email_verified:
        return
    values: dict[str, Any] = {"email_verified": True}
    if found.takes_back:
        account_credentials.take_back(user)
        values["password_hash"] = None
        outbox.enqueue_uncomposed(user.email, "password_reset", always=True)
    transaction.execute(update(User).where(User.id == user.id).values(values))
    audit.record(AuditAction.USER_EMAIL_VERIFIED, None, target_id=user.id, user_id=user.id)


def resend(email: str) -> None:
    """Send another verification email, if an account with this address needs one. The reply does not tell."""
    outbox.enqueue_uncomposed(email, KIND)


def verification(user_id: UUID, email: str, organization_names: list[str], *, takes_back: bool) -> Message:
    """Issue a token and write the email that verifies an address with it."""
    issued = one_time_tokens.issue(TokenPurpose.VERIFICATION, user_id, email, takes_back=takes_back)
    return messages.render(
        KIND,
        email=email,
        organizations=messages.listed(organization_names),
        takes_back=takes_back,
        expires_at=issued.expires_at,
        link=messages.link(current_app.settings, "verify-email", issued.token),
        token=issued.token,
    )


@composed_when_sent(KIND)
def compose_again(waiting: Waiting) -> Message | None:
    """The verification email of an account that somebody has asked for who was not signed in."""
    user = locks.lock_active(User.email == waiting.recipient)
    if user is None or user.email_verified:
        return None
    names = organizations.names_of_user(user.id, messages.MOST_NAMES + 1)
    return verification(user.id, user.email, names, takes_back=True)
