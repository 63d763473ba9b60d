"""The OpenAPI 3.1 document: what the blueprints declare, completed with guards and errors."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from hashlib import sha256
from typing import Any, cast

import flask_smorest
from flask import Flask
from marshmallow import Schema, fields
from werkzeug.routing import Rule

from authapp.core.enums import AuditAction, actions
from authapp.core.errors import (
    ApiError,
    ApiKeyNotAllowed,
    BodyTooLarge,
    InternalError,
    ServiceUnavailable,
    ValidationFailed,
    catalogue,
)
from authapp.web.application import Application, TakenName
from authapp.web.blueprint import Blueprint, errors_of, limit_of
from authapp.web.guard_marks import guard_of
from authapp.web.openapi_application import complete_profile, errors_of_hooks
from authapp.web.openapi_names import marshmallow_plugin, references
from authapp.web.openapi_problems import SCHEMAS, problem_responses, problem_with_members, rate_limit_headers
from authapp.web.parsing import FORM, LARGEST_BODY, largest_body_of, too_large
from authapp.web.problems import CONTENT_TYPE

API_PREFIX = "/api/v1"
TITLE = "authapp"
SERVICE_GUARD = "require_service_key("  # what the names of its guards begin with
_PUBLISHER = {"license": {"name": "MIT", "identifier": "MIT"}, "contact": {"name": "the authapp authors"}}
_ERROR_CODE = "ErrorCode"
_CODE_DESCRIPTION = "Stable; programs go by this. Later versions may add codes."
_ALWAYS = (InternalError, ServiceUnavailable)

DESCRIPTION = """Multi-tenant authentication and authorization.

Sign in at `POST /api/v1/auth/login`, send the access token as `Authorization: Bearer <access_token>`, and use the
refresh token at `POST /api/v1/auth/refresh` when the access token has expired. Every error is
`application/problem+json` (RFC 9457) with a stable `code`."""


class Problem(Schema):
    """An error (RFC 9457)."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True, metadata={"description": "A sentence for a person."})
    code = fields.String(required=True)  # an ErrorCode
    request_id = fields.String(required=True, metadata={"description": "Also in X-Request-ID and in the log."})
    errors = fields.Dict(metadata={"description": "Field errors by location; on 422 only."})


class Api(flask_smorest.Api):
    """The registry of blueprints. `authapp.web.problems` alone answers errors."""

    DEFAULT_ERROR_RESPONSE_NAME = None
    ERROR_SCHEMA = Problem

    def __init__(self, app: Application, **options: Any) -> None:
        self._operation_ids: set[str] = set()
        super().__init__(app, **options)
        for function in references(app):
            self.ma_plugin.converter.add_attribute_function(function)
        self.spec.components.schema(_ERROR_CODE, {"type": "string", "description": _CODE_DESCRIPTION})

    def register_blueprint(self, blp: Blueprint, **options: Any) -> None:
        """Register a blueprint whose views have names that no other view has.

        Raises:
            TakenName: naming the first view that repeats another.
        """
        super().register_blueprint(blp, **options)
        own = [route for route in routes(self._app) if route[0].endpoint.startswith(f"{blp.name}.")]
        for rule, method, _ in own:
            name = _operation_id(rule)
            if name in self._operation_ids:
                raise TakenName(
                    f"{method} {rule.rule}: another operation of the OpenAPI document is named {name}. Rename the "
                    "function. A view of several methods needs a function for each."
                )
            self._operation_ids.add(name)

    def _register_error_handlers(self) -> None:
        """Leave errors alone."""

    def _register_etag_headers(self) -> None:
        """Document no header that no reply has."""

    _register_pagination_header = _register_etag_headers


def init_openapi(app: Application, title: str, version: str) -> Api:
    """Make the registry. Documents are complete once all blueprints are registered."""
    app.config.update(API_TITLE=title, API_VERSION=version, OPENAPI_VERSION="3.1.0")
    description = "An access token, or on the routes of an organization one of its API keys."
    bearer = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": description}
    services = "A service key, which the operator makes for another service."
    return Api(
        app,
        spec_kwargs={
            "info": {"description": DESCRIPTION, **(_PUBLISHER if title == TITLE else {})},
            "marshmallow_plugin": marshmallow_plugin(),
            "servers": [{"url": "/"}],
            "components": {
                "securitySchemes": {
                    "bearer": bearer,
                    "service_key": {"type": "http", "scheme": "bearer", "description": services},
                    "service_key_basic": {
                        "type": "http",
                        "scheme": "basic",
                        "description": f"{services} It is the password; any name will do.",
                    },
                }
            },
        },
    )


def served_document(app: Application) -> tuple[bytes, str]:
    """The document as it is served, and its entity tag, made at the first request for it."""
    cached = app.extensions.get("authapp.openapi")
    if cached is None:
        data = json.dumps(document(app), ensure_ascii=False).encode()
        cached = app.extensions["authapp.openapi"] = data, sha256(data).hexdigest()
    return cast("tuple[bytes, str]", cached)


