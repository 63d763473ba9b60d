"""Accounts: registering, changing the profile, switching off and on, deleting."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert, select, update
from uuid_utils.compat import uuid7

from authapp.core import clock, transaction
from authapp.core.actor import Actor, UserRecord
from authapp.core.application import settings
from authapp.core.errors import LastAdmin, ValidationFailed, WrongCredentials
from authapp.core.transaction import Stale
from authapp.models import AuditAction, Session, User
from authapp.models.sessions import EndReason
from authapp.security.password_policy import complaints
from authapp.security.passwords import passwords
from authapp.services import audit, authority, invited, members, organizations, sessions
from authapp.services.sessions import SignedIn


def register(
    email: str,
    password: str,
    first_name: str | None,
    last_name: str | None,
    organization_name: str | None,
    invitation_token: str | None,
) -> SignedIn:
    """Make an account, its organization if one is named or its place in the one that invites it, and its session.

    Raises:
        ValidationFailed: the policy refuses the password.
        HashQueueFull: before anything is read or written.
        EmailTaken: an account that is not deleted has this address.
        InvalidInvitation, NotYourInvitation, SeatsExhausted: as `invited.accept`.
    """
    own_words = (email, first_name, last_name)
    if problems := complaints(password, settings().password_policy, own_words):
        raise ValidationFailed(errors={"json": {"password": problems}})
    with passwords.queue.place():
        password_hash = passwords.hash(password)
    invitation = invited.opened(invitation_token) if invitation_token else None
    if invitation:
        invited.require_address(invitation, email)
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
    audit.record(AuditAction.USER_REGISTERED, target_id=user_id, user_id=user_id, actor_id=user_id)
    organization = None
    if invitation:
        organization = invited.join(invitation, user_id)
    elif organization_name:
        organization = organizations.create(organization_name, user_id)
    return sessions.start(user_id, sessions.PASSWORD, organization=organization)


def change_profile(actor: Actor, changes: dict[str, Any]) -> UserRecord:
    """Change names. What is as it was is no change; no changes: no statement."""
    user = actor.user
    changes = {name: value for name, value in changes.items() if value != getattr(user, name)}
    if not changes:
        return user
    authority.hold_account(actor)
    row = transaction.execute(update(User).where(User.id == user.id).values(changes).returning(*User.record())).one()
    audit.record(AuditAction.USER_UPDATED, target_id=user.id, user_id=user.id, fields=sorted(changes))
    return UserRecord._make(row)


def delete(actor: Actor, password: str) -> None:
    """Delete an account: it leaves its organizations, its sessions end, its address is free again.

    Raises:
        HashQueueFull: before anything is written.
        WrongCredentials: that is not its password.
        LastAdmin: an organization with other members would be left without an admin.
    """
    user = actor.user
    transaction.release()  # hold no connection while hashing
    with passwords.queue.place():
        stored = transaction.scalar(select(User.password_hash).where(User.id == user.id))
        transaction.release()
        right = passwords.verify(password, stored)
    if not right:
        audit.record(AuditAction.SESSION_REFUSED, user_id=user.id, reason="wrong_credentials")
        raise WrongCredentials("wrong password", detail="The password is wrong.")
    authority.hold_account(actor)
    members.leave_all(user.id)
    deleted = transaction.execute(
        update(User)
        .where(User.id == user.id, User.is_active, User.deleted_at.is_(None), User.password_hash == stored)
        .values(deleted_at=clock.now())
        .returning(User.id)
    ).one_or_none()
    if deleted is None:
        raise Stale("the account changed while its password was checked")
    sessions.end(Session.user_id == user.id, reason=EndReason.DELETED)
    audit.record(AuditAction.USER_DELETED, target_id=user.id, user_id=user.id)


def set_active(email: str, active: bool) -> bool:
    """Switch an account off or on. Off ends its sessions. Says whether there is such an account.

    Raises:
        LastAdmin: it is the only active admin of organizations, which the reason names.
    """
    account = select(User.id).where(User.email == email, User.deleted_at.is_(None))
    user_id = transaction.scalar(account.with_for_update(key_share=True))
    if user_id is None:
        return False
    if not active and (alone := members.administers_alone(user_id)):
        raise LastAdmin(", ".join(map(str, alone)))
    changed = update(User).where(User.id == user_id, User.is_active != active).values(is_active=active)
    if transaction.scalar(changed.returning(User.id)) is None:
        return True
    if not active:
        sessions.end(Session.user_id == user_id, reason=EndReason.DEACTIVATED)
    action = AuditAction.USER_ACTIVATED if active else AuditAction.USER_DEACTIVATED
    audit.record(action, target_id=user_id, user_id=user_id)
    return True
