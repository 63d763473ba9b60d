"""What the service says of itself."""

from __future__ import annotations

from marshmallow import Schema, fields


class Health(Schema):
    """That the process answers."""

    status = fields.String(required=True, metadata={"examples": ["ok"]})


class Jwks(Schema):
    """A JWK set (RFC 7517 section 5)."""

    keys = fields.List(fields.Dict(), required=True)
