"""Blueprints that describe themselves: what a view takes, what it answers and with which errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import flask
import flask_smorest
from flask.sansio.app import App
from marshmallow import Schema

from authapp.core.errors import (
    ApiError,
    BodyTooLarge,
    InvalidForm,
    InvalidJson,
    RequestTimeout,
    UnsupportedMediaType,
    ValidationFailed,
)
from authapp.web.guard_marks import View
from authapp.web.parsing import LARGEST_BODY, LARGEST_OF_ANY, StrictParser

ELSEWHERE = (
    "{what} works in an application of create_app() only, because it needs its keys and its transactions. {app} is "
    "another Flask application: give the blueprint to create_app(), or verify the access token there."
)


def raises(*errors: type[ApiError]) -> Callable[[View], View]:
    """Declare the errors of a view, beside those of its guard and its arguments; or of a hook."""

    def decorate(view: View) -> View:
        view._authapp_errors = (*errors_of(view), *errors)  # type: ignore[attr-defined]
        return view

    return decorate


def errors_of(view: Callable[..., Any]) -> tuple[type[ApiError], ...]:
    """The errors that a view declares."""
    return getattr(view, "_authapp_errors", ())


def takes_no_query(view: Callable[..., Any]) -> bool:
    """Whether a query parameter is an error, whatever its name: the guard asks, once it has let the caller in."""
    return getattr(view, "_authapp_takes_no_query", False)


def takes_any_query(view: View) -> View:
    """Let a view read the query itself, where another service adds parameters that nobody can list."""
    view._authapp_takes_query = True  # type: ignore[attr-defined]
    return view


def mark_limited(view: Callable[..., Any], limit: str, error: type[ApiError]) -> None:
    """Set its rate limit on a view, for the OpenAPI document and `flask guards`, and declare the error."""
    raises(error)(view)._authapp_limit = limit  # type: ignore[attr-defined]


def limit_of(view: Callable[..., Any]) -> str | None:
    """The rate limit of a view, for example `60 per minute`."""
    return getattr(view, "_authapp_limit", None)


if TYPE_CHECKING:

    class _Described(flask.Blueprint):
        """What flask-smorest, which has no types, adds to Flask's Blueprint."""

        def __init__(self, name: str, import_name: str, *, url_prefix: str = "", description: str = "") -> None: ...
        def arguments(self, schema: Schema, *, location: str) -> Callable[[View], View]: ...
        def doc(self, **operation: Any) -> Callable[[View], View]: ...
        def response(
            self,
            status_code: int,
            schema: type[Schema] | Schema | dict[str, Any] | None = None,
            *,
            content_type: str | None = None,
            headers: dict[str, Any] | None = None,
        ) -> Callable[[View], View]: ...
        def alt_response(self, status_code: int, *, schema: type[Schema], success: bool) -> Callable[[View], View]: ...
        def get(self, rule: str) -> Callable[[View], View]: ...  # type: ignore[override]
        def post(self, rule: str) -> Callable[[View], View]: ...  # type: ignore[override]
        def put(self, rule: str) -> Callable[[View], View]: ...  # type: ignore[override]
        def patch(self, rule: str) -> Callable[[View], View]: ...  # type: ignore[override]
        def delete(self, rule: str) -> Callable[[View], View]: ...  # type: ignore[override]

else:
    _Described = flask_smorest.Blueprint


class Blueprint(_Described):
    """Flask's Blueprint with `arguments` and `response`, declared once for the code and the document.

    A view takes the query parameters that it declares; others are answered with 422.

    Args:
        ignore_unknown_query: views that declare no query parameters ignore all. For monitoring, which adds some.
    """

    ARGUMENTS_PARSER = StrictParser()
    ARGUMENTS_ERRORS: ClassVar[dict[str, tuple[type[ApiError], ...]]] = {
        "json": (RequestTimeout, InvalidJson, BodyTooLarge, UnsupportedMediaType, ValidationFailed),
        "form": (RequestTimeout, InvalidForm, BodyTooLarge, UnsupportedMediaType, ValidationFailed),
        "query": (ValidationFailed,),
    }
    """The errors of what is sent, by where it is."""

    def __init__(self, name: str, import_name: str, *, ignore_unknown_query: bool = False, **options: Any) -> None:
        super().__init__(name, import_name, **options)
        self._ignore_unknown_query = ignore_unknown_query

    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: Callable[..., Any] | None = None,
        provide_automatic_options: bool | None = None,
        **options: Any,
    ) -> None:
        if view_func and not (self._ignore_unknown_query or getattr(view_func, "_authapp_takes_query", False)):
            view_func = raises(ValidationFailed)(view_func)
            view_func._authapp_takes_no_query = True  # type: ignore[attr-defined]
        super().add_url_rule(rule, endpoint, view_func, provide_automatic_options, **options)

    def register(self, app: App, options: dict[str, Any]) -> None:
        """Refuse another application than one of `create_app`, at the start and not at the first request."""
        if not hasattr(app, "settings"):
            raise RuntimeError(ELSEWHERE.format(what=f"The blueprint {self.name}", app=app.name))
        super().register(app, options)

    def arguments(  # type: ignore[override]  # a class, so that all views share one instance
        self, schema: type[Schema], *, location: str = "json", largest: int = LARGEST_BODY, **options: Any
    ) -> Callable[[View], View]:
        """Check what is sent against a schema and pass it to the view as its first argument, a dict.

        Args:
            schema: a subclass of `schemas.fields.Request`.
            location: `json`, `form` or `query`.
            largest: how many bytes the body may have. It is in memory before the guard looks at the caller.
            options: those of the schema: `check`.
        """
        if not LARGEST_BODY <= largest <= LARGEST_OF_ANY:
            raise ValueError(f"largest is at least {LARGEST_BODY} and at most {LARGEST_OF_ANY} bytes, not {largest}")
        declare = super().arguments(schema(**options), location=location)
        declare_errors = raises(*self.ARGUMENTS_ERRORS[location])

        def decorate(view: View) -> View:
            described = declare_errors(declare(view))
            if largest > LARGEST_BODY:
                described._authapp_largest_body = largest  # type: ignore[attr-defined]
            if location == "query":
                described._authapp_takes_query = True  # type: ignore[attr-defined]
            return described

        return decorate
