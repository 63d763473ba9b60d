"""Blueprints that describe themselves: what a view takes, what it answers and with which errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import flask
import flask_smorest
from marshmallow import Schema

from authapp.core.errors import (
    ApiError,
    BodyTooLarge,
    InvalidJson,
    RequestTimeout,
    UnsupportedMediaType,
    ValidationFailed,
)
from authapp.web.guard_marks import View
from authapp.web.parsing import StrictParser

_BODY = (RequestTimeout, InvalidJson, BodyTooLarge, UnsupportedMediaType, ValidationFailed)
_QUERY = (ValidationFailed,)


def raises(*errors: type[ApiError]) -> Callable[[View], View]:
    """Declare the errors of a view, beside those of its guard and its arguments."""

    def decorate(view: View) -> View:
        view._authapp_errors = (*errors_of(view), *errors)  # type: ignore[attr-defined]
        return view

    return decorate


def errors_of(view: Callable[..., Any]) -> tuple[type[ApiError], ...]:
    """The errors that a view declares."""
    return getattr(view, "_authapp_errors", ())


if TYPE_CHECKING:

    class _Described(flask.Blueprint):
        """What flask-smorest, which has no types, adds to Flask's Blueprint."""

        def __init__(self, name: str, import_name: str, *, url_prefix: str = "", description: str = "") -> None: ...
        def arguments(self, schema: Schema, *, location: str) -> Callable[[View], View]: ...
        def response(self, status_code: int, schema: type[Schema] | Schema | None = None) -> Callable[[View], View]: ...
        def get(self, rule: str) -> Callable[[View], View]: ...  # type: ignore[override]
        def post(self, rule: str) -> Callable[[View], View]: ...  # type: ignore[override]
        def put(self, rule: str) -> Callable[[View], View]: ...  # type: ignore[override]
        def patch(self, rule: str) -> Callable[[View], View]: ...  # type: ignore[override]
        def delete(self, rule: str) -> Callable[[View], View]: ...  # type: ignore[override]

else:
    _Described = flask_smorest.Blueprint


class Blueprint(_Described):
    """Flask's Blueprint with `arguments` and `response`, declared once for the code and the document."""

    ARGUMENTS_PARSER = StrictParser()

    def arguments(  # type: ignore[override]  # a class, so that all views share one instance
        self, schema: type[Schema], *, location: str = "json", **options: Any
    ) -> Callable[[View], View]:
        """Check what is sent against a schema and pass it to the view as its first argument, a dict.

        Args:
            schema: a subclass of `schemas.fields.Request`.
            location: `json` or `query`.
            options: those of the schema: `check`.
        """
        declare = super().arguments(schema(**options), location=location)
        declare_errors = raises(*(_BODY if location == "json" else _QUERY))
        return lambda view: declare_errors(declare(view))
