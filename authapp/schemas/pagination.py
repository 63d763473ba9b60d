"""Pages of a list: keyset, newest or oldest first, never an offset."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from marshmallow import Schema, ValidationError, fields

from authapp.schemas.fields import QueryInteger, Reply, Request

DEFAULT_LIMIT = 50
LARGEST_LIMIT = 100


class Cursor(fields.Field[UUID]):
    """Where the next page starts: the id of the last item of this one, opaque to the caller."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else base64.urlsafe_b64encode(value.bytes).rstrip(b"=").decode()

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> UUID:
        try:
            return UUID(bytes=base64.b64decode(f"{value}==", altchars=b"-_", validate=True))
        except (ValueError, binascii.Error):
            raise ValidationError("Not a cursor of this list. Leave it out to start from the first page.") from None


class PageQuery(Request):
    """Which page of a list."""

    limit = QueryInteger(
        smallest=1, largest=LARGEST_LIMIT, load_default=DEFAULT_LIMIT, metadata={"description": "Items on this page."}
    )
    cursor = Cursor(load_default=None, metadata={"type": "string", "description": "`next_cursor` of the page before."})


def page_of(item: type[Schema], name: str) -> type[Schema]:
    """The reply schema of a page of these items."""
    return Reply.from_dict(
        {
            "items": fields.List(fields.Nested(item), required=True),
            "next_cursor": Cursor(
                required=True,
                allow_none=True,
                metadata={"type": "string", "description": "Send it as `cursor`; null on the last page."},
            ),
        },
        name=name,
    )
