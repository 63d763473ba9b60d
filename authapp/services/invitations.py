"""Invitations, for the admins: create, send again, revoke. Only the email has the token."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import and_, case, func, insert, select, update
from uuid_utils.compat import uuid7

from authapp.core import clock
from authapp.core.actor import Actor, OrganizationRecord
from authapp.core.enums import AuditAction, InvitationStatus, TokenPurpose
from authapp.core.errors import Conflict, LimitReached, NotFound
from authapp.core.roles import Role
from authapp.db import transaction
from authapp.db.pagination import Page, fetch
from authapp.mail import messages, outbox
from authapp.models import Invitation, Membership, User
from authapp.services import audit, locks, one_time_tokens
from authapp.services.members import AlreadyMember
from authapp.web.application import current_app

MOST_PENDING = 1000  # of an organization


class InvitationNotFound(NotFound):
    code = "invitation_not_found"
    detail = "This organization has no pending invitation with this id."


class InvitationPending(Conflict):
    code = "invitation_pending"
    detail = "This address has a pending invitation. Send that one again, or revoke it first."


def of_organization(organization_id: UUID, limit: int, cursor: UUID | None) -> Page:
    """Every invitation of an organization, of any status, newest first."""
    statement = select(*_shown()).where(Invitation.organization_id == organization_id)
    return fetch(statement, Invitation.id, limit, cursor, newest_first=True)


def create(actor: Actor, organization_id: UUID, email: str, role: Role) -> Any:
    """Invite an address.

    Raises:
        AlreadyMember: the address belongs to a member.
        InvitationPending: from the unique index.
        LimitReached: the organization has as many pending ones as it may, or the address was sent too many emails.
    """
    organization = locks.lock_as_admin(actor, organization_id)
    _require_no_member(organization_id, email)
    invitation_id = uuid7()
    _require_room(organization_id, invitation_id)
    issued = one_time_tokens.issue(TokenPurpose.INVITATION, invitation_id, email)
    row = transaction.execute(
        insert(Invitation)
        .values(
            id=invitation_id,
            organization_id=organization_id,
            email=email,
            role=role,
            invited_by=actor.id,
            expires_at=issued.expires_at,
        )
        .returning(*_shown())
    ).one()
    _enqueue(actor, organization, row, issued.token)
    audit.record(
        AuditAction.INVITATION_CREATED,
        actor,
        target_id=invitation_id,
        organization_id=organization_id,
        email=email,
        role=role,
    )
    return row


def resend(actor: Actor, organization_id: UUID, invitation_id: UUID) -> Any:
    """Send an invitation that is pending or has expired again, with a new token and the whole time.

    The earlier token is dead.

    Raises:
        InvitationNotFound: there is none that is either.
        InvitationPending: from the unique index: it has expired, and its address has been invited anew.
        LimitReached: the organization has as many other pending ones as it may, or as at `create`.
    """
    organization = locks.lock_as_admin(actor, organization_id)
    _require_room(organization_id, invitation_id)
    row = transaction.execute(
        update(Invitation)
        .where(Invitation.organization_id == organization_id, Invitation.id == invitation_id)
        .where(Invitation.status.in_([InvitationStatus.PENDING, InvitationStatus.EXPIRED]))
        .values(
            status=InvitationStatus.PENDING,
            expires_at=clock.now() + one_time_tokens.LIFETIMES[TokenPurpose.INVITATION],
            invited_by=actor.id,
        )
        .returning(*_shown())
    ).one_or_none()
    if row is None:
        raise InvitationNotFound
    outbox.cancel(invitation_id)
    issued = one_time_tokens.issue(TokenPurpose.INVITATION, invitation_id, row.email)
    _enqueue(actor, organization, row, issued.token)
    audit.record(
        AuditAction.INVITATION_RESENT, actor, target_id=invitation_id, organization_id=organization_id, email=row.email
    )
    return row


def revoke(actor: Actor, organization_id: UUID, invitation_id: UUID) -> None:
    """Revoke a pending invitation, and cancel its email if it has not been sent.

    Raises:
        InvitationNotFound: there is none that is pending.
    """
    locks.lock_as_admin(actor, organization_id)
    row = transaction.execute(
        update(Invitation)
        .where(is_pending(organization_id, invitation_id))
        .values(status=InvitationStatus.REVOKED)
        .returning(Invitation.email)
    ).one_or_none()
    if row is None:
        raise InvitationNotFound
    outbox.cancel(invitation_id)
    one_time_tokens.void(invitation_id)
    audit.record(
        AuditAction.INVITATION_REVOKED, actor, target_id=invitation_id, organization_id=organization_id, email=row.email
    )


def is_pending(organization_id: UUID, invitation_id: UUID) -> Any:
    """The condition under which an invitation may be revoked, accepted or declined."""
    return and_(
        Invitation.organization_id == organization_id,
        Invitation.id == invitation_id,
        Invitation.status == InvitationStatus.PENDING,
    )


def _require_no_member(organization_id: UUID, email: str) -> None:
    """Pass if the address belongs to no member.

    Raises:
        AlreadyMember: it does.
    """
    member = select(User.id).join(Membership, Membership.user_id == User.id)
    has_address = (Membership.organization_id == organization_id, User.email == email, User.deleted_at.is_(None))
    if transaction.scalar(member.where(*has_address)):
        raise AlreadyMember


def _require_room(organization_id: UUID, invitation_id: UUID) -> None:
    """Pass if an invitation may be pending beside all others. Those that are overdue are marked as expired first.

    The organization is locked: of simultaneous requests each counts those before it.

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
    """The columns of an invitation."""
    overdue = and_(Invitation.status == InvitationStatus.PENDING, Invitation.expires_at <= clock.now())
    status = case((overdue, InvitationStatus.EXPIRED.value), else_=Invitation.status).label("status")
    columns = (Invitation.id, Invitation.email, Invitation.role, status, Invitation.expires_at)
    return (*columns, Invitation.invited_by, Invitation.created_at)


def _enqueue(actor: Actor, organization: OrganizationRecord, invitation: Any, token: str) -> None:
    """Send the email.

    Raises:
        LimitReached: the address has been sent too many: no invitation without its email.
    """
    added = outbox.enqueue(
        invitation.email,
        "invitation",
        subject_id=invitation.id,
        organization=messages.without_links(organization.name),
        role=invitation.role,
        inviter=messages.name_and_address(actor.user),
        email=invitation.email,
        expires_at=invitation.expires_at,
        link=messages.link(current_app.settings, "invitation", token),
        token=token,
    )
    if not added:
        raise LimitReached(detail=outbox.TOO_MANY)
