"""Members: who belongs to an organization as what. Whoever changes that holds the organization's row meanwhile."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, delete, exists, func, insert, select, update
from sqlalchemy.orm import aliased

from authapp.core import transaction
from authapp.core.actor import Actor, Role
from authapp.core.errors import LastAdmin, MemberNotFound, SeatsExhausted
from authapp.core.tenancy import open_account, open_organization
from authapp.models import AuditAction, Invitation, Membership, Organization, User
from authapp.schemas.invitations import InvitationStatus
from authapp.services import audit, authority, organizations
from authapp.services.pages import Page, bound, cut


class Standing(NamedTuple):
    """Where a member stands, read while the organization's row is held."""

    role: Role | None  # None: no member
    another_admin: bool  # an active one beside this member


def of_organization(organization_id: UUID, limit: int, cursor: UUID | None, role: Role | None = None) -> Page:
    """The members, oldest account first, of one role or of all.

    The memberships of the page are picked first, and only their accounts are read: joined the other way round,
    PostgreSQL may walk through the accounts of all the pages before.
    """
    memberships = select(Membership).where(Membership.organization_id == organization_id)
    if role is not None:
        memberships = memberships.where(Membership.role == role)
    page = aliased(Membership, bound(memberships, Membership.user_id, limit, cursor).subquery())
    return cut(transaction.execute(_shown(page).join(page, page.user_id == User.id).order_by(User.id)), limit)


def change_role(actor: Actor, organization_id: UUID, user_id: UUID, role: Role) -> Row[*tuple[Any, ...]]:
    """Give a member another role. It binds on the member's next request.

    Raises:
        MemberNotFound: no such member.
        LastAdmin: nobody active would be left to administer.
        Stale: the actor has just lost the right to do this.
    """
    authority.hold_account(actor)
    standing = hold(organization_id, user_id)
    _keep_an_admin(standing, after=role)
    authority.require_office(actor)
    _set_role(organization_id, user_id, standing.role, role)
    return transaction.execute(
        _shown(Membership).join(Membership, _is_member(organization_id, User.id)).where(User.id == user_id)
    ).one()


def remove(actor: Actor, organization_id: UUID, user_id: UUID) -> None:
    """Remove a member, who may be the actor. It binds on the member's next request.

    Raises:
        MemberNotFound: no such member.
        LastAdmin: nobody active would be left to administer.
        Stale: the actor has just lost the right to do this.
    """
    authority.hold_account(actor)
    standing = hold(organization_id, user_id)
    _keep_an_admin(standing, after=None)
    if user_id != actor.id:
        authority.require_office(actor)
    _delete(organization_id, user_id, AuditAction.MEMBER_LEFT if user_id == actor.id else AuditAction.MEMBER_REMOVED)


def promote(organization_id: UUID, email: str) -> None:
    """Make a member an admin, as an operator.

    Raises:
        MemberNotFound: the organization, if there is one, has no active member with this address.
    """
    open_organization(organization_id)
    has_address = and_(User.email == email, User.is_active, User.deleted_at.is_(None))
    user_id = transaction.scalar(
        select(User.id).join(Membership, _is_member(organization_id, User.id)).where(has_address)
    )
    if user_id is None:
        raise MemberNotFound
    _set_role(organization_id, user_id, hold(organization_id, user_id).role, Role.ADMIN)


def add(organization_id: UUID, user_id: UUID, role: Role) -> None:
    """Make someone a member of the open organization, whose row is held.

    Raises:
        SeatsExhausted: every seat is taken.
        AlreadyMember: from the primary key.
    """
    taken = select(func.count()).where(Membership.organization_id == organization_id).scalar_subquery()
    seats = select(taken >= Organization.seats).where(Organization.id == organization_id)
    if transaction.scalar(seats.where(Organization.seats.is_not(None))):  # else nobody needs to be counted
        raise SeatsExhausted
    transaction.execute(insert(Membership).values(user_id=user_id, organization_id=organization_id, role=role))


def leave_all(user_id: UUID) -> None:
    """Take an account that ends out of every organization. One of which it is the only member ends with it.

    The memberships go last: they are what opens the organizations to the statements before.

    Raises:
        LastAdmin: other members would be left without an admin.
    """
    organization_ids = hold_all(user_id)
    another_member = exists().where(_is_another_member(Organization.id, user_id))
    if left_behind := transaction.scalar(_administered_alone(user_id).where(another_member).limit(1)):
        raise LastAdmin(detail=f"Organization {left_behind} has no other admin. Appoint one or delete it.")
    ended = set(organizations.delete_all(user_id, _is_mine(user_id), ~another_member))
    _withdraw_invitations(Invitation.invited_by == user_id)
    left = [organization_id for organization_id in organization_ids if organization_id not in ended]
    audit.record_in_each(left, AuditAction.MEMBER_LEFT, target_id=user_id, user_id=user_id)
    transaction.execute(delete(Membership).where(Membership.user_id == user_id))


