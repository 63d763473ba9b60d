"""Turns whatever went wrong into a refusal, and every refusal into the same reply."""

from __future__ import annotations

import json
from http import HTTPStatus

import structlog
from flask import Flask, Response, jsonify
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from uuid_utils.compat import uuid7
from werkzeug.exceptions import HTTPException

from authapp.core import errors
from authapp.core.headers import security_headers
from authapp.core.logging import facts
from authapp.core.refusal import Refusal, described
from authapp.core.requests import request_id
from config import Settings

CONTENT_TYPE = "application/problem+json"

_BY_STATUS: dict[int, type[Refusal]] = {
    400: errors.BadRequest,
    404: errors.NotFound,
    405: errors.MethodNotAllowed,
    413: errors.BodyTooLarge,
    415: errors.UnsupportedMediaType,
}

# A constraint says by its name which refusal it stands for.
_BY_CONSTRAINT: dict[str, type[Refusal]] = {
    "uq_users_email_live": errors.EmailTaken,
    "uq_organizations_slug_live": errors.SlugTaken,
    "uq_invitations_organization_id_email_pending": errors.InvitationPending,
    "pk_memberships": errors.AlreadyMember,
    "organizations_keep_an_admin": errors.LastAdmin,
}

# SQLSTATE classes of a database that is away or overloaded: connection, resources, intervention, system, locks.
_AWAY = ("08", "53", "57", "58", "55")
# A failover in progress; no such table or column: not migrated yet.
_NOT_READY = ("25006", "42P01", "42703")
_CONFLICTS = ("23503", "23505")  # violations of a foreign key, of a unique constraint
_TRY_AGAIN = ("40001", "40P01")  # serialization failure, deadlock

log = structlog.get_logger("authapp")


def init_problems(app: Flask) -> None:
    """Answer every error with problem+json, unknown routes and crashes included."""
    app.register_error_handler(Refusal, problem)
    app.register_error_handler(HTTPException, _http_problem)
    app.register_error_handler(SQLAlchemyError, _database_problem)
    app.register_error_handler(Exception, _crash)


def problem(refusal: Refusal) -> Response:
    """The reply for a refusal: RFC 9457 body, challenge and retry headers."""
    facts().update(code=refusal.code, reason=refusal.reason or None)
    headers = dict(refusal.headers)
    if refusal.challenge:
        headers["WWW-Authenticate"] = refusal.challenge
    if refusal.retry_after is not None:
        headers["Retry-After"] = str(refusal.retry_after)
    body = described(refusal, request_id())
    if refusal.errors is not None:
        body["errors"] = refusal.errors
    response = jsonify(body)
    response.status_code = refusal.status
    response.headers.update(headers)
    response.content_type = CONTENT_TYPE
    return response


def raw_problem(refusal: Refusal, settings: Settings) -> tuple[str, bytes]:
    """The same reply as bytes, for a server to send where no request has reached the application; and its id."""
    request_id = str(uuid7())
    body = json.dumps(described(refusal, request_id))
    headers = {
        **security_headers(settings),
        "Connection": "close",
        "Content-Length": len(body),
        "Content-Type": CONTENT_TYPE,
        "X-Request-ID": request_id,
        **({"Retry-After": refusal.retry_after} if refusal.retry_after is not None else {}),
    }
    status = f"HTTP/1.1 {refusal.status} {HTTPStatus(refusal.status).phrase}"
    lines = [status, *(f"{name}: {value}" for name, value in headers.items()), "", body]
    return request_id, "\r\n".join(lines).encode()


def _http_problem(error: HTTPException) -> Response:
    """Werkzeug's own refusals: no such route, wrong method, too large, and the like."""
    status = HTTPStatus(error.code or 500)
    known = _BY_STATUS.get(status)
    refusal = known() if known else Refusal.of_status(status)
    refusal.headers = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}
    return problem(refusal)


def refusal_for_database(error: SQLAlchemyError) -> Refusal | None:
    """What a database error means to the caller, or None where it is our mistake."""
    if isinstance(error, PoolTimeout):
        return errors.ServiceUnavailable("no free database connection")
    if not isinstance(error, DBAPIError):
        return None
    state = sqlstate(error)
    constraint = getattr(getattr(error.orig, "diag", None), "constraint_name", None) or ""
    if state in _CONFLICTS or constraint in _BY_CONSTRAINT:
        return _BY_CONSTRAINT.get(constraint, errors.Conflict)(f"constraint {constraint}")
    if state.startswith("22"):
        return errors.ValidationFailed(f"data error {state}")
    unreachable = not state and isinstance(error, (OperationalError, InterfaceError))
    if unreachable or may_pass(error) or state.startswith(_AWAY) or state in _NOT_READY:
        return errors.ServiceUnavailable(f"database {state or 'unreachable'}")
    return None


def sqlstate(error: DBAPIError) -> str:
    """The five characters by which PostgreSQL says what happened, empty when the connection itself failed."""
    return getattr(error.orig, "pgcode", None) or ""


def may_pass(error: Exception) -> bool:
    """Whether the same request may succeed when it is run once more, in a new transaction on a new connection."""
    return isinstance(error, DBAPIError) and (error.connection_invalidated or sqlstate(error) in _TRY_AGAIN)


def _database_problem(error: SQLAlchemyError) -> Response:
    refusal = refusal_for_database(error)
    if refusal is None:
        return _crash(error)
    if refusal.status >= 500:
        log.warning("database.away", error=str(error.__cause__ or error))
    return problem(refusal)


def _crash(error: Exception) -> Response:
    """A bug. The log gets the traceback, the caller gets the request id."""
    log.error("request.crashed", exc_info=error)
    return problem(errors.InternalError(type(error).__name__))
