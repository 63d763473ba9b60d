"""What happened, as they are sent and answered."""

from __future__ import annotations

from marshmallow import fields

from authapp.core.enums import ActorType, AuditAction
from authapp.schemas.fields import Choice, Id, Reply, StrictTimestamp, Timestamp
from authapp.schemas.pagination import page_of, query_of


class AuditEvent(Reply):
    """One thing that happened."""

    id = fields.UUID(required=True)
    action = Choice(AuditAction, required=True, metadata={"examples": ["session.started"]})
    target_id = fields.UUID(
        required=True,
        allow_none=True,
        metadata={"description": "What it happened to: the kind of thing that the action's first word names."},
    )
    actor_type = Choice(
        ActorType,
        required=True,
        allow_none=True,
        metadata={"description": "null: an operator, or somebody not signed in."},
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
AuditEventQuery = query_of(
    AuditEventPage,
    action=Choice(AuditAction, metadata={"examples": ["member.role.changed"]}),
    actor_id=Id(metadata={"description": "What this account or API key did."}),
    since=StrictTimestamp(metadata={"description": "At this moment or later."}),
    until=StrictTimestamp(metadata={"description": "Before this moment."}),
)
MyAuditEventPage = page_of(AuditEvent, "MyAuditEventPage")
MyAuditEventQuery = query_of(MyAuditEventPage)
