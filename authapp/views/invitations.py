"""Invitations: create, send again, revoke; and for whoever has the token: preview, accept, decline."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from authapp.core.actor import OrganizationRecord, current_actor
from authapp.core.errors import LimitReached, OrganizationSuspended
from authapp.core.roles import Role
from authapp.db.pagination import Page
from authapp.decorators.guards import public, require_active_user, require_organization_role
from authapp.schemas.invitations import (
    Invitation,
    InvitationPage,
    InvitationPreview,
    InvitationQuery,
    InvitationToken,
    NewInvitation,
)
from authapp.schemas.organizations import Organization
from authapp.services import invitation_acceptance, invitations
from authapp.services.invitation_acceptance import InvalidInvitation, NotYourInvitation, PendingInvitation
from authapp.services.invitations import InvitationNotFound, InvitationPending
from authapp.services.members import AlreadyMember, SeatsExhausted
from authapp.web.blueprint import Blueprint, raises

bp = Blueprint("invitations", __name__, description="Emails with which somebody joins an organization.")
OF_ORGANIZATION = "/organizations/<organization_id>/invitations"


@bp.get(OF_ORGANIZATION)
@require_organization_role(Role.ADMIN)
@bp.arguments(InvitationQuery, location="query")
@bp.response(200, InvitationPage)
def list_invitations(query: dict[str, Any], organization_id: UUID) -> Page:
    """List the invitations of an organization, newest first."""
    return invitations.of_organization(organization_id, **query)


@bp.post(OF_ORGANIZATION)
@require_organization_role(Role.ADMIN)
@raises(AlreadyMember, InvitationPending, LimitReached)
@bp.arguments(NewInvitation)
@bp.response(201, Invitation)
def create_invitation(body: dict[str, Any], organization_id: UUID) -> Any:
    """Invite an address by email. The email has the token, this reply does not."""
    return invitations.create(current_actor, organization_id, **body)


@bp.delete(f"{OF_ORGANIZATION}/<invitation_id>")
@require_organization_role(Role.ADMIN)
@raises(InvitationNotFound)
@bp.response(204)
def revoke_invitation(organization_id: UUID, invitation_id: UUID) -> None:
    """Revoke a pending invitation."""
    invitations.revoke(current_actor, organization_id, invitation_id)


@bp.post(f"{OF_ORGANIZATION}/<invitation_id>/resend")
@require_organization_role(Role.ADMIN)
@raises(InvitationNotFound, InvitationPending, LimitReached)
@bp.response(202, Invitation)
def resend_invitation(organization_id: UUID, invitation_id: UUID) -> Any:
    """Send an invitation again that is pending or has expired. The earlier token is dead."""
    return invitations.resend(current_actor, organization_id, invitation_id)


@bp.post("/invitations/preview")
@public
@raises(InvalidInvitation, OrganizationSuspended)
@bp.arguments(InvitationToken)
@bp.response(200, InvitationPreview)
def preview_invitation(body: dict[str, Any]) -> PendingInvitation:
    """Read what an invitation is for."""
    return invitation_acceptance.find_by_token(**body)


@bp.post("/invitations/accept")
@require_active_user
@raises(InvalidInvitation, OrganizationSuspended, NotYourInvitation, AlreadyMember, SeatsExhausted)
@bp.arguments(InvitationToken)
@bp.response(200, Organization)
def accept_invitation(body: dict[str, Any]) -> OrganizationRecord:
    """Join the organization that invited my address. This verifies the address as well."""
    return invitation_acceptance.accept(current_actor, **body)


@bp.post("/invitations/decline")
@public
@raises(InvalidInvitation, OrganizationSuspended)
@bp.arguments(InvitationToken)
@bp.response(204)
def decline_invitation(body: dict[str, Any]) -> None:
    """Decline an invitation."""
    invitation_acceptance.decline(**body)
