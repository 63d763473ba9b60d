"""Introspection: whether a token that another service was sent is accepted now."""

from __future__ import annotations

from typing import Any

from authapp.core.enums import ServiceRight
from authapp.decorators.service_keys import require_service_key
from authapp.schemas.introspection import Introspection, IntrospectionRequest
from authapp.services import introspection
from authapp.web.blueprint import Blueprint

bp = Blueprint("introspection", __name__, url_prefix="/auth", description="Tokens that another service was sent.")


@bp.post("/introspect")
@require_service_key(ServiceRight.INTROSPECT)
@bp.arguments(IntrospectionRequest, location="form")
@bp.response(200, Introspection)
def introspect_token(form: dict[str, Any]) -> dict[str, Any]:
    """Tell whether an access token or API key is accepted now, and whom it is for (RFC 7662)."""
    return introspection.introspect(**form)
