"""Authority that holds until the act is done: what a guard has found out, kept from changing before the commit.

The guard reads without a lock. An act of lasting effect holds first what its right rests on, in this order, so that no
two requests wait for each other: the account and its session, the organization, the members.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import and_, select

from authapp.core import clock, transaction
from authapp.core.actor import Actor, Role
from authapp.core.errors import RoleTooLow
from authapp.core.transaction import Stale
from authapp.models import Membership, Organization, Session, User


def hold_account(actor: Actor) -> None:
    """Keep the caller's account active and its session live until this request is done.

    Raises:
        Stale: they ended while it waited. It is run again, and its guard refuses it.
    """
    held = transaction.execute(
        select(User.id)
        .join(Session, Session.user_id == User.id)
        .where(User.id == actor.id, User.is_active, User.deleted_at.is_(None))
        .where(Session.id == actor.session_id, Session.live_at(clock.now()))
        .with_for_update(key_share=True, of=(User, Session))
    ).one_or_none()
    if held is None:
        raise Stale("the session or the account has ended")


def hold_organization(organization_id: UUID) -> None:
    """Keep the members of the open organization as they are until this request is done.

    NO KEY UPDATE lets the rows that refer to the organization be written meanwhile: the trail, invitations, keys.
    """
    row = select(Organization.id).where(Organization.id == organization_id)
    transaction.execute(row.with_for_update(key_share=True))


def hold_office(actor: Actor) -> None:
    """Keep the caller an admin of the organization of the route until this request is done.

    Raises:
        Stale: as `hold_account`, and where the caller is an admin no more or the organization is deleted.
    """
    hold_account(actor)
    hold_organization(actor.here.id)
    require_office(actor)


def require_grant(actor: Actor, role: Role) -> None:
    """Pass if the caller may give somebody or something this role.

    Raises:
        RoleTooLow: it is above the caller's own.
    """
    if not actor.here.role.includes(role):
        raise RoleTooLow(f"{actor.here.role} grants {role}")


def require_office(actor: Actor) -> None:
    """Pass if the caller is an admin still. Ask while the organization is held.

    Raises:
        Stale: the caller is not, or the organization is deleted.
    """
    here = and_(Organization.id == Membership.organization_id, Organization.deleted_at.is_(None))
    role = transaction.scalar(
        select(Membership.role)
        .join(Organization, here)
        .where(Membership.organization_id == actor.here.id, Membership.user_id == actor.id)
    )
    if role is not Role.ADMIN:
        raise Stale("the caller is an admin no more")
