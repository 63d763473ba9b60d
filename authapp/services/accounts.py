"""Accounts: passwords that may be chosen, changing the profile, switching off and on, deleting."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import InstrumentedAttribute

from authapp.core import clock
from authapp.core.actor import Actor, UserRecord
from authapp.core.enums import AuditAction, EndReason
from authapp.db import transaction
from authapp.db.transaction import Stale
from authapp.models import User
from authapp.security.password_policy import complaints
from authapp.services import account_credentials, audit, locks, members, profiles, sessions, sign_in
from authapp.services.operator import operators, suspension
from authapp.services.operator.suspension import Named
from authapp.web.application import current_app


def password_complaints(
    password: str, own_words: Iterable[str | None], organization_name: str | None = None
) -> list[str]:
    """What is wrong with a password that somebody chooses, as sentences. Every route that sets one asks this.

    Args:
        password: as it was typed.
        own_words: the owner's email and names.
        organization_name: of the organization that is created with the account.
    """
    settings = current_app.settings
    service_words = (settings.operator_name, urlsplit(settings.public_url).hostname, organization_name)
    return complaints(password, settings.password_policy, own_words, current_app.breach_file, service_words)


def registration_errors(registration: dict[str, Any]) -> dict[str, Any]:
    """What is wrong with the password and the profile of a registration, by field."""
    return {**password_errors(registration), **profiles.errors(registration)}


def password_errors(registration: dict[str, Any]) -> dict[str, list[str]]:
    """What is wrong with the password of a registration, by field."""
    if "password" not in registration:
        return {}
    own_words = [registration.get(name) for name in ("email", "first_name", "last_name")]
    found = password_complaints(registration["password"], own_words, registration.get("organization_name"))
    return {"password": found} if found else {}


def get_account(user_id: UUID) -> UserRecord:
    """An account, as it is in this transaction. For hooks: it may be deleted.

    Raises:
        LookupError: there is no such account.
    """
    row = transaction.execute(select(*User.record()).where(User.id == user_id)).one_or_none()
    if row is None:
        raise LookupError(f"no account {user_id}")
    return UserRecord._make(row)


def change_profile(actor: Actor, names: dict[str, Any], profile: dict[str, Any] | None = None) -> UserRecord:
    """Change names, and fields of the profile. What is as it was is no change; no changes: no statement.

    Args:
        actor: the owner of the account.
        names: columns to change.
        profile: fields to change, as they were sent. None: none.

    Raises:
        ValidationFailed: the profile would be too large.
    """
    user = actor.user
    values = {name: value for name, value in names.items() if value != getattr(user, name)}
    if not values and not profile:
        return user
    locks.lock_account(actor)
    fields = profiles.changes_of(user.id, profile) if profile else {}
    if fields:
        values["profile"] = profiles.changed(fields)
    if not values:
        return user
    row = transaction.execute(update(User).where(User.id == user.id).values(values).returning(*User.record())).one()
    changed = sorted([*(values.keys() - {"profile"}), *(f"profile.{name}" for name in fields)])
    audit.record(AuditAction.USER_UPDATED, actor, target_id=user.id, user_id=user.id, fields=changed)
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
    end(user.id, actor, User.is_active, unchanged)


def end(user_id: UUID, actor: Actor | None, *unchanged: ColumnElement[bool] | InstrumentedAttribute[bool]) -> None:
    """Mark a locked account as deleted, once it has left its organizations.

    Args:
        user_id: the account.
        actor: its owner, None for an operator.
        unchanged: conditions that must still hold.

    Raises:
        LastAdmin: as `members.leave_all`.
        Stale: a condition no longer holds.
    """
    members.leave_all(user_id, actor)
    operators.end(user_id, actor)
    deleted = transaction.execute(
        update(User)
        .where(User.id == user_id, User.deleted_at.is_(None), *unchanged)
        .values(deleted_at=clock.now())
        .returning(User.id)
    ).one_or_none()
    if deleted is None:
        raise Stale("the account changed while its password was checked")
    sessions.end_all(user_id, reason=EndReason.DELETED)
    account_credentials.remove(user_id)
    audit.record(AuditAction.USER_DELETED, actor, target_id=user_id, user_id=user_id)


def deactivate(user: UserRecord, actor: Actor | None = None) -> list[Named]:
    """Switch a locked account off. Its sessions end, and it is no operator's any more.

    Args:
        user: the account.
        actor: the operator, None for a command.

    Returns:
        the organizations that are suspended with it, because it was their last active admin.
    """
    suspended = suspension.suspend_without(user.id, actor)
    if user.is_active:
        operators.end(user.id, actor, **audit.by_operator(actor))
        _switch(user, actor, active=False, action=AuditAction.USER_DEACTIVATED)
        sessions.end_all(user.id, reason=EndReason.DEACTIVATED)
        account_credentials.remove(user.id)
    return suspended


def activate(user: UserRecord, actor: Actor | None = None) -> list[Named]:
    """Switch a locked account on again.

    Args:
        user: the account.
        actor: the operator, None for a command.

    Returns:
        the organizations that are restored with it, because they have an active admin again.
    """
    if not user.is_active:
        _switch(user, actor, active=True, action=AuditAction.USER_ACTIVATED)
    return suspension.restore_with(user.id, actor)


def _switch(user: UserRecord, actor: Actor | None, *, active: bool, action: AuditAction) -> None:
    transaction.execute(update(User).where(User.id == user.id).values(is_active=active))
    audit.record(action, actor, target_id=user.id, user_id=user.id, **audit.by_operator(actor))


def end_sessions(user: UserRecord, actor: Actor | None = None) -> int:
    """End every session of a locked account, for an operator, who is None for a command. Returns how many."""
    return _revoke(user.id, actor)


def end_all_sessions() -> int:
    """End every session of every account, for an operator. Returns how many."""
    return _revoke(None, None)


def _revoke(user_id: UUID | None, actor: Actor | None) -> int:
    """End sessions, with one event however many there are."""
    count = len(sessions.end_all(user_id, reason=EndReason.REVOKED))
    if count:
        by = audit.by_operator(actor)
        audit.record(AuditAction.SESSION_ENDED, actor, user_id=user_id, reason=EndReason.REVOKED, count=count, **by)
    return count
