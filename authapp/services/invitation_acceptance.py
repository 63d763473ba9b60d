"""Invitations, for whoever has the token: preview, accept, decline."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import exists, select, update

from authapp.core import clock
from authapp.core.actor import Actor, OrganizationRecord
from authapp.core.enums import AuditAction, InvitationStatus, TokenPurpose
from authapp.core.errors import ApiError, Forbidden, OrganizationSuspended
from authapp.core.roles import Role, shown_role
from authapp.db import transaction
from authapp.db.tenancy import set_credential, set_tenant
from authapp.models import Invitation, Membership, OneTimeToken, Organization, User
from authapp.services import audit, locks, members, one_time_tokens
from authapp.services.invitations import is_pending

NEWEST = 20  # how many invitations of one address are looked at


class InvalidInvitation(ApiError):
    status = 410
    code = "invalid_invitation"
    detail = "This invitation is not valid: used, declined, withdrawn, sent anew or expired. Ask for another."


class NotYourInvitation(Forbidden):
    code = "not_your_invitation"
    detail = "This invitation was sent to another address. Use the account with that address."
    keeps_writes = True


class PendingInvitation(NamedTuple):
    """An invitation whose token was presented, and its organization."""

    id: UUID
    token: str
    email: str
    role: Role
    expires_at: datetime
    invited_by: UUID
    organization: OrganizationRecord


def find_by_token(token: str) -> PendingInvitation:
    """Find the invitation of a token, whoever presents it, and set its organization as the tenant.

    Raises:
        InvalidInvitation: the token is dead or none of ours, or the inviter may no longer grant this role.
        OrganizationSuspended: it is valid again once the organization is restored.
    """
    found = one_time_tokens.find(TokenPurpose.INVITATION, token)
    if found is None:
        raise InvalidInvitation("no live token")
    return _find(found.owner_id, token)


def is_invited(email: str) -> bool:
    """Whether one of the newest invitations to an address can be accepted. Sets its organization as the tenant."""
    sent = (OneTimeToken.purpose == TokenPurpose.INVITATION, OneTimeToken.email == email)
    newest = (
        select(OneTimeToken.owner_id)
        .where(*sent, OneTimeToken.live_at(clock.now()))
        .order_by(OneTimeToken.id.desc())
        .limit(NEWEST)
    )
    return any(_can_be_accepted(invitation_id) for invitation_id in transaction.execute(newest).scalars().all())


def _can_be_accepted(invitation_id: UUID) -> bool:
    try:
        _find(invitation_id, token="")
    except (InvalidInvitation, OrganizationSuspended):
        return False
    return True


def _find(invitation_id: UUID, token: str) -> PendingInvitation:
    set_credential(invitation_id)
    row = transaction.execute(
        select(Invitation.__table__).where(Invitation.id == invitation_id, Invitation.open_at(clock.now()))
    ).one_or_none()
    if row is None:
        raise InvalidInvitation
    set_tenant(row.organization_id)
    organization = transaction.execute(
        select(*Organization.own_record()).where(
            Organization.id == row.organization_id, Organization.deleted_at.is_(None)
        )
    ).one_or_none()
    if organization is None:
        raise InvalidInvitation("its organization is deleted")
    record = OrganizationRecord._make((*organization, row.role))
    invitation = PendingInvitation(row.id, token, row.email, row.role, row.expires_at, row.invited_by, record)
    _require_valid(invitation)
    return invitation


def accept(actor: Actor, token: str) -> OrganizationRecord:
    """Make the caller a member. The token came by email, so the caller's address is verified as well.

    Raises:
        InvalidInvitation, OrganizationSuspended: as `find_by_token`, or another request was first.
        NotYourInvitation: it was sent to another address.
        SeatsExhausted, AlreadyMember: as `members.add`.
    """
    locks.lock_account(actor)
    invitation = find_by_token(token)
    require_address(invitation, actor.user.email, actor)
    return join(invitation, actor)


def require_address(invitation: PendingInvitation, email: str, actor: Actor | None) -> None:
    """Pass if this is the address that was invited. Call it before anything is written: an error keeps writes.

    Raises:
        NotYourInvitation: it is another address.
    """
    if invitation.email != email:
        audit.record_denial(
            AuditAction.INVITATION_REFUSED,
            actor,
            invitation.organization.id,
            target_id=invitation.id,
            reason="another address",
        )
        raise NotYourInvitation


def join(invitation: PendingInvitation, actor: Actor) -> OrganizationRecord:
    """Accept an invitation for an account with its address."""
    organization_id, user_id = invitation.organization.id, actor.id
    locks.lock_organization(organization_id)
    _require_valid(invitation)  # once more: now nobody can change that
    _close(invitation, InvitationStatus.ACCEPTED)
    members.add(organization_id, user_id, invitation.role)
    transaction.execute(update(User).where(User.id == user_id).values(email_verified=True))
    audit.record(
        AuditAction.MEMBER_JOINED,
        actor,
        target_id=user_id,
        user_id=user_id,
        organization_id=organization_id,
        role=invitation.role,
        invitation_id=str(invitation.id),
    )
    return invitation.organization


def decline(token: str) -> None:
    """Decline an invitation. Whoever has the token may.

    Raises:
        InvalidInvitation, OrganizationSuspended: as `find_by_token`.
    """
    invitation = find_by_token(token)
    _close(invitation, InvitationStatus.DECLINED)
    audit.record(
        AuditAction.INVITATION_DECLINED,
        None,
        target_id=invitation.id,
        organization_id=invitation.organization.id,
        email=invitation.email,
    )


def _close(invitation: PendingInvitation, status: InvitationStatus) -> None:
    """End an invitation, once: of any number of simultaneous requests one finds it as it was presented."""
    organization_id = invitation.organization.id
    closed = transaction.scalar(
        update(Invitation)
        .where(is_pending(organization_id, invitation.id))
        .where(exists().where(Organization.id == organization_id, Organization.deleted_at.is_(None)))
        .values(status=status)
        .returning(Invitation.id)
    )
    if closed is None or one_time_tokens.use(TokenPurpose.INVITATION, invitation.token) is None:
        raise InvalidInvitation("another request was first")


def _require_valid(invitation: PendingInvitation) -> None:
    """Pass if nothing is suspended and the inviter may still grant the role: no invitation is valid beyond that."""
    organization_id = invitation.organization.id
    role = (
        Membership.active_admins(organization_id)
        .where(Membership.user_id == invitation.invited_by)
        .with_only_columns(Membership.role)
        .scalar_subquery()
    )
    state = select(Organization.suspended_at, role).where(Organization.id == organization_id)
    suspended_at, inviter = transaction.execute(state).one()
    if suspended_at:
        raise OrganizationSuspended
    if inviter is None or not inviter.includes(shown_role(invitation.role)):
        raise InvalidInvitation("the inviter may no longer grant this role")
