"""What happened, as they are sent and answered."""

from __future__ import annotations

from marshmallow import fields

from authapp.core.enums import ActorType
from authapp.schemas.fields import ActionChoice, Choice, Id, QueryInteger, Reply, Request, StrictTimestamp, Timestamp
from authapp.schemas.pagination import page_of, query_of


class AuditEvent(Reply):
    """One thing that happened."""

    id = fields.UUID(required=True)
    action = ActionChoice(required=True, metadata={"examples": ["session.started"]})
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
    actor_id = fields.UUID(
        required=True,
        allow_none=True,
        metadata={"description": "The account, API key or trusted identity."},
    )
    user_id = fields.UUID(required=True, allow_none=True, metadata={"description": "The account that it concerns."})
    organization_id = fields.UUID(required=True, allow_none=True)
    session_id = fields.UUID(
        required=True,
        allow_none=True,
        metadata={"description": "The session, or sign-in of a workload."},
    )
    details = fields.Dict(required=True)
    request_id = fields.String(required=True, allow_none=True)
    ip_address = fields.String(required=True, allow_none=True)
    user_agent = fields.String(required=True, allow_none=True)
    created_at = Timestamp(required=True)


AuditEventPage = page_of(AuditEvent, "AuditEventPage")
AuditEventQuery = query_of(
    AuditEventPage,
    action=ActionChoice(metadata={"examples": ["member.role.changed"]}),
    actor_id=Id(metadata={"description": "What this account or API key did."}),
    since=StrictTimestamp(metadata={"description": "At this moment or later."}),
    until=StrictTimestamp(metadata={"description": "Before this moment."}),
)
MyAuditEventPage = page_of(AuditEvent, "MyAuditEventPage")
MyAuditEventQuery = query_of(MyAuditEventPage)


class InclusionProof(Reply):
    """What leads from an event to the signed checkpoint of its organization's log (RFC 6962). Hashes are in hex."""

    fields_ = fields.Dict(
        required=True,
        data_key="fields",
        attribute="fields",
        metadata={"description": "The event without what may tell of a person, as it is in the leaf."},
    )
    personal = fields.Dict(
        required=True, allow_none=True, metadata={"description": "Address, user agent and details. null: erased."}
    )
    salt = fields.String(required=True, allow_none=True, metadata={"description": "null: erased."})
    personal_hash = fields.String(required=True, metadata={"description": "SHA-256(salt ‖ personal)"})
    leaf_hash = fields.String(required=True, metadata={"description": "SHA-256(0x00 ‖ fields ‖ personal_hash)"})
    position = fields.Integer(required=True, metadata={"description": "Of the leaf in the tree, from 0."})
    size = fields.Integer(required=True, metadata={"description": "How many events the checkpoint is of."})
    inclusion_path = fields.List(
        fields.String(), required=True, metadata={"description": "RFC 6962 section 2.1.1, the nearest node first."}
    )
    consistency_path = fields.List(
        fields.String(),
        required=True,
        allow_none=True,
        metadata={
            "description": "From `from_size` to `size`, RFC 6962 section 2.1.2. null without `from_size`, and where "
            "there are fewer events than that."
        },
    )
    checkpoint = fields.String(required=True, metadata={"description": "A C2SP tlog-checkpoint, signed with Ed25519."})
    verifier_key = fields.String(
        required=True, metadata={"description": "The public key, to keep: `name+key id+key` (C2SP signed-note)."}
    )


class InclusionProofQuery(Request):
    """What to add."""

    from_size = QueryInteger(
        smallest=1,
        largest=999_999_999,
        metadata={"description": "Of an earlier checkpoint: adds what shows that the log has only grown since."},
    )
