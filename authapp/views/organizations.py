"""Organizations: found one, list mine, read one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from authapp.core.actor import OrganizationRecord, current_actor
from authapp.core.openapi import Blueprint
from authapp.decorators.access import require_active_user, require_organization_access
from authapp.schemas.organizations import NewOrganization, Organization, OrganizationPage
from authapp.schemas.pages import PageQuery
from authapp.services import organizations
from authapp.services.pages import Page

bp = Blueprint("organizations", __name__, url_prefix="/organizations", description="Tenants.")


@bp.get("")
@require_active_user
@bp.arguments(PageQuery, location="query")
@bp.response(200, OrganizationPage)
def list_organizations(query: dict[str, Any]) -> Page:
    """List the organizations I belong to, oldest first."""
    return organizations.of_user(current_actor.user.id, **query)


@bp.post("")
@require_active_user
@bp.arguments(NewOrganization)
@bp.response(201, Organization)
def create_organization(body: dict[str, Any]) -> OrganizationRecord:
    """Found an organization and become its admin."""
    return organizations.create(body["name"], current_actor.user.id)


@bp.get("/<organization_id>")
@require_organization_access
@bp.response(200, Organization)
def get_organization(organization_id: UUID) -> OrganizationRecord | None:
    """Read an organization that I belong to."""
    return current_actor.organization
