"""Introspection (RFC 7662), as it is asked for and answered."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, post_dump
from marshmallow.validate import Length, OneOf

from authapp.core.enums import ActorType
from authapp.schemas.fields import Choice, Id, Reply, Request
from authapp.schemas.permissions import PermissionName, RoleChoice


class IntrospectionRequest(Request):
    """A token to look up, as somebody has sent it. Whatever is no token of ours is not active."""

    token = fields.String(
        required=True, validate=Length(min=1), metadata={"description": "An access token or API key."}
    )
    token_type_hint = fields.String(metadata={"description": "Ignored, as RFC 7662 section 2.1 lets a server."})
    organization_id = Id(metadata={"description": "Answer with the role in this organization."})


class Introspection(Reply):
    """Whether a token is accepted now, and whom it is for (RFC 7662 section 2.2). Not active: `active` alone."""

    active = fields.Boolean(required=True)
    token_type = fields.String(validate=OneOf(["Bearer"]))
    actor_type = Choice(ActorType)
    sub = fields.UUID(metadata={"description": "The account, the API key, or the trusted identity of a workload."})
    sid = fields.UUID(metadata={"description": "The session, or the sign-in of a workload. Not of an API key."})
    iss = fields.String()
    aud = fields.String()
    iat = fields.Integer(metadata={"description": "Seconds since 1970. Not of an API key."})
    exp = fields.Integer(metadata={"description": "Seconds since 1970. Not of an API key."})
    auth_time = fields.Integer(metadata={"description": "When the session has last authenticated."})
    amr = fields.List(fields.String(), metadata={"description": "How it did so, as RFC 8176 names it."})
    role = RoleChoice(
        allow_none=True, metadata={"description": "With `organization_id` only. null: none in this organization."}
    )
    permissions = fields.List(
        PermissionName(),
        metadata={"description": "With `organization_id` only: those held there, by role or by grant, sorted."},
    )

    @post_dump(pass_original=True)
    def add_own_claims(self, shown: dict[str, Any], found: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Add what the application itself has put into the token."""
        return {**found.get("own_claims", {}), **shown}
