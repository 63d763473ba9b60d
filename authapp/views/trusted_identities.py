"""Trusted identities: list, create, delete; and the exchange of a job's token."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Row

from authapp.core.actor import current_actor
from authapp.core.errors import LimitReached
from authapp.core.roles import Role
from authapp.db.pagination import Page
from authapp.decorators.guards import public, require_organization_role
from authapp.schemas.trusted_identities import (
    NewTrustedIdentity,
    TokenExchange,
    TrustedIdentity,
    TrustedIdentityPage,
    TrustedIdentityQuery,
    WorkloadToken,
)
from authapp.services import trusted_identities, workloads
from authapp.services.trusted_identities import TrustedIdentityNotFound
from authapp.services.workloads import (
    InvalidSubjectToken,
    InvalidTarget,
    IssuerUnavailable,
    TokenRequestError,
    UnsupportedGrantType,
)
from authapp.web.blueprint import Blueprint, raises

bp = Blueprint("trusted_identities", __name__, description="Jobs of other systems, without stored secrets.")
OF_ORGANIZATION = "/organizations/<organization_id>/trusted-identities"


@bp.get(OF_ORGANIZATION)
@require_organization_role(Role.ADMIN)
@bp.arguments(TrustedIdentityQuery, location="query")
@bp.response(200, TrustedIdentityPage)
def list_trusted_identities(query: dict[str, Any], organization_id: UUID) -> Page:
    """List the trusted identities of an organization, newest first."""
    return trusted_identities.of_organization(organization_id, **query)


@bp.post(OF_ORGANIZATION)
@require_organization_role(Role.ADMIN, recent=True)
@raises(LimitReached)
@bp.arguments(NewTrustedIdentity)
@bp.response(201, TrustedIdentity)
def create_trusted_identity(body: dict[str, Any], organization_id: UUID) -> Row[*tuple[Any, ...]]:
    """Accept the tokens of an issuer in which all of these claims are equal."""
    return trusted_identities.create(current_actor, organization_id, **body)


@bp.delete(f"{OF_ORGANIZATION}/<trusted_identity_id>")
@require_organization_role(Role.ADMIN, recent=True)
@raises(TrustedIdentityNotFound)
@bp.response(204)
def delete_trusted_identity(organization_id: UUID, trusted_identity_id: UUID) -> None:
    """Delete a trusted identity. The tokens of its jobs are dead once this has answered."""
    trusted_identities.remove(current_actor, organization_id, trusted_identity_id)


@bp.post("/auth/token")
@public
@raises(TokenRequestError, UnsupportedGrantType, InvalidTarget, InvalidSubjectToken, IssuerUnavailable)
@bp.arguments(TokenExchange, location="form")
@bp.response(200, WorkloadToken)
def exchange_token(form: dict[str, str]) -> dict[str, Any]:
    """Exchange the OIDC token of a job for an access token of 15 minutes at most (RFC 8693)."""
    return workloads.exchange(form)
