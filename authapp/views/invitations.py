"""Invitations: invite, withdraw, send again; and for who holds the token: look, accept, decline."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from authapp.core.actor import OrganizationRecord, Role, current_actor
from authapp.core.errors import (
    AlreadyMember,
    InvalidInvitation,
    InvitationNotFound,
    InvitationPending,
    LimitReached,
    NotYourInvitation,
    SeatsExhausted,
)
from authapp.core.openapi import Blueprint, refuses
from authapp.decorators.access import public, require_active_user, require_organization_role
from authapp.schemas.invitations import Invitation, InvitationPage, InvitationPreview, InvitationToken, NewInvitation
from authapp.schemas.organizations import Organization
from authapp.schemas.pages import PageQuery
from authapp.services import invitations, invited
from authapp.services.invited import Opened
from authapp.services.pages import Page

bp = Blueprint("invitations", __name__, description="Letters that let somebody in.")
OURS = "/organizations/<organization_id>/invitations"


@bp.get(OURS)
@require_organization_role(Role.ADMIN)
@bp.arguments(PageQuery, location="query")
@bp.response(200, InvitationPage)
def list_invitations(query: dict[str, Any], organization_id: UUID) -> Page:
    """List the invitations of an organization, newest first."""
    return invitations.of_organization(organization_id, **query)


@bp.post(OURS)
@require_organization_role(Role.ADMIN)
@refuses(AlreadyMember, InvitationPending, LimitReached)
@bp.arguments(NewInvitation)
@bp.response(201, Invitation)
def create_invitation(body: dict[str, Any], organization_id: UUID) -> Any:
    """Invite an address by mail. The letter holds the token, this reply does not."""
    return invitations.create(current_actor, **body)


@bp.delete(f"{OURS}/<invitation_id>")
@require_organization_role(Role.ADMIN)
@refuses(InvitationNotFound)
@bp.response(204)
def revoke_invitation(organization_id: UUID, invitation_id: UUID) -> None:
    """Withdraw a pending invitation."""
    invitations.revoke(current_actor, invitation_id)


@bp.post(f"{OURS}/<invitation_id>/resend")
@require_organization_role(Role.ADMIN)
@refuses(InvitationNotFound, InvitationPending, LimitReached)
@bp.response(202, Invitation)
def resend_invitation(organization_id: UUID, invitation_id: UUID) -> Any:
    """Send an invitation again that is pending or has expired. The token of the earlier letter is dead."""
    return invitations.resend(current_actor, invitation_id)


@bp.post("/invitations/preview")
@public
@refuses(InvalidInvitation)
@bp.arguments(InvitationToken)
@bp.response(200, InvitationPreview)
def preview_invitation(body: dict[str, Any]) -> Opened:
    """Read what an invitation offers."""
    return invited.opened(**body)


@bp.post("/invitations/accept")
@require_active_user
@refuses(InvalidInvitation, NotYourInvitation, AlreadyMember, SeatsExhausted)
@bp.arguments(InvitationToken)
@bp.response(200, Organization)
def accept_invitation(body: dict[str, Any]) -> OrganizationRecord:
    """Join the organization that invited my address. This verifies the address as well."""
    return invited.accept(current_actor, **body)


@bp.post("/invitations/decline")
@public
@refuses(InvalidInvitation)
@bp.arguments(InvitationToken)
@bp.response(204)
def decline_invitation(body: dict[str, Any]) -> None:
    """Turn an invitation down."""
    invited.decline(**body)