def administers_alone(user_id: UUID) -> list[UUID]:
    """The organizations whose only active admin this account is. All that it belongs to are held from now on."""
    hold_all(user_id)
    return list(transaction.execute(_administered_alone(user_id)).scalars())


def hold_all(user_id: UUID) -> list[UUID]:
    """Open and hold every organization that an account belongs to, in one order for all."""
    open_account(user_id, all_organizations=True)
    mine = (
        select(Organization.id)
        .join(Membership, _is_member(Organization.id, user_id))
        .where(Organization.deleted_at.is_(None))
        .order_by(Organization.id)
        .with_for_update(key_share=True, of=Organization)
    )
    return list(transaction.execute(mine).scalars())


def hold(organization_id: UUID, user_id: UUID) -> Standing:
    """Hold the open organization and say where a member stands in it."""
    authority.hold_organization(organization_id)
    role = select(Membership.role).where(_is_member(organization_id, user_id)).scalar_subquery()
    return Standing._make(transaction.execute(select(role, _another_admin(organization_id, user_id))).one())


def _administered_alone(user_id: UUID) -> Select[UUID]:
    """The organizations of an account that have no other active admin: there it is the only one."""
    return (
        select(Organization.id)
        .where(_is_mine(user_id), Organization.deleted_at.is_(None), ~_another_admin(Organization.id, user_id))
        .order_by(Organization.id)
    )


def _another_admin(organization_id: Any, user_id: UUID) -> ColumnElement[bool]:
    """Whether an organization has an active admin beside this member."""
    admin = select(Membership).join(User, User.id == Membership.user_id).where(Membership.of_active_admin())
    return admin.where(_is_another_member(organization_id, user_id)).exists()


def _shown(membership: type[Membership]) -> Select[*tuple[Any, ...]]:
    """What everybody in an organization sees of a member."""
    joined_at = membership.created_at.label("joined_at")
    return select(User.id, User.email, User.first_name, User.last_name, membership.role, joined_at)


def _keep_an_admin(standing: Standing, after: Role | None) -> None:
    if standing.role is None:
        raise MemberNotFound
    if after is not Role.ADMIN and _is_last_admin(standing):
        raise LastAdmin


def _is_last_admin(standing: Standing) -> bool:
    return standing.role is Role.ADMIN and not standing.another_admin


def _set_role(organization_id: UUID, user_id: UUID, before: Role | None, after: Role) -> None:
    """Change a role, if it is another one, and write that down."""
    if after is before:
        return
    transaction.execute(update(Membership).where(_is_member(organization_id, user_id)).values(role=after))
    if after is not Role.ADMIN:
        _withdraw_invitations(Invitation.organization_id == organization_id, Invitation.invited_by == user_id)
    audit.record(
        AuditAction.MEMBER_ROLE_CHANGED,
        target_id=user_id,
        user_id=user_id,
        organization_id=organization_id,
        before=before,
        after=after,
    )


def _delete(organization_id: UUID, user_id: UUID, action: AuditAction) -> None:
    _withdraw_invitations(Invitation.organization_id == organization_id, Invitation.invited_by == user_id)
    transaction.execute(delete(Membership).where(_is_member(organization_id, user_id)))
    audit.record(action, target_id=user_id, user_id=user_id, organization_id=organization_id)


def _withdraw_invitations(*by: ColumnElement[bool]) -> None:
    """What somebody may not grant any more is not granted later either, should the right come back."""
    pending = Invitation.status == InvitationStatus.PENDING
    transaction.execute(update(Invitation).where(*by, pending).values(status=InvitationStatus.REVOKED))


def _is_member(organization_id: Any, user_id: Any) -> ColumnElement[bool]:
    return and_(Membership.organization_id == organization_id, Membership.user_id == user_id)


def _is_another_member(organization_id: Any, user_id: UUID) -> ColumnElement[bool]:
    return and_(Membership.organization_id == organization_id, Membership.user_id != user_id)


def _is_mine(user_id: UUID) -> ColumnElement[bool]:
    return Organization.id.in_(select(Membership.organization_id).where(Membership.user_id == user_id))
