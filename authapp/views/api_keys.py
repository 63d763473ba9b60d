"""API keys: list, create, rename, rotate, revoke."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from authapp.core.actor import current_actor
from authapp.core.errors import LimitReached
from authapp.core.roles import Role
from authapp.db.pagination import Page
from authapp.decorators.guards import require_organization_role
from authapp.schemas.api_keys import ApiKey, ApiKeyChange, ApiKeyPage, ApiKeyQuery, IssuedApiKey, NewApiKey, Rotation
from authapp.services import api_keys
from authapp.services.api_keys import ApiKeyNotFound
from authapp.web.blueprint import Blueprint, raises

bp = Blueprint(
    "api_keys",
    __name__,
    url_prefix="/organizations/<organization_id>/api-keys",
    description="Tenants' own credentials.",
)


@bp.get("")
@require_organization_role(Role.ADMIN)
@bp.arguments(ApiKeyQuery, location="query")
@bp.response(200, ApiKeyPage)
def list_api_keys(query: dict[str, Any], organization_id: UUID) -> Page:
    """List the API keys of an organization that are not revoked, newest first."""
    return api_keys.of_organization(organization_id, **query)


@bp.post("")
@require_organization_role(Role.ADMIN, recent=True)
@raises(LimitReached)
@bp.arguments(NewApiKey)
@bp.response(201, IssuedApiKey)
def create_api_key(body: dict[str, Any], organization_id: UUID) -> dict[str, Any]:
    """Create an API key. This reply is the only place that shows it."""
    return api_keys.create(current_actor, organization_id, **body)


@bp.patch("/<api_key_id>")
@require_organization_role(Role.ADMIN)
@raises(ApiKeyNotFound)
@bp.arguments(ApiKeyChange)
@bp.response(200, ApiKey)
def rename_api_key(body: dict[str, Any], organization_id: UUID, api_key_id: UUID) -> Row[*tuple[Any, ...]]:
    """Give an API key another name."""
    return api_keys.rename(current_actor, organization_id, api_key_id, body["name"])


@bp.post("/<api_key_id>/rotate")
@require_organization_role(Role.ADMIN, recent=True)
@raises(ApiKeyNotFound)
@bp.arguments(Rotation)
@bp.response(201, IssuedApiKey)
def rotate_api_key(body: dict[str, Any], organization_id: UUID, api_key_id: UUID) -> dict[str, Any]:
    """Give an API key a new secret. The one before stays valid for the overlap."""
    overlap = timedelta(seconds=body["overlap_seconds"])
    return api_keys.rotate(current_actor, organization_id, api_key_id, overlap)


@bp.delete("/<api_key_id>")
@require_organization_role(Role.ADMIN)
@raises(ApiKeyNotFound)
@bp.response(204)
def revoke_api_key(organization_id: UUID, api_key_id: UUID) -> None:
    """Revoke an API key. It is dead once this has answered."""
    api_keys.revoke(current_actor, organization_id, api_key_id)
