"""Members: who belongs to an organization as what. Whoever changes that holds the organization's row meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, delete, exists, func, insert, select, update

from authapp.core import transaction
from authapp.core.actor import Actor, Role
from authapp.core.errors import LastAdmin, MemberNotFound, SeatsExhausted
from authapp.core.tenancy import open_account, open_organization
from authapp.models import AuditAction, Invitation, Membership, Organization, User
from authapp.schemas.invitations import InvitationStatus
from authapp.services import audit, authority, organizations
from authapp.services.pages import Page, fetch

_MEMBER = (
    User.id,
    User.email,
    User.first_name,
    User.last_name,
    Membership.role,
    Membership.created_at.label("joined_at"),
)


class Standing(NamedTuple):
    """Where a member stands, read while the organization's row is held."""

    role: Role | None  # None: no member
    another_admin: bool  # an active one beside this member
    another_member: bool


def of_organization(organization_id: UUID, limit: int, cursor: UUID | None, role: Role | None = None) -> Page:
    """The members, oldest account first, of one role or of all."""
    statement = select(*_MEMBER).join(Membership, _is_member(organization_id, User.id))
    if role is not None:
        statement = statement.where(Membership.role == role)
    return fetch(statement, User.id, limit, cursor)


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
        select(*_MEMBER).join(Membership, _is_member(organization_id, User.id)).where(User.id == user_id)
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
    seats = select(Organization.seats).where(Organization.id == organization_id).scalar_subquery()
    if transaction.scalar(select(taken >= seats)):  # NULL where seats are unlimited
        raise SeatsExhausted
    transaction.execute(insert(Membership).values(user_id=user_id, organization_id=organization_id, role=role))


def leave_all(user_id: UUID) -> None:
    """Take an account that ends out of every organization. One of which it is the only member ends with it.

    Raises:
        LastAdmin: other members would be left without an admin.
    """
    for organization_id, standing in hold_all(user_id):
        if standing.another_member:
            if _is_last_admin(standing):
                raise LastAdmin(detail=f"Organization {organization_id} has no other admin. Appoint one or delete it.")
            _delete(organization_id, user_id, AuditAction.MEMBER_LEFT)
        else:
            organizations.delete(organization_id)


def administers_alone(user_id: UUID) -> list[UUID]:
    """The organizations whose only active admin this account is. All that it belongs to are held from now on."""
    held = list(hold_all(user_id))
    return [id_ for id_, standing in held if _is_last_admin(standing)]


def hold_all(user_id: UUID) -> Iterator[tuple[UUID, Standing]]:
    """Open and hold every organization that an account belongs to, one after the other, in one order for all."""
    open_account(user_id)
    mine = (
        select(Organization.id)
        .join(Membership, _is_member(Organization.id, user_id))
        .where(Organization.deleted_at.is_(None))
        .order_by(Organization.id)
    )
    for organization_id in transaction.execute(mine).scalars().all():
        open_organization(organization_id)
        yield organization_id, hold(organization_id, user_id)


def hold(organization_id: UUID, user_id: UUID) -> Standing:
    """Hold the open organization and say where a member stands in it."""
    authority.hold_organization(organization_id)
    another = and_(Membership.organization_id == organization_id, Membership.user_id != user_id)
    admin = select(Membership).join(User, User.id == Membership.user_id).where(another, Membership.of_active_admin())
    role = select(Membership.role).where(_is_member(organization_id, user_id)).scalar_subquery()
    return Standing._make(transaction.execute(select(role, exists(admin.subquery()), exists().where(another))).one())


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
        _withdraw_invitations_by(organization_id, user_id)
    audit.record(
        AuditAction.MEMBER_ROLE_CHANGED,
        target_id=user_id,
        user_id=user_id,
        organization_id=organization_id,
        before=before,
        after=after,
    )


def _delete(organization_id: UUID, user_id: UUID, action: AuditAction) -> None:
    _withdraw_invitations_by(organization_id, user_id)
    transaction.execute(delete(Membership).where(_is_member(organization_id, user_id)))
    audit.record(action, target_id=user_id, user_id=user_id, organization_id=organization_id)


def _withdraw_invitations_by(organization_id: UUID, user_id: UUID) -> None:
    """What somebody may not grant any more is not granted later either, should the right come back."""
    by = and_(Invitation.organization_id == organization_id, Invitation.invited_by == user_id)
    pending = Invitation.status == InvitationStatus.PENDING
    transaction.execute(update(Invitation).where(by, pending).values(status=InvitationStatus.REVOKED))


def _is_member(organization_id: Any, user_id: Any) -> ColumnElement[bool]:
    return and_(Membership.organization_id == organization_id, Membership.user_id == user_id)
