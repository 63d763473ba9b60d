"""What the service says of itself."""

from __future__ import annotations

from marshmallow import fields
from marshmallow.validate import OneOf

from authapp.schemas.fields import Reply


class Health(Reply):
    """That the process answers."""

    status = fields.String(required=True, metadata={"examples": ["ok"]})


class Readiness(Health):
    """That requests may come."""

    redis = fields.String(
        validate=OneOf(["up", "away"]),
        metadata={"description": "Where REDIS_URL is set. While it is away, each process counts for itself."},
    )


class Jwks(Reply):
    """A JWK set (RFC 7517 section 5)."""

    keys = fields.List(fields.Dict(), required=True)


class RelatedOrigins(Reply):
    """The origins that may use the passkeys of this service (WebAuthn section 5.11)."""

    origins = fields.List(fields.String(), required=True, metadata={"examples": [["https://app.example.com"]]})


class AuthorizationServerMetadata(Reply):
    """Where other services find what (RFC 8414 section 2). Endpoints that do not exist are absent."""

    issuer = fields.String(required=True)
    jwks_uri = fields.String(required=True)
    introspection_endpoint = fields.String()
    introspection_endpoint_auth_methods_supported = fields.List(fields.String())
    token_endpoint = fields.String()
    token_endpoint_auth_methods_supported = fields.List(fields.String())
    grant_types_supported = fields.List(fields.String())
    response_types_supported = fields.List(fields.String(), required=True, metadata={"description": "None."})
    subject_types_supported = fields.List(fields.String(), required=True)
    id_token_signing_alg_values_supported = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "How access tokens are signed. There are no ID tokens."},
    )
    service_documentation = fields.String(required=True)


class DecisionPointMetadata(Reply):
    """Where other services ask for decisions (AuthZEN Authorization API 1.0)."""

    policy_decision_point = fields.String(required=True)
    access_evaluation_endpoint = fields.String(required=True)
    access_evaluations_endpoint = fields.String(required=True)
