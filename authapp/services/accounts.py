"""Accounts: registering, changing the profile, switching off and on, deleting."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import insert, select, update
from uuid_utils.compat import uuid7

from authapp.core import clock
from authapp.core.actor import Actor, UserRecord, signing_in
from authapp.core.enums import AuditAction, EndReason
from authapp.core.errors import Conflict
from authapp.db import transaction
from authapp.db.transaction import Stale
from authapp.models import Session, User
from authapp.security.password_policy import complaints
from authapp.services import (
    account_credentials,
    audit,
    invitation_acceptance,
    locks,
    members,
    organizations,
    sessions,
    sign_in,
)
from authapp.services.members import LastAdmin
from authapp.services.session_tokens import SignedIn
from authapp.web.application import current_app


class EmailTaken(Conflict):
    code = "email_taken"
    detail = "An account with this email exists. Sign in, or use another address."


def password_complaints(password: str, own_words: Iterable[str | None]) -> list[str]:
    """What is wrong with a password that somebody chooses, as sentences. Every route that sets one asks this.

    Args:
        password: as it was typed.
        own_words: the owner's email and names.
    """
    return complaints(password, current_app.settings.password_policy, own_words, current_app.breach_file)


def password_errors(registration: dict[str, Any]) -> dict[str, list[str]]:
    """What is wrong with the password of a registration, by field. Call it before `register`."""
    if "password" not in registration:
        return {}
    own_words = [registration.get(name) for name in ("email", "first_name", "last_name")]
    found = password_complaints(registration["password"], own_words)
    return {"password": found} if found else {}


def register(
    email: str,
    password: str,
    first_name: str | None,
    last_name: str | None,
    organization_name: str | None,
    invitation_token: str | None,
) -> SignedIn:
    """Create an account and its session, and create or join an organization with it.

    Raises:
        HashQueueFull: before anything is read or written.
        EmailTaken: an account that is not deleted has this address.
        InvalidInvitation, NotYourInvitation, SeatsExhausted: as `invitation_acceptance.accept`.
    """
    hasher = current_app.hasher
    with hasher.queue.slot():
        password_hash = hasher.hash(password)
    invitation = invitation_acceptance.find_by_token(invitation_token) if invitation_token else None
    if invitation:
        invitation_acceptance.require_address(invitation, email, None)
    user_id = uuid7()
    transaction.execute(
        insert(User).values(
            id=user_id,
            email=email,
            email_verified=invitation is not None,
            password_hash=password_hash,
            first_name=first_name,
            last_name=last_name,
        )
    )
    actor = signing_in(user_id)
    audit.record(AuditAction.USER_REGISTERED, actor, target_id=user_id, user_id=user_id)
    organization = None
    if invitation:
        organization = invitation_acceptance.join(invitation, actor)
    elif organization_name:
        organization = organizations.create_for(actor, organization_name)
    return sessions.start(user_id, sign_in.PASSWORD, registering=True, organization=organization)


def change_profile(actor: Actor, changes: dict[str, Any]) -> UserRecord:
    """Change names. What is as it was is no change; no changes: no statement."""
    user = actor.user
    changes = {name: value for name, value in changes.items() if value != getattr(user, name)}
    if not changes:
        return user
    locks.lock_account(actor)
    row = transaction.execute(update(User).where(User.id == user.id).values(changes).returning(*User.record())).one()
    audit.record(AuditAction.USER_UPDATED, actor, target_id=user.id, user_id=user.id, fields=sorted(changes))
    return UserRecord._make(row)


def delete(actor: Actor, password: str | None) -> None:
    """Delete an account: it leaves its organizations, its sessions end, its address is free again.

    Raises:
        HashQueueFull, TooManyAttempts: before anything is written.
        ValidationFailed: it has a password, and none was sent.
        WrongCredentials: that is not its password.
        LastAdmin: an organization with other members would be left without an admin.
    """
    user = actor.user
    unchanged = sign_in.confirm_password(actor, password)
    locks.lock_account(actor)
    members.leave_all(actor)
    deleted = transaction.execute(
        update(User)
        .where(User.id == user.id, User.is_active, User.deleted_at.is_(None), unchanged)
        .values(deleted_at=clock.now())
        .returning(User.id)
    ).one_or_none()
    if deleted is None:
        raise Stale("the account changed while its password was checked")
    sessions.end(Session.user_id == user.id, reason=EndReason.DELETED)
    account_credentials.remove(user.id)
    audit.record(AuditAction.USER_DELETED, actor, target_id=user.id, user_id=user.id)


def set_active(email: str, active: bool) -> bool:
    """Switch an account off or on. Off ends its sessions. Returns whether there is such an account.

    Raises:
        LastAdmin: it is the only active admin of organizations, which the reason names.
    """
    account = select(User.id).where(User.email == email, User.deleted_at.is_(None))
    user_id = transaction.scalar(account.with_for_update(key_share=True))
    if user_id is None:
        return False
    if not active and (left_behind := members.administered_alone(user_id)):
        raise LastAdmin(", ".join(map(str, left_behind)))
    changed = update(User).where(User.id == user_id, User.is_active != active).values(is_active=active)
    if transaction.scalar(changed.returning(User.id)) is None:
        return True
    if not active:
        sessions.end(Session.user_id == user_id, reason=EndReason.DEACTIVATED)
        account_credentials.remove(user_id)
    action = AuditAction.USER_ACTIVATED if active else AuditAction.USER_DEACTIVATED
    audit.record(action, None, target_id=user_id, user_id=user_id)
    return True
