"""Checks: what proxies and other services ask before they let somebody do something."""

from __future__ import annotations

from flask import Response

from authapp.core.actor import current_actor
from authapp.decorators.checks import require_query_conditions
from authapp.schemas.checks import CheckQuery
from authapp.services import checks
from authapp.web.blueprint import Blueprint, takes_any_query

HEADERS = {
    "X-Auth-Subject": "The id of the account or API key.",
    "X-Auth-Type": "`user` or `api_key`.",
    "X-Auth-Session": "The session. Not of an API key.",
    "X-Auth-Organization": "The organization that was asked for, or that of the API key.",
    "X-Auth-Role": "The role there.",
}

bp = Blueprint("checks", __name__, url_prefix="/auth", description="What proxies ask before they let somebody through.")


@bp.get("/check")
@require_query_conditions
@bp.doc(parameters=[{"in": "query", "schema": CheckQuery}])
@bp.response(204, headers={name: {"description": text, "schema": {"type": "string"}} for name, text in HEADERS.items()})
@takes_any_query
def check_access() -> Response:
    """Let the caller pass that meets the conditions of the query. Whatever is wrong is 401 or 403."""
    return Response(status=204, headers=checks.headers_of(current_actor))
