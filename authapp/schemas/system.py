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
