"""Revocations: what other services have to know that verify access tokens themselves."""

from __future__ import annotations

from typing import Any

from authapp.core.enums import ServiceRight
from authapp.decorators.service_keys import require_service_key
from authapp.schemas.revocations import RevocationPage, RevocationQuery
from authapp.services import revocations
from authapp.web.blueprint import Blueprint

bp = Blueprint("revocations", __name__, url_prefix="/auth", description="Access tokens that died before they expired.")


@bp.get("/revocations")
@require_service_key(ServiceRight.REVOCATIONS)
@bp.arguments(RevocationQuery, location="query")
@bp.response(200, RevocationPage)
def list_revocations(query: dict[str, Any]) -> dict[str, Any]:
    """List the sessions and accounts whose access tokens died before they expired, in the order of the commits."""
    return revocations.page(**query)
