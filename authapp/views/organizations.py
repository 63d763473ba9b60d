"""Organizations: list mine, create, read, change, delete, and the audit log of one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from authapp.core.actor import OrganizationRecord, current_actor
from authapp.core.errors import LimitReached
from authapp.core.roles import Role
from authapp.db.pagination import Page
from authapp.decorators.guards import require_active_user, require_organization_access, require_organization_role
from authapp.schemas.audit import AuditEventPage, AuditEventQuery, InclusionProof, InclusionProofQuery
from authapp.schemas.organizations import (
    NewOrganization,
    Organization,
    OrganizationChange,
    OrganizationPage,
    OrganizationQuery,
)
from authapp.services import audit, organizations
from authapp.services.audit_seals import inclusion
from authapp.services.audit_seals.inclusion import AuditEventNotFound, AuditEventNotSealed
from authapp.services.organizations import SlugTaken
from authapp.web.blueprint import Blueprint, raises

bp = Blueprint("organizations", __name__, url_prefix="/organizations", description="Tenants.")


@bp.get("")
@require_active_user(verified=True)
@bp.arguments(OrganizationQuery, location="query")
@bp.response(200, OrganizationPage)
def list_organizations(query: dict[str, Any]) -> Page:
    """List the organizations I belong to, oldest first, or look one up by its slug."""
    return organizations.of_user(current_actor.id, **query)


@bp.post("")
@require_active_user(verified=True)
@raises(LimitReached)
@bp.arguments(NewOrganization)
@bp.response(201, Organization)
def create_organization(body: dict[str, Any]) -> OrganizationRecord:
    """Create an organization and become its admin."""
    return organizations.create(current_actor, **body)


@bp.get("/<organization_id>")
@require_organization_access(autocommit=True)
@bp.response(200, Organization)
def get_organization(organization_id: UUID) -> OrganizationRecord:
    """Read an organization that I belong to."""
    return current_actor.here


@bp.patch("/<organization_id>")
@require_organization_role(Role.ADMIN)
@raises(SlugTaken)
@bp.arguments(OrganizationChange)
@bp.response(200, Organization)
def change_organization(body: dict[str, Any], organization_id: UUID) -> OrganizationRecord:
    """Change the name or the slug of an organization."""
    return organizations.change(current_actor, organization_id, body)


@bp.delete("/<organization_id>")
@require_organization_role(Role.ADMIN, recent=True)
@bp.response(204)
def delete_organization(organization_id: UUID) -> None:
    """Delete an organization. Memberships, invitations and API keys stop working at once."""
    organizations.delete(current_actor, organization_id)


@bp.get("/<organization_id>/audit-events")
@require_organization_role(Role.ADMIN)
@bp.arguments(AuditEventQuery, location="query")
@bp.response(200, AuditEventPage)
def list_organization_audit_events(query: dict[str, Any], organization_id: UUID) -> Page:
    """List what happened in an organization, newest first."""
    return audit.of_organization(organization_id, **query)


@bp.get("/<organization_id>/audit-events/<event_id>/proof")
@require_organization_role(Role.ADMIN)
@raises(AuditEventNotFound, AuditEventNotSealed)
@bp.arguments(InclusionProofQuery, location="query")
@bp.response(200, InclusionProof)
def get_inclusion_proof(query: dict[str, Any], organization_id: UUID, event_id: UUID) -> dict[str, Any]:
    """Read what shows, without trust in the operator, that an event is in the audit log as it was sealed."""
    return inclusion.of_event(organization_id, event_id, **query)
