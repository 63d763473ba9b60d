"""What an operator changes by a route. Each locks first, and checks then what the guard has checked."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from authapp.core.actor import Actor, UserRecord
from authapp.core.errors import Conflict, NotFound
from authapp.services import accounts, locks
from authapp.services.operator import emails, organizations, suspension
from authapp.services.operator.accounts import UserNotFound


class OwnAccount(Conflict):
    code = "own_account"
    detail = "An operator cannot deactivate the own account. Ask another operator."


class EmailNotFound(NotFound):
    code = "email_not_found"
    detail = "No email with this id was given up."


class Deactivated(NamedTuple):
    """What became of the organizations of an account."""

    suspended: int


class Activated(NamedTuple):
    """What became of the organizations of an account, and how many that it administers stay suspended."""

    restored: int
    still_suspended: int


def deactivate(actor: Actor, user_id: UUID) -> Deactivated:
    """Switch an account off.

    Raises:
        OwnAccount: it is the caller's.
        UserNotFound: there is none.
        OperatorOnly, ReauthenticationRequired, Stale: as `locks.lock_as_operator`.
    """
    if user_id == actor.id:
        raise OwnAccount
    return Deactivated(len(accounts.deactivate(_lock(actor, user_id), actor)))


def activate(actor: Actor, user_id: UUID) -> Activated:
    """Switch an account on again.

    Raises:
        UserNotFound: there is none.
        OperatorOnly, ReauthenticationRequired, Stale: as `locks.lock_as_operator`.
    """
    restored = accounts.activate(_lock(actor, user_id), actor)
    return Activated(len(restored), len(suspension.still_suspended(user_id)))


def end_sessions(actor: Actor, user_id: UUID) -> int:
    """End every session of an account. Returns how many.

    Raises:
        UserNotFound: there is none.
        OperatorOnly, ReauthenticationRequired, Stale: as `locks.lock_as_operator`.
    """
    return accounts.end_sessions(_lock(actor, user_id), actor)


def suspend(actor: Actor, organization_id: UUID) -> None:
    """Suspend an organization.

    Raises:
        OrganizationNotFound: there is none, or it is deleted.
        OperatorOnly, ReauthenticationRequired, Stale: as `locks.lock_as_operator`.
    """
    locks.lock_as_operator(actor)
    organizations.require(organization_id)
    suspension.suspend(organization_id, actor)


def restore(actor: Actor, organization_id: UUID) -> None:
    """Restore an organization.

    Raises:
        OrganizationNotFound: there is none, or it is deleted.
        LastAdmin: it has no active admin.
        OperatorOnly, ReauthenticationRequired, Stale: as `locks.lock_as_operator`.
    """
    locks.lock_as_operator(actor)
    organizations.require(organization_id)
    suspension.restore(organization_id, actor)


def retry_email(actor: Actor, message_id: UUID) -> None:
    """Make an email due again that was given up.

    Raises:
        EmailNotFound: there is none.
        OperatorOnly, ReauthenticationRequired, Stale: as `locks.lock_as_operator`.
    """
    locks.lock_as_operator(actor)
    if not emails.retry(message_id, actor):
        raise EmailNotFound


def _lock(actor: Actor, user_id: UUID) -> UserRecord:
    user = locks.lock_as_operator(actor, user_id)
    if user is None:
        raise UserNotFound
    return user
