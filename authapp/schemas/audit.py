"""What happened, as the API speaks of it."""

from __future__ import annotations

from marshmallow import Schema, fields

from authapp.schemas.fields import Timestamp
from authapp.schemas.pages import page_of


class AuditEvent(Schema):
    """One thing that happened."""

    id = fields.UUID(required=True)
    action = fields.String(required=True, metadata={"examples": ["session.started"]})
    actor_id = fields.UUID(required=True, allow_none=True, metadata={"description": "Who did it, if an account did."})
    organization_id = fields.UUID(required=True, allow_none=True)
    session_id = fields.UUID(required=True, allow_none=True)
    details = fields.Dict(required=True)
    request_id = fields.String(required=True, allow_none=True)
    ip_address = fields.String(required=True, allow_none=True)
    user_agent = fields.String(required=True, allow_none=True)
    created_at = Timestamp(required=True)


AuditEventPage = page_of(AuditEvent, "AuditEventPage")