def document(app: Application) -> dict[str, Any]:
    """The OpenAPI document: what the blueprints declare, plus what guards and errors add."""
    spec: dict[str, Any] = deepcopy(app.extensions["flask-smorest"]["apis"][""]["ext_obj"].spec.to_dict())
    schemas = spec["components"]["schemas"]
    bodies = set()
    for rule, method, view in routes(app):
        operation = spec["paths"].get(path_template(rule), {}).get(method.lower())
        if operation is None:  # the documentation itself
            continue
        _complete(operation, rule, view, errors_of_hooks(app, method, _operation_id(rule)))
        for content in operation.get("requestBody", {}).get("content", {}).values():
            body = content["schema"]["$ref"].rpartition("/")[2]
            operation["requestBody"]["required"] = bool(schemas[body].get("required"))
            bodies.add(body)
    del spec["components"]["responses"]  # flask-smorest's, which nothing refers to now
    complete_profile(app, schemas)
    _complete_schemas(schemas, bodies)
    for path in spec["paths"].values():
        for parameter in path.get("parameters", []):
            if parameter["name"].endswith("_id"):
                parameter["schema"] = {"type": "string", "format": "uuid"}
    return spec


def _complete_schemas(schemas: dict[str, Any], bodies: set[str]) -> None:
    """Add the error codes, and remove what would make a field of a request required or a new field of a reply wrong."""
    for name in schemas.keys() - bodies:
        schemas[name].pop("additionalProperties", None)
    for schema in schemas.values():
        for field in schema.get("properties", {}).values():
            field.pop("default", None)  # openapi-typescript makes a field that has one required
    schemas[AuditAction.__name__]["enum"] = list(actions())
    schemas[_ERROR_CODE]["enum"] = sorted({error.code for error in catalogue()})
    schemas["Problem"]["properties"]["code"] = {"$ref": SCHEMAS + _ERROR_CODE}
    schemas.update({error.__name__: problem_with_members(error) for error in catalogue() if error.members})


def _complete(operation: dict[str, Any], rule: Rule, view: Callable[..., Any], of_hooks: set[type[ApiError]]) -> None:
    """Add its name, its guard and its errors to what a view has declared."""
    operation["operationId"] = _operation_id(rule)
    operation["description"] = f"Guard: `{guard_of(view)}`"
    guard = guard_of(view) or ""
    declared = {*errors_of(view), *of_hooks, *_ALWAYS, *((ValidationFailed,) if _ids_of(rule) else ())}
    operation["security"] = _security(guard, takes_bearer=guard != "public" or ApiKeyNotAllowed in declared)
    responses = operation.setdefault("responses", {"200": {"description": "OK"}})
    responses.update(problem_responses(declared))
    if limit := limit_of(view):
        for response in responses.values():
            response.setdefault("headers", {}).update(rate_limit_headers(_operation_id(rule), limit))
    if (largest := largest_body_of(view)) > LARGEST_BODY:
        operation["requestBody"]["description"] = f"At most {largest:,} bytes."
        examples = responses[str(BodyTooLarge.status)]["content"][CONTENT_TYPE]["examples"]
        examples[BodyTooLarge.code]["value"]["detail"] = too_large(largest)
    if ValidationFailed in declared:
        examples = responses[str(ValidationFailed.status)]["content"][CONTENT_TYPE]["examples"]
        examples[ValidationFailed.code]["value"]["errors"] = _invalid_example(operation, rule)


def _security(guard: str, *, takes_bearer: bool) -> list[dict[str, Any]]:
    """With what one of which a caller may come."""
    if guard.startswith(SERVICE_GUARD):
        return [{"service_key": []}, {"service_key_basic": []}]
    found: list[dict[str, Any]] = [{"bearer": []}] if takes_bearer else []
    if takes_bearer and (guard == "public" or guard.endswith("(or_refresh_token)")):
        found.append({})
    return found


def routes(app: Flask) -> Iterator[tuple[Rule, str, Callable[..., Any]]]:
    """Every route that somebody wrote: rule, method, view."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield rule, method, app.view_functions[rule.endpoint]


def routes_that_raise(error: type[ApiError], app: Any) -> set[tuple[str, str]]:
    """The methods and paths of the views that declare this error. None where another WSGI application is served."""
    if not isinstance(app, Flask):
        return set()
    return {(method, rule.rule) for rule, method, view in routes(app) if error in errors_of(view)}


def path_template(rule: Rule) -> str:
    """`/sessions/<session_id>` as OpenAPI writes it: `/sessions/{session_id}`."""
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)


def _operation_id(rule: Rule) -> str:
    return str(rule.endpoint).rpartition(".")[2]


def _invalid_example(operation: dict[str, Any], rule: Rule) -> dict[str, Any]:
    """Field errors that this very operation answers with."""
    if "requestBody" in operation:
        location = "form" if FORM in operation["requestBody"]["content"] else "json"
        return {location: {"favourite_colour": ["Unknown field."]}}
    if _ids_of(rule) and not operation.get("parameters"):
        return {"path": {name: ["Not a valid UUID."] for name in _ids_of(rule)}}
    return {"query": {"favourite_colour": ["Unknown field."]}}


def _ids_of(rule: Rule) -> list[str]:
    """The ids in a path, which a guard checks."""
    return sorted(name for name in rule.arguments if name.endswith("_id"))
