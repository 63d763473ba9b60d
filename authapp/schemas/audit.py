"""What happened, as the API speaks of it."""

from __future__ import annotations

from marshmallow import fields

from authapp.core.actor import ActorType
from authapp.schemas.fields import Id, Moment, Reply, Text, Timestamp
from authapp.schemas.pages import PageQuery, page_of

LONGEST_ACTION = 64


class AuditEvent(Reply):
    """One thing that happened."""

    id = fields.UUID(required=True)
    action = fields.String(required=True, metadata={"examples": ["session.started"]})
    target_id = fields.UUID(
        required=True,
        allow_none=True,
        metadata={"description": "What it happened to: the kind of thing that the action's first word names."},
    )
    actor_type = fields.String(
        required=True,
        allow_none=True,
        metadata={"enum": [*ActorType, None], "description": "null: an operator, or somebody not signed in."},
    )
    actor_id = fields.UUID(required=True, allow_none=True, metadata={"description": "The account or API key."})
    user_id = fields.UUID(required=True, allow_none=True, metadata={"description": "The account that it concerns."})
    organization_id = fields.UUID(required=True, allow_none=True)
    session_id = fields.UUID(
        required=True, allow_none=True, metadata={"description": "The session in which it was done."}
    )
    details = fields.Dict(required=True)
    request_id = fields.String(required=True, allow_none=True)
    ip_address = fields.String(required=True, allow_none=True)
    user_agent = fields.String(required=True, allow_none=True)
    created_at = Timestamp(required=True)


AuditEventPage = page_of(AuditEvent, "AuditEventPage")


class AuditQuery(PageQuery):
    """Which events."""

    action = Text(longest=LONGEST_ACTION, metadata={"examples": ["member.role.changed"]})
    actor_id = Id(metadata={"description": "What this account or API key did."})
    since = Moment(metadata={"description": "At this moment or later."})
    until = Moment(metadata={"description": "Before this moment."})
