"""API keys, as they are sent and answered."""

from __future__ import annotations

from marshmallow import fields

from authapp.core import lengths
from authapp.core.roles import Role
from authapp.schemas.fields import Reply, Request, SingleLine, StrictInteger, StrictTimestamp, Timestamp
from authapp.schemas.pagination import page_of, query_of
from authapp.schemas.permissions import Grants, HeldPermissions, RoleChoice

LONGEST_OVERLAP = 7 * 24 * 3600  # seconds


class ApiKey(Reply):
    """An API key, without its secret."""

    id = fields.UUID(required=True)
    name = fields.String(required=True, metadata={"examples": ["training pipeline"]})
    role = RoleChoice(highest=Role.DEVELOPER, required=True)
    permissions = HeldPermissions(metadata={"description": "All that the key holds, by its role or by grant."})
    created_by = fields.UUID(required=True)
    created_at = Timestamp(required=True)
    expires_at = Timestamp(required=True, allow_none=True)
    last_used_at = Timestamp(required=True, allow_none=True, metadata={"description": "To the minute."})
    previous_secret_expires_at = Timestamp(
        required=True,
        allow_none=True,
        metadata={"description": "Until when the secret before the last rotation lives."},
    )


class IssuedApiKey(ApiKey):
    """An API key with its secret: this reply is the only place that ever shows it."""

    key = fields.String(required=True, metadata={"examples": ["ak_019aab1c7d3e7a409a552f2f6c1d9b10_…"]})


ApiKeyPage = page_of(ApiKey, "ApiKeyPage")
ApiKeyQuery = query_of(ApiKeyPage)


class NewApiKey(Request):
    """A key to issue."""

    name = SingleLine(longest=lengths.API_KEY_NAME, required=True, metadata={"examples": ["training pipeline"]})
    role = RoleChoice(highest=Role.DEVELOPER, required=True, metadata={"examples": ["viewer"]})
    permissions = Grants(
        load_default=list, metadata={"description": "To grant beside those of the role.", "examples": [[]]}
    )
    expires_at = StrictTimestamp(load_default=None, allow_none=True, metadata={"description": "null: never."})


class ApiKeyChange(Request):
    """What to call a key from now on."""

    name = SingleLine(longest=lengths.API_KEY_NAME, required=True, metadata={"examples": ["nightly training"]})


class Rotation(Request):
    """How to rotate."""

    overlap_seconds = StrictInteger(
        smallest=0,
        largest=LONGEST_OVERLAP,
        load_default=0,
        metadata={
            "description": "How long the present secret lives on; any older one is dead. Default: 0.",
            "examples": [3600],
        },
    )
