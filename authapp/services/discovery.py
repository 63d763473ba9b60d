"""What other services configure themselves with: where what is, and how it is signed."""

from __future__ import annotations

from typing import Any

from authapp.web.application import current_app
from authapp.web.openapi import API_PREFIX

_KEY_SET = "/.well-known/jwks.json"
_EVALUATION, _EVALUATIONS = "/access/v1/evaluation", "/access/v1/evaluations"


def authorization_server() -> dict[str, Any]:
    """The metadata of RFC 8414 and of OpenID Connect Discovery. There is no authorization endpoint."""
    settings = current_app.settings
    api = settings.public_url + API_PREFIX
    return {
        "issuer": settings.jwt_issuer,
        "jwks_uri": settings.public_url + _KEY_SET,
        "introspection_endpoint": f"{api}/auth/introspect",
        "introspection_endpoint_auth_methods_supported": ["client_secret_basic", "Bearer"],
        "token_endpoint": f"{api}/auth/token",
        "token_endpoint_auth_methods_supported": ["none"],  # the token that is exchanged is the credential
        "grant_types_supported": ["urn:ietf:params:oauth:grant-type:token-exchange"],
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
