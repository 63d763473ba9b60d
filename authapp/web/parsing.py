"""Strict reading of bodies and queries, before any schema sees them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any, NoReturn, cast
from urllib.parse import parse_qsl

import marshmallow as ma
from flask import Request, current_app, g, request
from gunicorn.http.errors import ParseException
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import RequestEntityTooLarge

from authapp.core import strict_json
from authapp.core.errors import (
    ApiError,
    BadRequest,
    BodyTooLarge,
    InvalidForm,
    InvalidJson,
    UnsupportedMediaType,
    ValidationFailed,
)

DEEPEST_NESTING = 20
LARGEST_BODY = 64 * 1024  # bytes, unless the view says otherwise
LARGEST_OF_ANY = 10_000_000  # what a view may say: the body is in memory before the guard looks at the caller
FORM = "application/x-www-form-urlencoded"
MOST_ERRORS, LONGEST_FIELD_NAME = 20, 100  # of unknown fields, in a response


class StrictParser(FlaskParser):
    """webargs' parser for Flask. Unknown fields are the schema's to refuse, in queries too."""

    DEFAULT_UNKNOWN_BY_LOCATION = dict.fromkeys(FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION)

    def load_json(self, req: Request, schema: ma.Schema) -> Any:
        raw = read_body(req)
        if not raw and not any(field.required for field in schema.fields.values()):
            return {}  # a call whose every field is optional needs no body
        if req.mimetype != "application/json" or req.mimetype_params.get("charset", "utf-8").lower() != "utf-8":
            raise UnsupportedMediaType(req.content_type or "no content type")
        return parse_json(raw)

    def load_form(self, req: Request, schema: ma.Schema) -> Any:
        raw = read_body(req)
        if req.mimetype != FORM or req.mimetype_params.get("charset", "utf-8").lower() != "utf-8":
            raise UnsupportedMediaType(
                req.content_type or "no content type",
                detail=f"Send the body as a form, with the header Content-Type: {FORM}.",
            )
        fields = parse_form(raw)
        repeated = [name for name, count in Counter(name for name, _ in fields).items() if count > 1]
        if repeated:
            raise ValidationFailed(errors={"form": _few({name: ["Send this once."] for name in repeated})})
        return dict(fields)

    def load_querystring(self, req: Request, schema: ma.Schema) -> Any:
        repeated = [name for name, values in req.args.lists() if len(values) > 1]
        if repeated:
            raise ValidationFailed(errors={"query": {name: ["Send this once."] for name in repeated}})
        return req.args.to_dict()

    def handle_error(self, error: ma.ValidationError, *args: Any, **kwargs: Any) -> NoReturn:
        messages = cast("dict[str, dict[str, Any]]", error.messages)
        raise ValidationFailed(errors={location: _few(found) for location, found in messages.items()})


def refuse_query(req: Request) -> None:
    """Raise ValidationFailed where a query was sent to a view that takes none."""
    if req.args:
        raise ValidationFailed(errors={"query": _few({name: ["Unknown field."] for name in req.args})})


def read_body(req: Request) -> bytes:
    """The whole body and nothing but it.

    Raises:
        BadRequest: the connection or its chunks broke off before the announced end, or are coded in another way.
        BodyTooLarge: it goes on after the limit of the view; werkzeug stops reading there without a word.
        UnsupportedMediaType: it is compressed.
    """
    if req.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("content encoding")
    if req.headers.get("Transfer-Encoding", "chunked").lower() != "chunked":
        raise BadRequest("transfer encoding")
    if broken := g.get("broken_body"):
        raise BadRequest(broken)
    limit = _largest_body(req)
    try:
        raw = req.get_data(cache=True)
    except RequestEntityTooLarge:
        raise BodyTooLarge(detail=too_large(limit)) from None
    if len(raw) > limit:
        raise BodyTooLarge(detail=too_large(limit))
    if req.content_length is not None and len(raw) != req.content_length:
        raise BadRequest("body shorter than its Content-Length")
    return raw


def largest_body_of(view: Callable[..., Any] | None) -> int:
    """How many bytes the body of a request to a view may have."""
    return cast("int", getattr(view, "_authapp_largest_body", LARGEST_BODY))


def _largest_body(req: Request) -> int:
    return largest_body_of(current_app.view_functions.get(req.endpoint or ""))


def too_large(limit: int) -> str | None:
    """The sentence for whoever exceeds a limit, None for that of the class."""
    return f"The body may have at most {limit:,} bytes." if limit != LARGEST_BODY else None


def buffer_body() -> None:
    """Take the whole body in before anything is looked up: a slow sender holds no transaction, nor an old answer.

    What is wrong with it is said by `read_body`, after the guard.
    """
    if not {"CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING"} & request.environ.keys():
        return  # RFC 9112 section 6.3: no body
    if (limit := _largest_body(request)) > LARGEST_BODY:
        request.max_content_length = limit + 1  # one byte more tells that there is more
    try:
        request.get_data(cache=True)
    except (OSError, ParseException) as error:
        g.broken_body = type(error).__name__
    except RequestEntityTooLarge:
        return  # and so is asking again


def peek_body(field: str) -> str | None:
    """A string of the JSON body, for a guard, before a schema checks the body. None where there is no such string."""
    try:
        body = parse_json(read_body(request))
    except ApiError:  # the parser says so after the guard
        return None
    value = body.get(field) if isinstance(body, dict) else None
    return value if isinstance(value, str) else None


def parse_json(raw: bytes) -> Any:
    """JSON as RFC 8259 would have it: UTF-8, no NaN, no name twice in an object; and not nested without end.

    Raises:
        InvalidJson: with the reason.
    """
    too_deep = InvalidJson(detail=f"The body is nested deeper than {DEEPEST_NESTING} levels.")
    try:
        value = strict_json.parse(raw)
    except UnicodeDecodeError:
        raise InvalidJson(detail="The body is not UTF-8.") from None
    except strict_json.RepeatedName as error:
        name = json.dumps(error.name[:50])
        raise InvalidJson(detail=f"The body names {name} more than once in one object.") from None
    except strict_json.TooDeep:
        raise too_deep from None
    except ValueError:
        raise InvalidJson from None
    if raw.count(b"{") + raw.count(b"[") > DEEPEST_NESTING and _depth(value) > DEEPEST_NESTING:
        raise too_deep
    return value


def parse_form(raw: bytes) -> list[tuple[str, str]]:
    """The names and values of a form, as `application/x-www-form-urlencoded` has them.

    Raises:
        InvalidForm: they are not UTF-8, or one is no pair.
    """
    if not raw:
        return []
    try:
        return parse_qsl(raw.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError as error:
        raise InvalidForm(type(error).__name__) from None


def _few(found: dict[str, Any]) -> dict[str, Any]:
    """No reply grows with the number and the length of the names that somebody made up."""
    return {
        str(name)[:LONGEST_FIELD_NAME]: _few(messages) if isinstance(messages, dict) else messages
        for name, messages in list(found.items())[:MOST_ERRORS]
    }


def _depth(value: Any) -> int:
    """How many objects and arrays lie inside each other, found level by level, without recursion."""
    depth, level = 0, [value]
    while level := [inner for inner in level if isinstance(inner, (dict, list))]:
        depth += 1
        level = [inner for outer in level for inner in (outer.values() if isinstance(outer, dict) else outer)]
    return depth
