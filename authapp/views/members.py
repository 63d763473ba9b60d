"""Members: list them, change their roles, remove them, leave."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Row

from authapp.core.actor import current_actor
from authapp.core.roles import Role
from authapp.db.pagination import Page
from authapp.decorators.guards import (
    require_organization_access,
    require_organization_role,
    require_organization_role_or_self,
)
from authapp.schemas.members import Member, MemberPage, MemberQuery, RoleChange
from authapp.services import members
from authapp.services.admission import ReauthenticationRequired
from authapp.services.members import LastAdmin, MemberNotFound
from authapp.web.blueprint import Blueprint, raises

bp = Blueprint(
    "members", __name__, url_prefix="/organizations/<organization_id>/members", description="Who belongs to a tenant."
)


@bp.get("")
@require_organization_access
@bp.arguments(MemberQuery, location="query")
@bp.response(200, MemberPage)
def list_members(query: dict[str, Any], organization_id: UUID) -> Page:
    """List the members of an organization, oldest account first."""
    return members.of_organization(organization_id, **query)


@bp.patch("/<user_id>")
@require_organization_role(Role.ADMIN)
@raises(MemberNotFound, LastAdmin, ReauthenticationRequired)
@bp.arguments(RoleChange)
@bp.response(200, Member)
def change_member(body: dict[str, Any], organization_id: UUID, user_id: UUID) -> Row[*tuple[Any, ...]]:
    """Give a member another role, from the member's next request on."""
    return members.change_role(current_actor, organization_id, user_id, **body)


@bp.delete("/<user_id>")
@require_organization_role_or_self(Role.ADMIN)
@raises(MemberNotFound, LastAdmin)
@bp.response(204)
def remove_member(organization_id: UUID, user_id: UUID) -> None:
    """Remove a member, or leave."""
    members.remove(current_actor, organization_id, user_id)
