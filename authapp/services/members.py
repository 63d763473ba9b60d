"""Members: list them, change their roles, remove them. Every change locks the organization's row first."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, delete, exists, func, insert, select, update
from sqlalchemy.orm import aliased

from authapp.core.actor import Actor
from authapp.core.enums import AuditAction, InvitationStatus
from authapp.core.errors import Conflict, NotFound
from authapp.core.roles import Role
from authapp.db import transaction
from authapp.db.pagination import Page, bound, cut
from authapp.db.tenancy import set_account, set_tenant
from authapp.mail import outbox
from authapp.models import Invitation, Membership, Organization, User
from authapp.services import admission, audit, locks, one_time_tokens, organizations


class MemberNotFound(NotFound):
    code = "member_not_found"
    detail = "This organization has no member with this id."


class LastAdmin(Conflict):
    code = "last_admin"
    detail = "This organization would be left without an active admin. Make another member an admin, or delete it."


class AlreadyMember(Conflict):
    code = "already_member"
    detail = "This address belongs to a member of the organization."


class SeatsExhausted(Conflict):
    code = "seats_exhausted"
    detail = "Every seat of this organization is taken. Ask an admin to free one or to extend the subscription."


class MemberState(NamedTuple):
    """A member's role, read while the organization's row is locked."""

    role: Role | None  # None: not a member
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
    """Give a member another role. Effective on the member's next request.

    Raises:
        MemberNotFound: no such member.
        LastAdmin: no active admin would be left.
        ReauthenticationRequired: the new role is admin, and the caller has not signed in recently.
        Stale: as `locks.require_still_admin`.
    """
    if role == Role.ADMIN:
        admission.require_recent(actor)
    locks.lock_account(actor)
    state = lock(organization_id, user_id)
    _keep_an_admin(state, after=role)
    locks.require_still_admin(actor, organization_id)
    _set_role(actor, organization_id, user_id, state.role, role)
    return transaction.execute(
        _shown(Membership).join(Membership, _is_member(organization_id, User.id)).where(User.id == user_id)
    ).one()


def remove(actor: Actor, organization_id: UUID, user_id: UUID) -> None:
    """Remove a member, who may be the actor. Effective on the member's next request.

    Raises:
        MemberNotFound: no such member.
        LastAdmin: no active admin would be left.
        Stale: as `locks.require_still_admin`.
    """
    locks.lock_account(actor)
    state = lock(organization_id, user_id)
    _keep_an_admin(state, after=None)
    if user_id != actor.id:
        locks.require_still_admin(actor, organization_id)
    action = AuditAction.MEMBER_LEFT if user_id == actor.id else AuditAction.MEMBER_REMOVED
    revoke_invitations(Invitation.organization_id == organization_id, Invitation.invited_by == user_id)
    transaction.execute(delete(Membership).where(_is_member(organization_id, user_id)))
    audit.record(action, actor, target_id=user_id, user_id=user_id, organization_id=organization_id)


def promote(organization_id: UUID, email: str) -> bool:
    """Make a member an admin, as an operator. Returns whether that is a change.

    Raises:
        MemberNotFound: the organization, if there is one, has no active member with this address.
    """
    set_tenant(organization_id)
    of_member = select(User.id).join(Membership, _is_member(organization_id, User.id))
    user_id = transaction.scalar(of_member.where(User.email == email, User.is_active, User.deleted_at.is_(None)))
    if user_id is None:
        raise MemberNotFound
    before = lock(organization_id, user_id).role
    _set_role(None, organization_id, user_id, before, Role.ADMIN)
    return before != Role.ADMIN


def add(organization_id: UUID, user_id: UUID, role: Role) -> None:
    """Add a member to an organization, whose row is locked.

    Raises:
        SeatsExhausted: every seat is taken.
        AlreadyMember: from the primary key.
    """
    taken = select(func.count()).where(Membership.organization_id == organization_id).scalar_subquery()
    seats = select(taken >= Organization.seats).where(Organization.id == organization_id)
    if transaction.scalar(seats.where(Organization.seats.is_not(None))):  # else nobody needs to be counted
        raise SeatsExhausted
    transaction.execute(insert(Membership).values(user_id=user_id, organization_id=organization_id, role=role))


def leave_all(user_id: UUID, actor: Actor | None) -> None:
    """Remove an account from every organization, for itself or an operator. One without other members ends with it.

    The memberships go last: the policies read them to let the statements before see these organizations.

    Raises:
        LastAdmin: other members would be left without an admin.
    """
    organization_ids = lock_all(user_id)
    another_member = exists().where(_is_another_member(Organization.id, user_id))
    if found := transaction.scalar(left_behind(user_id).limit(1)):
        raise LastAdmin(detail=f"Organization {found} has no other admin. Appoint one or delete it.")
    ended = set(organizations.end_all(actor, user_id, _is_mine(user_id), ~another_member))
    revoke_invitations(Invitation.invited_by == user_id)
    left = [organization_id for organization_id in organization_ids if organization_id not in ended]
    audit.record_in_each(left, AuditAction.MEMBER_LEFT, actor, target_id=user_id, user_id=user_id)
    transaction.execute(delete(Membership).where(Membership.user_id == user_id))


def left_behind(user_id: UUID) -> Select[UUID]:
    """The statement for the organizations with other members that this account alone administers."""
    return _administered_alone(user_id).where(exists().where(_is_another_member(Organization.id, user_id)))


def administered_alone(user_id: UUID) -> list[UUID]:
    """The organizations whose only active admin is this account. All that it is a member of are locked."""
    lock_all(user_id)
    return list(transaction.execute(_administered_alone(user_id)).scalars())


def lock_all(user_id: UUID) -> list[UUID]:
    """Lock every organization that an account is a member of, in one order for all, and set all of them as tenants."""
    set_account(user_id, all_organizations=True)
    mine = (
        select(Organization.id)
        .join(Membership, _is_member(Organization.id, user_id))
        .where(Organization.deleted_at.is_(None))
        .order_by(Organization.id)
        .with_for_update(key_share=True, of=Organization)
    )
    return list(transaction.execute(mine).scalars())


def lock(organization_id: UUID, user_id: UUID) -> MemberState:
    """Lock an organization and read the state of a member."""
    locks.lock_organization(organization_id)
    role = select(Membership.role).where(_is_member(organization_id, user_id)).scalar_subquery()
    return MemberState._make(transaction.execute(select(role, _another_admin(organization_id, user_id))).one())


def _administered_alone(user_id: UUID) -> Select[UUID]:
    """The organizations of an account that have no other active admin. Suspended ones need none."""
    return (
        select(Organization.id)
        .where(_is_mine(user_id), Organization.is_live(), ~_another_admin(Organization.id, user_id))
        .order_by(Organization.id)
    )


def _another_admin(organization_id: Any, user_id: UUID) -> ColumnElement[bool]:
    """Whether an organization has an active admin beside this member."""
    return Membership.active_admins(organization_id).where(Membership.user_id != user_id).exists()


def _shown(membership: type[Membership]) -> Select[*tuple[Any, ...]]:
    """The columns of a member."""
    joined_at = membership.created_at.label("joined_at")
    return select(User.id, User.email, User.first_name, User.last_name, membership.role, joined_at)


def _keep_an_admin(state: MemberState, after: Role | None) -> None:
    if state.role is None:
        raise MemberNotFound
    if after != Role.ADMIN and _is_last_admin(state):
        raise LastAdmin


def _is_last_admin(state: MemberState) -> bool:
    return state.role == Role.ADMIN and not state.another_admin


def _set_role(actor: Actor | None, organization_id: UUID, user_id: UUID, before: Role | None, after: Role) -> None:
    """Change a role, if it is another one, and record that."""
    if after == before:
        return
    transaction.execute(update(Membership).where(_is_member(organization_id, user_id)).values(role=after))
    if after != Role.ADMIN:
        revoke_invitations(Invitation.organization_id == organization_id, Invitation.invited_by == user_id)
    audit.record(
        AuditAction.MEMBER_ROLE_CHANGED,
        actor,
        target_id=user_id,
        user_id=user_id,
        organization_id=organization_id,
        before=before,
        after=after,
    )


def revoke_invitations(*by: ColumnElement[bool]) -> None:
    """Revoke pending ones for good: they stay so, should their sender become an admin again."""
    pending = Invitation.status == InvitationStatus.PENDING
    revoked = update(Invitation).where(*by, pending).values(status=InvitationStatus.REVOKED).returning(Invitation.id)
    ids = select(revoked.cte("revoked").c.id)
    # one statement: of tens of thousands, no id leaves the database
    transaction.execute(one_time_tokens.voiding(ids).add_cte(outbox.cancelling(ids).cte("cancelled")))


def _is_member(organization_id: Any, user_id: Any) -> ColumnElement[bool]:
    return and_(Membership.organization_id == organization_id, Membership.user_id == user_id)


def _is_another_member(organization_id: Any, user_id: UUID) -> ColumnElement[bool]:
    return and_(Membership.organization_id == organization_id, Membership.user_id != user_id)


def _is_mine(user_id: UUID) -> ColumnElement[bool]:
    return Organization.id.in_(select(Membership.organization_id).where(Membership.user_id == user_id))
