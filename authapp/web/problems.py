"""Problem documents (RFC 9457): the one form in which every error is answered."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

import structlog
from flask import Flask, Response, jsonify, request
from sqlalchemy.exc import SQLAlchemyError
from uuid_utils.compat import uuid7
from werkzeug.exceptions import HTTPException

from authapp.config import Settings
from authapp.core import errors
from authapp.core.error_reports import report
from authapp.core.errors import ApiError
from authapp.core.logging import log_context
from authapp.core.request_context import request_id
from authapp.db.errors import api_error_of
from authapp.web.headers import security_headers

CONTENT_TYPE = "application/problem+json"
_BY_STATUS: dict[int, type[ApiError]] = {
    400: errors.BadRequest,
    404: errors.NotFound,
    405: errors.MethodNotAllowed,
    413: errors.BodyTooLarge,
    415: errors.UnsupportedMediaType,
    500: errors.InternalError,
}
_TITLE_WORDS = {"api": "API", "json": "JSON", "mfa": "second factor", "sso": "SSO", "totp": "authenticator app"}

log = structlog.get_logger("authapp")


def init_problems(app: Flask) -> None:
    """Answer every error with a problem document, unknown routes and crashes included."""
    app.register_error_handler(ApiError, problem_response)
    app.register_error_handler(HTTPException, _answer_http_exception)
    app.register_error_handler(SQLAlchemyError, _answer_database_error)
    app.register_error_handler(Exception, _answer_crash)


def problem_document(error: ApiError | type[ApiError], request_id: str | None) -> dict[str, Any]:
    """The members that every problem document has (RFC 9457 section 3.1)."""
    return {
        "type": "/problems/" + error.code.replace("_", "-"),
        "title": _title(error.code),
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        "request_id": request_id,
    }


def problem_response(error: ApiError) -> Response:
    """The response to an error: its problem document and its headers."""
    log_context().update(code=error.code, reason=error.reason or None)
    document = {**problem_document(error, request_id()), **error.extensions}
    if error.errors is not None:
        document["errors"] = error.errors
    response = jsonify(document)
    response.status_code = error.status
    response.headers.update(_headers(error))
    response.content_type = CONTENT_TYPE
    return response


def raw_response(error: ApiError, settings: Settings) -> tuple[str, bytes]:
    """The same as bytes, for a server to send where no request has reached the application; and the request id."""
    request_id = str(uuid7())
    body = json.dumps(problem_document(error, request_id))
    headers = {
        **security_headers(settings),
        **_headers(error),
        "Connection": "close",
        "Content-Length": str(len(body)),
        "Content-Type": CONTENT_TYPE,
        "X-Request-ID": request_id,
    }
    status = f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}"
    lines = [status, *(f"{name}: {value}" for name, value in headers.items()), "", body]
    return request_id, "\r\n".join(lines).encode()


def _headers(error: ApiError) -> dict[str, str]:
    headers = dict(error.headers)
    if error.challenge:
        headers["WWW-Authenticate"] = error.challenge
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    return headers


def _title(code: str) -> str:
    words = " ".join(_TITLE_WORDS.get(word, word) for word in code.split("_"))
    return words[0].upper() + words[1:]


def _answer_http_exception(exception: HTTPException) -> Response:
    """Werkzeug's own errors: no such route, wrong method, too large, and the like."""
    status = HTTPStatus(exception.code or 500)
    known = _BY_STATUS.get(status)
    error = known() if known else ApiError.of_status(status)
    error.headers = {name: value for name, value in exception.get_headers() if name in ("Allow", "Retry-After")}
    return problem_response(error)


def _answer_database_error(exception: SQLAlchemyError) -> Response:
    error = api_error_of(exception)
    if error is None:
        return _answer_crash(exception)
    if error.status >= 500:
        log.warning("database.away", error=str(exception.__cause__ or exception))
    return problem_response(error)


def _answer_crash(exception: Exception) -> Response:
    """A bug. The log gets the traceback, the caller gets the request id."""
    log.error("request.crashed", exc_info=exception)
    report(exception, route=str(request.url_rule), request_id=request_id())
    return problem_response(errors.InternalError(type(exception).__name__))


def prefers_html() -> bool:
    """Whether a person in a browser is shown the answer, who can do nothing with a problem document."""
    accepted = request.accept_mimetypes
    return bool(accepted["text/html"] > max(accepted[CONTENT_TYPE], accepted["application/json"]))
