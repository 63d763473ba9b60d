"""Pages of a list: keyset, newest or oldest first, never an offset."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from uuid import UUID

from marshmallow import Schema, ValidationError, fields

from authapp.schemas.fields import QueryInteger, Reply, Request

DEFAULT_LIMIT = 50
LARGEST_LIMIT = 100


class Cursor(fields.Field[UUID]):
    """Where the next page starts: the id of the last item of this one, opaque to the caller.

    Args:
        of: the name of the page schema. A cursor of another list is not accepted.
    """

    def __init__(self, of: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._mark = sha256(of.encode()).digest()[:4]

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else base64.urlsafe_b64encode(self._mark + value.bytes).rstrip(b"=").decode()

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> UUID:
        try:
            raw = base64.b64decode(f"{value}{'=' * (-len(value) % 4)}", altchars=b"-_", validate=True)
            if not raw.startswith(self._mark):
                raise ValueError
            return UUID(bytes=raw[len(self._mark) :])
        except (ValueError, binascii.Error):
            raise ValidationError("Not a cursor of this list. Leave it out to start from the first page.") from None


def page_of(item: type[Schema], name: str) -> type[Schema]:
    """The reply schema of a page of these items."""
    next_cursor = {"type": "string", "description": "Send it as `cursor`; null on the last page."}
    return Reply.from_dict(
        {
            "items": fields.List(fields.Nested(item), required=True),
            "next_cursor": Cursor(of=name, required=True, allow_none=True, metadata=next_cursor),
        },
        name=name,
    )


def query_of(page: type[Schema], **filters: fields.Field[Any]) -> type[Schema]:
    """The query schema of a list: which page, and what filters it has."""
    limit = {"description": "Items on this page."}
    cursor = {"type": "string", "description": "`next_cursor` of the page before."}
    return Request.from_dict(
        {
            "limit": QueryInteger(smallest=1, largest=LARGEST_LIMIT, load_default=DEFAULT_LIMIT, metadata=limit),
            "cursor": Cursor(of=page.__name__, load_default=None, metadata=cursor),
            **filters,
        },
        name=page.__name__.removesuffix("Page") + "Query",
    )
