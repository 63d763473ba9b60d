"""Invitations: an address, a role, and a token that only the letter holds."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, case, func, insert, select, update
from uuid_utils.compat import uuid7

from authapp.core import clock, mail, transaction
from authapp.core.actor import Actor, Role
from authapp.core.errors import AlreadyMember, InvitationNotFound, LimitReached
from authapp.models import AuditAction, Invitation, Membership, User
from authapp.schemas.invitations import InvitationStatus
from authapp.security import opaque
from authapp.services import audit, authority, outbox
from authapp.services.pages import Page, fetch

PREFIX = "it"
MOST_PENDING = 1000  # of an organization
LIFETIME = timedelta(hours=72)


def of_organization(organization_id: UUID, limit: int, cursor: UUID | None) -> Page:
    """Every invitation of an organization, whatever became of it, newest first."""
    statement = select(*_shown()).where(Invitation.organization_id == organization_id)
    return fetch(statement, Invitation.id, limit, cursor, newest_first=True)


def create(actor: Actor, email: str, role: Role) -> Any:
    """Invite an address. The token is in the letter, and nowhere else.

    Raises:
        RoleTooLow: the role is above the actor's own.
        AlreadyMember: the address belongs to a member.
        InvitationPending: from the unique index.
        LimitReached: the organization has as many pending ones as it may.
    """
    organization = actor.here
    authority.require_grant(actor, role)
    authority.hold_office(actor)
    member = select(User.id).join(Membership, Membership.user_id == User.id)
    if transaction.scalar(
        member.where(Membership.organization_id == organization.id, User.email == email, User.deleted_at.is_(None))
    ):
        raise AlreadyMember
    invitation_id = uuid7()
    _require_room(organization.id, invitation_id)
    token, token_hash = opaque.make(PREFIX, invitation_id)
    expires_at = clock.now() + LIFETIME
    row = transaction.execute(
        insert(Invitation)
        .values(
            id=invitation_id,
            organization_id=organization.id,
            email=email,
            role=role,
            token_hash=token_hash,
            invited_by=actor.id,
            expires_at=expires_at,
        )
        .returning(*_shown())
    ).one()
    _post(actor, row, token)
    audit.record(AuditAction.INVITATION_CREATED, target_id=invitation_id, email=email, role=role)
    return row


def resend(actor: Actor, invitation_id: UUID) -> Any:
    """Send an invitation that is pending or has expired again, with a new token and the whole time.

    The earlier token is dead.

    Raises:
        InvitationNotFound: there is none that is either.
        RoleTooLow: its role is above the actor's own.
        InvitationPending: from the unique index: it has expired, and its address has been invited anew.
        LimitReached: the organization has as many other pending ones as it may.
    """
    authority.hold_office(actor)
    _require_room(actor.here.id, invitation_id)
    token, token_hash = opaque.make(PREFIX, invitation_id)
    row = transaction.execute(
        update(Invitation)
        .where(Invitation.organization_id == actor.here.id, Invitation.id == invitation_id)
        .where(Invitation.status.in_([InvitationStatus.PENDING, InvitationStatus.EXPIRED]))
        .values(
            status=InvitationStatus.PENDING,
            token_hash=token_hash,
            expires_at=clock.now() + LIFETIME,
            invited_by=actor.id,
        )
        .returning(*_shown())
    ).one_or_none()
    if row is None:
        raise InvitationNotFound
    authority.require_grant(actor, row.role)
    outbox.withdraw(invitation_id)
    _post(actor, row, token)
    audit.record(AuditAction.INVITATION_RESENT, target_id=invitation_id, email=row.email)
    return row


def revoke(actor: Actor, invitation_id: UUID) -> None:
    """Withdraw a pending invitation, and its letter if it has not been sent.

    Raises:
        InvitationNotFound: there is none that is pending.
    """
    authority.hold_office(actor)
    row = transaction.execute(
        update(Invitation)
        .where(is_pending(actor.here.id, invitation_id))
        .values(status=InvitationStatus.REVOKED)
        .returning(Invitation.email)
    ).one_or_none()
    if row is None:
        raise InvitationNotFound
    outbox.withdraw(invitation_id)
    audit.record(AuditAction.INVITATION_REVOKED, target_id=invitation_id, email=row.email)


def is_pending(organization_id: UUID, invitation_id: UUID) -> Any:
    return and_(
        Invitation.organization_id == organization_id,
        Invitation.id == invitation_id,
        Invitation.status == InvitationStatus.PENDING,
    )


def _require_room(organization_id: UUID, invitation_id: UUID) -> None:
    """Pass if an invitation may be pending beside all others. Those that are overdue are marked as expired first.

    The organization is held: of simultaneous requests each counts those before it.

    Raises:
        LimitReached: there are too many others.
    """
    pending = and_(Invitation.organization_id == organization_id, Invitation.status == InvitationStatus.PENDING)
    overdue = update(Invitation).where(pending, Invitation.expires_at <= clock.now())
    transaction.execute(overdue.values(status=InvitationStatus.EXPIRED))
    others = select(func.count()).where(pending, Invitation.id != invitation_id)
    if transaction.scalar(others) >= MOST_PENDING:
        raise LimitReached(
            detail=f"This organization has {MOST_PENDING} pending invitations, the most it may. Revoke one, or wait."
        )


def _shown() -> tuple[Any, ...]:
    """What an admin sees of an invitation."""
    overdue = and_(Invitation.status == InvitationStatus.PENDING, Invitation.expires_at <= clock.now())
    status = case((overdue, InvitationStatus.EXPIRED.value), else_=Invitation.status).label("status")
    columns = (Invitation.id, Invitation.email, Invitation.role, status, Invitation.expires_at)
    return (*columns, Invitation.invited_by, Invitation.created_at)


def _post(actor: Actor, invitation: Any, token: str) -> None:
    outbox.post(
        invitation.email,
        "invitation",
        about_id=invitation.id,
        organization=mail.harmless(actor.here.name),
        role=invitation.role,
        inviter=mail.person(actor.user),
        email=invitation.email,
        expires_at=invitation.expires_at,
        link=mail.link("invitation", token),
        token=token,
    )
