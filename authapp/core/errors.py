"""The base of all errors that are answered from 400 up, and those that belong to no feature.

The others stand beside their feature: in `authapp.services`, or in `authapp.security`.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Self


class ApiError(Exception):
    """A request that is answered with a status from 400 up, as a problem document (RFC 9457).

    Args:
        reason: why, for the log. Never sent.
        detail: a sentence for the caller that says more than the one of the class.
        errors: field errors by location, sent with 422 only.
        headers: further headers of the response.
        keeps_writes: whether the transaction is committed. Default: as the class says.
        retry_after: seconds. Default: as the class says.
        extensions: further members of the problem document (RFC 9457 section 3.2), those that `members` declares.
    """

    status: int = 500
    code: str
    detail: str
    keeps_writes: bool = False  # True: an audit event of the refused request is kept
    retry_after: int | None = None  # seconds
    challenge: str | None = None  # WWW-Authenticate, RFC 6750 section 3
    members: Mapping[str, Any] = {}  # the JSON schemas of further members, each with an example; see `extensions`

    def __init__(
        self,
        reason: str = "",
        *,
        detail: str | None = None,
        errors: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        keeps_writes: bool | None = None,
        retry_after: int | None = None,
        extensions: dict[str, Any] | None = None,
    ) -> None:
        self.detail = detail or self.detail
        self.keeps_writes = self.keeps_writes if keeps_writes is None else keeps_writes
        self.retry_after = self.retry_after if retry_after is None else retry_after
        super().__init__(reason or self.detail)
        self.reason = reason
        self.errors = errors
        self.headers = headers or {}
        self.extensions = extensions or {}

    @classmethod
    def of_status(cls, status: HTTPStatus) -> Self:
        """An error that no class stands for, named after its status."""
        error = cls(detail=f"{status.phrase}.")
        error.status, error.code = int(status), status.name.lower()
        return error


def catalogue() -> list[type[ApiError]]:
    """Every error of the modules that are imported, by status and code."""
    found: list[type[ApiError]] = []
    waiting = ApiError.__subclasses__()
    while waiting:
        error = waiting.pop()
        found.append(error)
        waiting.extend(error.__subclasses__())
    return sorted(found, key=lambda error: (error.status, error.code))


class BadRequest(ApiError):
    status = 400
    code = "bad_request"
    detail = "The request is malformed."


class InvalidJson(ApiError):
    status = 400
    code = "invalid_json"
    detail = "The body is not valid JSON."


class InvalidForm(ApiError):
    status = 400
    code = "invalid_form"
    detail = "The body is not a valid form: names and values in UTF-8, percent-encoded, joined by = and &."


class Unauthorized(ApiError):
    status = 401
    code = "unauthorized"
    detail = "Sign in first."
    challenge = "Bearer"


class MissingToken(Unauthorized):
    code = "missing_token"
    detail = "Send an access token in the header: Authorization: Bearer <access_token>."


class InvalidToken(Unauthorized):
    code = "invalid_token"
    detail = "This token is not valid here. Sign in again."
    challenge = 'Bearer error="invalid_token"'


class ExpiredToken(InvalidToken):
    code = "expired_token"
    detail = "This token has expired. Refresh it, or sign in again."


class RevokedToken(InvalidToken):
    code = "revoked_token"
    detail = "The session of this token has ended. Sign in again."


class Forbidden(ApiError):
    status = 403
    code = "forbidden"
    detail = "You may not do this."


class NotAMember(Forbidden):
    code = "not_a_member"
    detail = "You are not a member of this organization."


class OrganizationSuspended(Forbidden):
    code = "organization_suspended"
    detail = "This organization is suspended. Ask the operator of this service."


class RoleTooLow(Forbidden):
    code = "role_too_low"
    detail = "Your role in this organization does not allow this. Ask an admin."


class PermissionMissing(Forbidden):
    code = "permission_missing"
    detail = "You do not have the permission that this needs. Ask an admin."


class ApiKeyNotAllowed(Forbidden):
    code = "api_key_not_allowed"
    detail = "This needs a person: sign in. An API key acts inside its organization only and has no account."


class WorkloadNotAllowed(Forbidden):
    code = "workload_not_allowed"
    detail = "This needs a person: sign in. A workload acts inside its organization only and has no account."


class NotFound(ApiError):
    status = 404
    code = "not_found"
    detail = "There is nothing here."


class MethodNotAllowed(ApiError):
    status = 405
    code = "method_not_allowed"
    detail = "This address does not take that method; see the Allow header."


class RequestTimeout(ApiError):
    status = 408
    code = "request_timeout"
    detail = "The request took too long to arrive. Send it again, in less than 5 seconds."


class Conflict(ApiError):
    status = 409
    code = "conflict"
    detail = "This collides with something that exists, or refers to something that does not."


class LimitReached(Conflict):
    code = "limit_reached"
    detail = "There are as many as the limit allows. Remove one that is no longer needed."


class BodyTooLarge(ApiError):
    status = 413
    code = "body_too_large"
    detail = "The body may have at most 64 KiB."


class UnsupportedMediaType(ApiError):
    status = 415
    code = "unsupported_media_type"
    detail = "Send the body as JSON, with the header Content-Type: application/json."


class ValidationFailed(ApiError):
    status = 422
    code = "validation_failed"
    detail = "Some fields are invalid; see errors."


class InternalError(ApiError):
    status = 500
    code = "internal_error"
    detail = "Something broke on our side. Tell an operator the request_id."


class ServiceUnavailable(ApiError):
    status = 503
    code = "service_unavailable"
    detail = "The service cannot answer at the moment. Try again shortly."
    retry_after = 2
