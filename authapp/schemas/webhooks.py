"""Webhooks and their deliveries, as they are sent and answered."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields
from marshmallow.validate import Length

from authapp.core import lengths
from authapp.core.enums import AuditAction, DeliveryStatus, DisabledReason
from authapp.schemas.fields import (
    Choice,
    Reply,
    Request,
    SingleLine,
    StrictBoolean,
    StrictInteger,
    Text,
    Timestamp,
)
from authapp.schemas.pagination import page_of, query_of

MOST_ACTIONS = 100
LONGEST_OVERLAP = 7 * 24 * 3600  # seconds
DEFAULT_OVERLAP = 24 * 3600
_OURS = {action.value for action in AuditAction}
_SUBJECTS = {action.partition(".")[0] for action in _OURS}
_NO_ACTION = "There is no such action. The page on the audit log has the list."
_URL = {"examples": ["https://example.com/hooks/authapp"]}
_ACTIONS = {"description": "The actions that are sent. null: all.", "examples": [["member.joined", "member.left"]]}
_DESCRIPTION = {"examples": ["directory sync"]}


class Action(Text):
    """An action of the audit log: one of authapp's, or one of another subject, which a product of yours records."""

    _FORM = re.compile(r"[a-z_]+(\.[a-z_]+)+", re.ASCII)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(longest=lengths.AUDIT_ACTION, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        subject = text.partition(".")[0]
        if not self._FORM.fullmatch(text) or (subject in _SUBJECTS and text not in _OURS):
            raise ValidationError(_NO_ACTION)
        return text


class _Actions(fields.List[str]):
    """Some actions, each of them once."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(Action(), allow_none=True, validate=Length(1, MOST_ACTIONS), metadata=_ACTIONS, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        try:
            found = super()._deserialize(value, attr, data, **kwargs)
        except ValidationError as error:  # of one field, like any other; by item it would be an object
            raise ValidationError(_NO_ACTION if isinstance(error.messages, dict) else error.messages) from None
        return list(dict.fromkeys(found))


class Webhook(Reply):
    """A webhook, without its secret."""

    id = fields.UUID(required=True)
    url = fields.String(required=True, metadata=_URL)
    actions = fields.List(fields.String(), required=True, allow_none=True, metadata=_ACTIONS)
    description = fields.String(required=True, allow_none=True, metadata=_DESCRIPTION)
    enabled = fields.Boolean(required=True)
    disabled_reason = Choice(DisabledReason, required=True, allow_none=True)
    failing_since = Timestamp(
        required=True,
        allow_none=True,
        metadata={"description": "When the first of the attempts has failed since none has succeeded."},
    )
    previous_secret_expires_at = Timestamp(
        required=True,
        allow_none=True,
        metadata={"description": "Until when messages are signed with the secret before the last rotation as well."},
    )
    created_at = Timestamp(required=True)


class IssuedWebhook(Webhook):
    """A webhook with its secret: this reply is the only place that ever shows it."""

    secret = fields.String(required=True, metadata={"examples": ["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDh6b9pQxTeXM="]})


WebhookPage = page_of(Webhook, "WebhookPage")
WebhookQuery = query_of(WebhookPage)


class NewWebhook(Request):
    """A webhook to add."""

    url = Text(longest=lengths.ADDRESS, required=True, metadata=_URL)
    actions = _Actions(required=True)
    description = SingleLine(
        longest=lengths.WEBHOOK_DESCRIPTION, load_default=None, allow_none=True, metadata=_DESCRIPTION
    )


class WebhookChange(Request):
    """What to change of a webhook. What is not sent stays as it is."""

    url = Text(longest=lengths.ADDRESS, metadata=_URL)
    actions = _Actions()
    description = SingleLine(longest=lengths.WEBHOOK_DESCRIPTION, allow_none=True, metadata=_DESCRIPTION)
    enabled = StrictBoolean(metadata={"description": "false: nothing is sent, and what waits is given up."})


class SecretRotation(Request):
    """How to rotate."""

    overlap_seconds = StrictInteger(
        smallest=0,
        largest=LONGEST_OVERLAP,
        load_default=DEFAULT_OVERLAP,
        metadata={
            "description": "How long the present secret signs as well; any older one does not. Default: a day.",
            "examples": [3600],
        },
    )


class WebhookDelivery(Reply):
    """An event that was sent to a webhook, or is to be sent."""

    id = fields.UUID(
        required=True, metadata={"description": "The header `webhook-id` of the message, the same at each attempt."}
    )
    event_id = fields.UUID(required=True)
    action = fields.String(required=True, metadata={"examples": ["member.joined"]})
    status = Choice(DeliveryStatus, required=True)
    attempts = fields.Integer(required=True)
    next_attempt_at = Timestamp(required=True, allow_none=True)
    last_status_code = fields.Integer(required=True, allow_none=True, metadata={"examples": [503]})
    last_error = fields.String(required=True, allow_none=True, metadata={"examples": ["no answer in time"]})
    created_at = Timestamp(required=True)
    delivered_at = Timestamp(required=True, allow_none=True)


WebhookDeliveryPage = page_of(WebhookDelivery, "WebhookDeliveryPage")
WebhookDeliveryQuery = query_of(WebhookDeliveryPage, status=Choice(DeliveryStatus))
