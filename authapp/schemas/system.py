"""What the service says of itself."""

from __future__ import annotations

from marshmallow import fields

from authapp.schemas.fields import Reply


class Health(Reply):
    """That the process answers."""

    status = fields.String(required=True, metadata={"examples": ["ok"]})


class Jwks(Reply):
    """A JWK set (RFC 7517 section 5)."""

    keys = fields.List(fields.Dict(), required=True)
