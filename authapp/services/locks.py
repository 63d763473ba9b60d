"""Row locks that keep what a guard has checked from changing before the commit.

The guard reads without a lock. A request of lasting effect first locks what its permission depends on, in this order,
so that no two requests deadlock: the account and its session, the organization, the members.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import InstrumentedAttribute

from authapp.core import clock
from authapp.core.actor import Actor, OrganizationRecord, UserRecord
from authapp.core.roles import Role
from authapp.db import transaction
from authapp.db.transaction import Stale
from authapp.models import Membership, Organization, Session, User
from authapp.services import admission


class Authentication(NamedTuple):
    """When and how a session has authenticated last."""

    auth_time: datetime
    amr: list[str]


def lock_account(actor: Actor) -> Authentication:
    """Keep the caller's account active and its session live until the request's transaction ends.

    Returns:
        how the session has authenticated, as it stays until then.

    Raises:
        Stale: they have ended meanwhile. The request is run again, and its guard refuses it.
    """
    locked = transaction.execute(
        select(Session.authenticated_at, Session.amr)
        .select_from(User)
        .join(Session, Session.user_id == User.id)
        .where(User.id == actor.id, User.is_active, User.deleted_at.is_(None))
        .where(Session.id == actor.session_id, Session.live_at(clock.now()))
        .with_for_update(key_share=True, of=(User, Session))
    ).one_or_none()
    if locked is None:
        raise Stale("the session or the account has ended")
    return Authentication._make(locked)


def lock_as_operator(actor: Actor, user_id: UUID | None = None) -> UserRecord | None:
    """Keep the caller an operator who has signed in recently until the transaction ends, and another account as it is.

    The accounts are locked in the order of their ids: two operators may change each other's at once.

    Args:
        actor: the caller.
        user_id: the other account.

    Returns:
        the other account, None where there is none that is not deleted.

    Raises:
        OperatorOnly, ReauthenticationRequired: as the guard, of what is locked.
        Stale: as `lock_account`.
    """
    both = select(*User.record()).where(User.id.in_({actor.id, user_id or actor.id}), User.deleted_at.is_(None))
    locked = transaction.execute(both.order_by(User.id).with_for_update(key_share=True)).all()
    found = {row.id: UserRecord._make(row) for row in locked}
    auth_time, amr = lock_account(actor)
    caller = Actor(id=actor.id, type=actor.type, account=found[actor.id], auth_time=auth_time, amr=tuple(amr))
    admission.require_as_operator(caller)
    admission.require_recent(caller)
    return found.get(user_id) if user_id else None


def lock_user(*which: ColumnElement[bool] | InstrumentedAttribute[bool]) -> UserRecord | None:
    """Keep an account as it is until the transaction ends, for whoever is not its caller: at sign-in, for an operator.

    Returns:
        None: no account that is not deleted meets the conditions.
    """
    account = select(*User.record()).where(*which, User.deleted_at.is_(None))
    row = transaction.execute(account.with_for_update(key_share=True)).one_or_none()
    return UserRecord._make(row) if row else None


def lock_active(*which: ColumnElement[bool]) -> UserRecord | None:
    """The same of an active account, for whoever has a token from an email."""
    return lock_user(*which, User.is_active)


def lock_organization(organization_id: UUID) -> None:
    """Keep the members of an organization as they are until the request's transaction ends.

    NO KEY UPDATE lets the rows that refer to the organization be written meanwhile: audit log, invitations, API keys.
    """
    row = select(Organization.id).where(Organization.id == organization_id)
    transaction.execute(row.with_for_update(key_share=True))


def lock_as_admin(actor: Actor, organization_id: UUID) -> OrganizationRecord:
    """Keep the caller an admin of an organization until the request's transaction ends.

    Returns:
        the organization, as it stays until then.

    Raises:
        Stale: as `lock_account` and `require_still_admin`.
    """
    lock_account(actor)
    lock_organization(organization_id)
    return require_still_admin(actor, organization_id)


def require_still_admin(actor: Actor, organization_id: UUID) -> OrganizationRecord:
    """Pass if the caller is still an admin. Call it while the organization is locked.

    Raises:
        Stale: the caller is not, or the organization is deleted or suspended.
    """
    row = transaction.execute(
        select(*Organization.record())
        .join(Membership, Membership.organization_id == Organization.id)
        .where(Organization.id == organization_id, Organization.is_live(), Membership.user_id == actor.id)
    ).one_or_none()
    if row is None or row.role != Role.ADMIN:
        raise Stale("the caller is no longer an admin")
    return OrganizationRecord._make(row)
