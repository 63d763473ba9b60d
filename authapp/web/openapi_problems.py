"""The errors of a view in the OpenAPI document."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from authapp.core.errors import ApiError
from authapp.web.problems import CONTENT_TYPE, problem_document

SCHEMAS = "#/components/schemas/"
_REQUEST_ID = "019aab1c-7d3e-7a40-9a55-2f2f6c1d9b10"


def problem_responses(errors: Iterable[type[ApiError]]) -> dict[str, Any]:
    """The responses of a view that declares these errors, by status."""
    by_status: dict[int, list[type[ApiError]]] = defaultdict(list)
    for error in sorted(errors, key=lambda error: (error.status, error.code)):
        by_status[error.status].append(error)
    return {str(status): _problem_response(status, group) for status, group in by_status.items()}


def _problem_response(status: int, group: list[type[ApiError]]) -> dict[str, Any]:
    headers = {"X-Request-ID": _header("The id of this request.")}
    if any(error.challenge for error in group):
        headers["WWW-Authenticate"] = _header("RFC 6750 section 3.")
    if any(error.retry_after is not None for error in group):
        headers["Retry-After"] = _header("Seconds.")
    return {
        "description": f"{HTTPStatus(status).phrase}: " + ", ".join(f"`{error.code}`" for error in group),
        "headers": headers,
        "content": {
            CONTENT_TYPE: {
                "schema": _problem_schema(group),
                "examples": {error.code: {"value": _problem_example(error)} for error in group},
            }
        },
    }


def _problem_schema(group: list[type[ApiError]]) -> dict[str, Any]:
    names = ["Problem", *(error.__name__ for error in group if error.members)]
    references = [{"$ref": SCHEMAS + name} for name in names]
    return references[0] if len(references) == 1 else {"anyOf": references}


def _problem_example(error: type[ApiError]) -> dict[str, Any]:
    members = {name: member["examples"][0] for name, member in error.members.items()}
    return {**problem_document(error, _REQUEST_ID), **members}


def problem_with_members(error: type[ApiError]) -> dict[str, Any]:
    """The schema of an error with members of its own: it is named after its class."""
    properties = {"code": {"const": error.code}, **error.members}
    own = {"type": "object", "required": list(properties), "properties": properties}
    return {"description": error.detail, "allOf": [{"$ref": f"{SCHEMAS}Problem"}, own]}


def rate_limit_headers(name: str, limit: str) -> dict[str, Any]:
    """The headers of a route with a rate limit."""
    of_whom = "" if " for each " in limit else ", for each client network"
    return {
        "RateLimit": _header(f'What is left, and in how many seconds it is {limit} again: `"{name}";r=9;t=33`.'),
        "RateLimit-Policy": _header(f"{limit}{of_whom}; draft-ietf-httpapi-ratelimit-headers."),
    }


def _header(description: str) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string"}}
