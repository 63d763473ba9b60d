"""Checks: what proxies and other services ask before they let somebody do something."""

from __future__ import annotations

from typing import Any

from flask import Response

from authapp.core.actor import current_actor
from authapp.core.enums import ServiceRight
from authapp.decorators.checks import require_query_conditions
from authapp.decorators.service_keys import require_service_key
from authapp.schemas.checks import CheckQuery, Decision, Decisions, Evaluation, Evaluations
from authapp.services import checks
from authapp.web.authzen import AuthzenBlueprint
from authapp.web.blueprint import Blueprint, takes_any_query

HEADERS = {
    "X-Auth-Subject": "The id of the account, API key or trusted identity.",
    "X-Auth-Type": "`user`, `api_key` or `workload`.",
    "X-Auth-Session": "The session, or the sign-in of a workload. Not of an API key.",
    "X-Auth-Organization": "The organization that was asked for, or that of the API key or workload.",
    "X-Auth-Role": "The role there.",
}

bp = Blueprint("checks", __name__, url_prefix="/auth", description="What proxies ask before they let somebody through.")
authzen = AuthzenBlueprint("decisions", __name__, url_prefix="/access/v1", description="AuthZEN Authorization API 1.0.")


@bp.get("/check")
@require_query_conditions
@bp.doc(parameters=[{"in": "query", "schema": CheckQuery}])
@bp.response(204, headers={name: {"description": text, "schema": {"type": "string"}} for name, text in HEADERS.items()})
@takes_any_query
def check_access() -> Response:
    """Let the caller pass that meets the conditions of the query. Whatever is wrong is 401 or 403."""
    return Response(status=204, headers=checks.headers_of(current_actor))


@authzen.post("/evaluation")
@require_service_key(ServiceRight.DECIDE)
@authzen.arguments(Evaluation)
@authzen.response(200, Decision)
def evaluate(body: dict[str, Any]) -> dict[str, Any]:
    """Decide whether an account has a role or permission in an organization."""
    return checks.evaluate(body)


@authzen.post("/evaluations")
@require_service_key(ServiceRight.DECIDE)
@authzen.arguments(Evaluations)
@authzen.response(200, Decisions)
def evaluate_all(body: dict[str, Any]) -> dict[str, Any]:
    """Decide several of these questions at once."""
    return checks.evaluate_all(body)
