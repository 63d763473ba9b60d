"""Linked providers, as they are answered."""

from __future__ import annotations

from marshmallow import fields

from authapp.schemas.fields import Reply, Timestamp


class Identity(Reply):
    """An account at a provider that signs me in."""

    id = fields.UUID(required=True)
    provider = fields.String(required=True, metadata={"examples": ["github"]})
    email = fields.String(
        required=True, allow_none=True, metadata={"description": "What the provider told last.", "examples": [None]}
    )
    created_at = Timestamp(required=True)
    last_used_at = Timestamp(required=True, allow_none=True)


class Identities(Reply):
    """My linked providers, at most 20."""

    items = fields.List(fields.Nested(Identity), required=True)


class LinkStart(Reply):
    """Where to send the browser."""

    authorize_url = fields.String(
        required=True,
        metadata={"description": "At the provider, for the browser that has asked. Valid for 10 minutes."},
    )
