"""Taking up an invitation: what whoever holds its token may do with it."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import exists, select, update

from authapp.core import clock, transaction
from authapp.core.actor import Actor, OrganizationRecord, Role
from authapp.core.errors import InvalidInvitation, NotYourInvitation
from authapp.models import AuditAction, Invitation, Membership, Organization, User
from authapp.schemas.invitations import InvitationStatus
from authapp.security import opaque
from authapp.services import audit, authority, members, proofs
from authapp.services.invitations import PREFIX, is_pending


class Opened(NamedTuple):
    """An invitation whose token was presented, and its organization, which is open from then on."""

    id: UUID
    digest: bytes
    email: str
    role: Role
    expires_at: datetime
    invited_by: UUID
    organization: OrganizationRecord


def opened(token: str) -> Opened:
    """The invitation of a token, whoever presents it. Its organization is open from then on.

    Raises:
        InvalidInvitation: the token is dead or none of ours, or the inviter may not grant this role any more.
    """
    presented = opaque.read(token, PREFIX)
    if presented is None:
        raise InvalidInvitation("not a token")
    parameters = {"invitation_id": presented.id, "digest": presented.digest, "now": clock.now()}
    row = proofs.prove(proofs.INVITATION, parameters)
    if row is None:
        raise InvalidInvitation
    invitation_id, email, expires_at, invited_by, *organization, role = row
    record = OrganizationRecord._make((*organization, Role(role)))
    found = Opened(invitation_id, presented.digest, email, record.role, expires_at, invited_by, record)
    _require_inviter(found)
    return found


def accept(actor: Actor, token: str) -> OrganizationRecord:
    """Make an account a member. The token came by mail, so its address is verified as well.

    Raises:
        InvalidInvitation: as `opened`, or somebody was quicker.
        NotYourInvitation: it was sent to another address.
        SeatsExhausted, AlreadyMember: as `members.add`.
    """
    authority.hold_account(actor)
    invitation = opened(token)
    require_address(invitation, actor.user.email)
    return join(invitation, actor.id)


def require_address(invitation: Opened, email: str) -> None:
    """Pass if this is the address that was invited.

    Raises:
        NotYourInvitation: what was written before survives it, as evidence. Ask before anything else is written.
    """
    if invitation.email != email:
        audit.record_refusal(
            AuditAction.INVITATION_REFUSED,
            target_id=invitation.id,
            organization_id=invitation.organization.id,
            reason="another address",
        )
        raise NotYourInvitation


def join(invitation: Opened, user_id: UUID) -> OrganizationRecord:
    """Take an invitation up."""
    organization_id = invitation.organization.id
    authority.hold_organization(organization_id)
    _require_inviter(invitation)
    _settle(invitation, InvitationStatus.ACCEPTED)
    members.add(organization_id, user_id, invitation.role)
    transaction.execute(update(User).where(User.id == user_id).values(email_verified=True))
    audit.record(
        AuditAction.MEMBER_JOINED,
        target_id=user_id,
        user_id=user_id,
        actor_id=user_id,
        organization_id=organization_id,
        role=invitation.role,
        invitation_id=str(invitation.id),
    )
    return invitation.organization


def decline(token: str) -> None:
    """Turn an invitation down. Whoever holds the token may.

    Raises:
        InvalidInvitation: as `opened`.
    """
    invitation = opened(token)
    _settle(invitation, InvitationStatus.DECLINED)
    audit.record(
        AuditAction.INVITATION_DECLINED,
        target_id=invitation.id,
        organization_id=invitation.organization.id,
        email=invitation.email,
    )


def _settle(invitation: Opened, status: InvitationStatus) -> None:
    """End an invitation, once: of any number of requests at the same time one finds it as it was presented."""
    organization_id = invitation.organization.id
    settled = transaction.scalar(
        update(Invitation)
        .where(is_pending(organization_id, invitation.id), Invitation.token_hash == invitation.digest)
        .where(exists().where(Organization.id == organization_id, Organization.deleted_at.is_(None)))
        .values(status=status)
        .returning(Invitation.id)
    )
    if settled is None:
        raise InvalidInvitation("another request was quicker")


def _require_inviter(invitation: Opened) -> None:
    """An invitation is as good as its inviter: without the right to grant the role it is dead."""
    inviter = transaction.scalar(
        select(Membership.role)
        .join(User, User.id == Membership.user_id)
        .where(Membership.organization_id == invitation.organization.id, Membership.user_id == invitation.invited_by)
        .where(Membership.of_active_admin())
    )
    if inviter is None or not inviter.includes(invitation.role):
        raise InvalidInvitation("the inviter may not grant this role any more")
