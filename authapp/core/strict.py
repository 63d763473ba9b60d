"""Strict reading of bodies and queries, before any schema sees them."""

from __future__ import annotations

import json
from typing import Any, NoReturn, cast

import marshmallow as ma
from flask import Request
from webargs.flaskparser import FlaskParser

from authapp.core.errors import InvalidJson, UnsupportedMediaType, ValidationFailed

DEEPEST_NESTING = 20


class StrictParser(FlaskParser):
    """webargs' parser for Flask. Unknown fields are the schema's to refuse, in queries too."""

    DEFAULT_UNKNOWN_BY_LOCATION = dict.fromkeys(FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION)

    def load_json(self, req: Request, schema: ma.Schema) -> Any:
        raw = req.get_data(cache=True)
        if not raw and not req.mimetype and not any(field.required for field in schema.fields.values()):
            return {}  # a call whose every field is optional needs no body
        if req.mimetype != "application/json":
            raise UnsupportedMediaType(req.mimetype or "no content type")
        return parse_json(raw)

    def load_querystring(self, req: Request, schema: ma.Schema) -> Any:
        repeated = [name for name, values in req.args.lists() if len(values) > 1]
        if repeated:
            raise ValidationFailed(errors={"query": {name: ["Send this once."] for name in repeated}})
        return req.args.to_dict()

    def handle_error(self, error: ma.ValidationError, *args: Any, **kwargs: Any) -> NoReturn:
        raise ValidationFailed(errors=cast("dict[str, Any]", error.messages))


def parse_json(raw: bytes) -> Any:
    """JSON as RFC 8259 would have it: UTF-8, no NaN, no name twice in an object; and not nested without end.

    Raises:
        InvalidJson: with the reason.
    """
    try:
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidJson(type(error).__name__) from None
    if raw.count(b"{") + raw.count(b"[") > DEEPEST_NESTING and _depth(value) > DEEPEST_NESTING:
        raise InvalidJson("nested too deep")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate key")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _depth(value: Any) -> int:
    """How many objects and arrays lie inside each other, found level by level, without recursion."""
    depth, level = 0, [value]
    while level := [inner for inner in level if isinstance(inner, (dict, list))]:
        depth += 1
        level = [inner for outer in level for inner in (outer.values() if isinstance(outer, dict) else outer)]
    return depth
