"""The feed of revocations, as it is asked for and answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields

from authapp.core.positions import Position
from authapp.schemas.fields import QueryInteger, Reply, Request, Timestamp
from authapp.schemas.pagination import DEFAULT_LIMIT, LARGEST_LIMIT


class FeedCursor(fields.Field[Position]):
    """Where to go on in the feed, opaque to the caller."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return value and value.encode()  # type: ignore[no-any-return]

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Position:
        try:
            return Position.decode(value)
        except ValueError:
            raise ValidationError("Not a cursor of this feed. Leave it out to start from the beginning.") from None


class RevocationQuery(Request):
    """Where to go on, and how much to get."""

    limit = QueryInteger(
        smallest=1,
        largest=LARGEST_LIMIT,
        load_default=DEFAULT_LIMIT,
        metadata={"description": "Items on this page."},
    )
    after = FeedCursor(
        load_default=None,
        metadata={"type": "string", "description": "`next_cursor` of the page before. Leave it out at first."},
    )


class Revocation(Reply):
    """Access tokens that are dead: those of the session `sid`, or those of the account `sub` issued until `at`."""

    sid = fields.UUID(metadata={"description": "A session. Absent where there is a `sub`."})
    sub = fields.UUID(metadata={"description": "An account. Its tokens with `iat` <= `at` are dead."})
    at = Timestamp(required=True, metadata={"description": "When they were revoked."})
    until = Timestamp(required=True, metadata={"description": "When the last of them has expired: then forget it."})


class RevocationPage(Reply):
    """A part of the feed. Fewer items than `limit`: this is its end, for now."""

    items = fields.List(fields.Nested(Revocation), required=True)
    next_cursor = FeedCursor(
        required=True,
        metadata={"type": "string", "description": "Send it as `after`. It is always there, also at the end."},
    )
