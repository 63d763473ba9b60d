"""System: whether the service lives and is ready, and the keys that other services verify with."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from authapp.core.enums import ServiceRight
from authapp.core.errors import NotFound
from authapp.db import readiness
from authapp.decorators.guards import public
from authapp.decorators.rate_limits import redis_status
from authapp.decorators.service_keys import require_service_key
from authapp.schemas.system import (
    AuthorizationServerMetadata,
    DecisionPointMetadata,
    Health,
    Jwks,
    Readiness,
    RelatedOrigins,
)
from authapp.security.keys import JWKS_MAX_AGE_SECONDS
from authapp.services import discovery, monitoring
from authapp.web.application import current_app
from authapp.web.blueprint import Blueprint, raises

bp = Blueprint("system", __name__, description="What operators and other services ask.", ignore_unknown_query=True)


@bp.get("/healthz")
@public
@bp.response(200, Health)
def healthz() -> dict[str, Any]:
    """Say that the process lives. Touches nothing."""
    return {"status": "ok"}


@bp.get("/readyz")
@public
@bp.response(200, Readiness)
def readyz() -> dict[str, Any]:
    """Say that the database answers, has every migration and keys that can be read, and whether Redis answers."""
    readiness.check()
    current_app.keys.require()
    return {"status": "ready", **redis_status()}


@bp.get("/metrics")
@require_service_key(ServiceRight.METRICS, or_metrics_token=True)
@bp.response(200, {"type": "string"}, content_type=CONTENT_TYPE_PLAIN_0_0_4)
def metrics() -> Response:
    """Give the metrics in the text format of Prometheus."""
    return Response(monitoring.exposition(), content_type=CONTENT_TYPE_PLAIN_0_0_4)


@bp.get("/.well-known/jwks.json")
@public
@bp.response(200, Jwks)
def jwks() -> Response:
    """Give the public keys that verify access tokens. Empty while ALGORITHM is HS256."""
    return _cached(current_app.tokens.ring.public_set())


@bp.get("/.well-known/oauth-authorization-server")
@public
@bp.response(200, AuthorizationServerMetadata)
def authorization_server_metadata() -> Response:
    """Tell other services where the keys and the endpoints are (RFC 8414)."""
    return _cached(discovery.authorization_server())


@bp.get("/.well-known/openid-configuration")
@public
@bp.response(200, AuthorizationServerMetadata)
def openid_configuration() -> Response:
    """Tell the same at the address of OpenID Connect, which many gateways read."""
    return _cached(discovery.authorization_server())


@bp.get("/.well-known/authzen-configuration")
@public
@bp.response(200, DecisionPointMetadata)
def decision_point_metadata() -> Response:
    """Tell other services where to ask for decisions (AuthZEN)."""
    return _cached(discovery.policy_decision_point())


@bp.get("/.well-known/webauthn")
@public
@raises(NotFound)
@bp.response(200, RelatedOrigins)
def related_origins() -> dict[str, Any]:
    """Tell browsers which origins may use the passkeys of this service, where there are several."""
    origins = current_app.passkeys.origins
    if len(origins) < 2:
        raise NotFound("one origin")
    return {"origins": origins}


def _cached(document: dict[str, Any]) -> Response:
    """A response that other services may keep for some minutes."""
    response = jsonify(document)
    response.headers["Cache-Control"] = f"public, max-age={JWKS_MAX_AGE_SECONDS}"
    return response
