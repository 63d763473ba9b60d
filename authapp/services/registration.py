"""Registering, as REGISTRATION_MODE has it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import literal, select, text
from sqlalchemy.dialects.postgresql import insert
from uuid_utils.compat import uuid7

from authapp.core.actor import OrganizationRecord, signing_in
from authapp.core.email import Message
from authapp.core.enums import AuditAction
from authapp.core.errors import ApiError, Forbidden
from authapp.db import transaction
from authapp.mail import messages, outbox
from authapp.mail.composers import Waiting, composed_when_sent
from authapp.models import User
from authapp.services import (
    audit,
    email_addresses,
    email_changes,
    invitation_acceptance,
    locks,
    organizations,
    profiles,
    sessions,
    sign_in,
)
from authapp.services.email_changes import EmailTaken
from authapp.services.invitation_acceptance import PendingInvitation
from authapp.services.session_tokens import SignedIn
from authapp.services.ways_in import NOTHING, BesidePassword
from authapp.web.application import current_app

KIND = "registration"

log = structlog.get_logger("authapp")


class RegistrationClosed(Forbidden):
    code = "registration_closed"
    detail = "Registering needs an invitation. Use the link in the email that an admin has sent you."


CLOSED = "Nobody can register here. If you have an account, sign in."


def register(
    email: str, password: str, organization_name: str | None, invitation_token: str | None, **values: Any
) -> SignedIn | None:
    """Create an account and its session, and create or join an organization with it.

    Args:
        email: in its canonical form.
        password: one that may be chosen.
        organization_name: of the organization to create.
        invitation_token: of the organization to join. It came by email, so it verifies the address as well.
        values: `first_name`, `last_name`, and `profile` as it was sent.

    Returns:
        None: REGISTRATION_MODE is safe. Whether there was an account with the address is told by email alone.

    Raises:
        HashQueueFull: before anything is read or written.
        RegistrationClosed: as REGISTRATION_MODE says.
        EmailTaken: an account that is not deleted has this address, or had it until a change that can be undone.
        InvalidInvitation, OrganizationSuspended, NotYourInvitation, SeatsExhausted: as `invitation_acceptance.accept`.
    """
    hasher, mode = current_app.hasher, current_app.settings.registration_mode
    with hasher.queue.slot():
        _find_invitation(mode, invitation_token)  # no password is hashed for a token that is not valid
        with transaction.paused():
            password_hash = hasher.hash(password)
    account: dict[str, Any] = {"password_hash": password_hash, **profiles.to_store(values)}
    if mode == "safe" and not invitation_token:
        outbox.enqueue_uncomposed(email, KIND, account=account, organization_name=organization_name)
        return None
    invitation = _find_invitation(mode, invitation_token)
    if invitation:
        invitation_acceptance.require_address(invitation, email, None)
    user_id = create(email, email_verified=invitation is not None, **account)
    if user_id is None:
        raise EmailTaken
    organization = _enter_organization(user_id, organization_name, invitation)
    if not invitation:
        enqueue_verification(user_id, email, organization)
    return sessions.start(user_id, sign_in.PASSWORD, registering=True, organization=organization)


def _find_invitation(mode: str, token: str | None) -> PendingInvitation | None:
    if mode == "closed":
        raise RegistrationClosed(detail=CLOSED)
    if mode == "invitation" and not token:
        raise RegistrationClosed
    return invitation_acceptance.find_by_token(token) if token else None


def create(email: str, *, by_owner: bool = True, **values: Any) -> UUID | None:
    """Create an account. None: the address is taken, or reserved for whoever can undo a change of it.

    Args:
        email: in its canonical form.
        by_owner: whether its owner does so, and not an operator.
        values: of further columns.
    """
    user_id = uuid7()
    values = {"id": user_id, "email": email, **values}
    columns = User.__table__.c
    row = select(*(literal(value, columns[name].type) for name, value in values.items()))
    created = transaction.scalar(
        insert(User)
        .from_select(list(values), row.where(~email_changes.is_reserved(email)))
        .on_conflict_do_nothing(index_elements=["email"], index_where=text("deleted_at IS NULL"))
        .returning(User.id)
    )
    if created is not None:
        actor = signing_in(user_id) if by_owner else None
        audit.record(AuditAction.USER_REGISTERED, actor, target_id=user_id, user_id=user_id)
    return None if created is None else user_id


def _enter_organization(
    user_id: UUID, name: str | None, invitation: PendingInvitation | None = None
) -> OrganizationRecord | None:
    if invitation:
        return invitation_acceptance.join(invitation, signing_in(user_id))
    return organizations.create_for(signing_in(user_id), name) if name else None


def _names(organization: OrganizationRecord | None) -> list[str]:
    return [organization.name] if organization else []


def enqueue_verification(
    user_id: UUID,
    email: str,
    organization: OrganizationRecord | None = None,
    beside: BesidePassword = NOTHING,
    *,
    made: bool = False,
) -> None:
    """Send the email that verifies the address of an account which has just been created, or `made` by an operator."""
    message = email_addresses.verification(user_id, email, _names(organization), beside, takes_back=False, made=made)
    outbox.enqueue_message(email, email_addresses.KIND, message)


@composed_when_sent(KIND)
def compose(waiting: Waiting) -> Message | None:
    """Create an account whose registration was not answered, and write the email that verifies its address.

    The email for an address that has an account says so instead. There is none, and no account, where a hook refuses.
    """
    try:
        user_id = create(waiting.recipient, **waiting.context["account"])
        if user_id is None:
            return _to_known_address(waiting)
        organization = _enter_organization(user_id, waiting.context["organization_name"])
    except ApiError as error:
        if error.status >= 500:
            raise
        log.warning("registration.refused", code=error.code, reason=error.reason or None)
        return None
    return email_addresses.verification(user_id, waiting.recipient, _names(organization), NOTHING, takes_back=False)


def _to_known_address(waiting: Waiting) -> Message | None:
    user = locks.lock_active(User.email == waiting.recipient)
    if user is None or not user.email_verified:
        return email_addresses.compose_again(waiting)
    return messages.render(
        "account_exists", email=user.email, link=messages.link(current_app.settings, "forgot-password")
    )
