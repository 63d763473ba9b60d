"""Accounts: registering, changing the profile, switching off and on."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert, update

from authapp.core.actor import UserRecord
from authapp.core.application import settings
from authapp.core.errors import ValidationFailed
from authapp.core.extensions import db
from authapp.models import AuditAction, Session, User
from authapp.models.sessions import EndReason
from authapp.security.password_policy import complaints
from authapp.security.passwords import passwords
from authapp.services import audit, organizations, sessions
from authapp.services.sessions import SignedIn


def register(
    email: str, password: str, first_name: str | None, last_name: str | None, organization_name: str | None
) -> SignedIn:
    """Make an account, its organization if one is named, and its first session.

    Raises:
        ValidationFailed: the policy refuses the password.
        HashQueueFull: before anything is read or written.
        EmailTaken: an account that is not deleted has this address.
    """
    own_words = (email, first_name, last_name)
    if problems := complaints(password, settings().password_policy, own_words):
        raise ValidationFailed(errors={"json": {"password": problems}})
    with passwords.queue.place():
        password_hash = passwords.hash(password)
    row = db.session.execute(
        insert(User)
        .values(email=email, password_hash=password_hash, first_name=first_name, last_name=last_name)
        .returning(*User.record())
    ).one()
    user = UserRecord._make(row)
    audit.record(AuditAction.USER_REGISTERED, user_id=user.id, actor_id=user.id)
    organization = organizations.create(organization_name, user.id) if organization_name else None
    return sessions.start(user, organization)


def change_profile(user: UserRecord, changes: dict[str, Any]) -> UserRecord:
    """Change names. No changes: no statement."""
    if not changes:
        return user
    row = db.session.execute(update(User).where(User.id == user.id).values(changes).returning(*User.record())).one()
    audit.record(AuditAction.USER_UPDATED, user_id=user.id, actor_id=user.id, fields=sorted(changes))
    return UserRecord._make(row)


def set_active(email: str, active: bool) -> bool:
    """Switch an account off or on. Off ends its sessions. Says whether there is such an account."""
    user_id = db.session.scalar(
        update(User).where(User.email == email, User.deleted_at.is_(None)).values(is_active=active).returning(User.id)
    )
    if user_id is not None:
        if not active:
            sessions.end(Session.user_id == user_id, reason=EndReason.DEACTIVATED)
        audit.record(AuditAction.USER_ACTIVATED if active else AuditAction.USER_DEACTIVATED, user_id=user_id)
    return user_id is not None
