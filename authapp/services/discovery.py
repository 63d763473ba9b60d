"""What other services configure themselves with: where what is, and how it is signed."""

from __future__ import annotations

from typing import Any

from authapp.web.application import current_app
from authapp.web.openapi import API_PREFIX

_KEY_SET = "/.well-known/jwks.json"
_EVALUATION, _EVALUATIONS = "/access/v1/evaluation", "/access/v1/evaluations"
_OF_ENDPOINTS: dict[str, tuple[str, dict[str, list[str]]]] = {
    "introspection_endpoint": (
        f"{API_PREFIX}/auth/introspect",
        {"introspection_endpoint_auth_methods_supported": ["client_secret_basic", "Bearer"]},
    ),
    "token_endpoint": (
        f"{API_PREFIX}/auth/token",
        {
            "token_endpoint_auth_methods_supported": ["none"],  # the token that is exchanged is the credential
            "grant_types_supported": ["urn:ietf:params:oauth:grant-type:token-exchange"],
        },
    ),
}
"""The endpoints of RFC 8414, each with its path and what else is told of it, where the application has the route."""


def authorization_server() -> dict[str, Any]:
    """The metadata of RFC 8414 and of OpenID Connect Discovery. There is no authorization endpoint."""
    settings = current_app.settings
    served = {rule.rule for rule in current_app.url_map.iter_rules()}
    found: dict[str, Any] = {"issuer": settings.jwt_issuer, "jwks_uri": settings.public_url + _KEY_SET}
    for name, (path, others) in _OF_ENDPOINTS.items():
        if path in served:
            found |= {name: settings.public_url + path, **others}
    return {
        **found,
        "response_types_supported": [],  # required (RFC 8414 section 2), also where there is none
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [settings.algorithm],  # of access tokens: there are no ID tokens
        "service_documentation": f"{settings.public_url}/docs",
    }


def policy_decision_point() -> dict[str, str]:
    """The metadata of AuthZEN 1.0 section 9."""
    address = current_app.settings.public_url
    return {
        "policy_decision_point": address,
        "access_evaluation_endpoint": address + _EVALUATION,
        "access_evaluations_endpoint": address + _EVALUATIONS,
    }
