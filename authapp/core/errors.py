"""The catalogue of refusals, and the one shape in which every error leaves: problem+json (RFC 9457)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, ClassVar, Self


class Refusal(Exception):
    """A request that is answered with a status from 400 up.

    Args:
        reason: why, for the log and the audit trail. Never sent.
        detail: a sentence for the caller that says more than the class's own.
        errors: field errors by location, sent with 422 only.
        headers: further headers of the reply.
    """

    status: int = 500
    code: str
    detail: str
    keeps_writes: ClassVar[bool] = False  # evidence of the refused request survives it
    retry_after: ClassVar[int | None] = None  # seconds
    challenge: ClassVar[str | None] = None  # WWW-Authenticate, RFC 6750 section 3

    def __init__(
        self,
        reason: str = "",
        *,
        detail: str | None = None,
        errors: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        self.detail = detail or self.detail
        super().__init__(reason or self.detail)
        self.reason = reason
        self.errors = errors
        self.headers = headers or {}

    @classmethod
    def of_status(cls, status: HTTPStatus) -> Self:
        """A refusal that the catalogue does not hold, named after its status."""
        refusal = cls(detail=f"{status.phrase}.")
        refusal.status, refusal.code = int(status), status.name.lower()
        return refusal


def described(refusal: Refusal | type[Refusal], request_id: str | None) -> dict[str, Any]:
    """The problem details that every refusal has (RFC 9457 section 3.1)."""
    return {
        "type": "/problems/" + refusal.code.replace("_", "-"),
        "title": refusal.code.replace("_", " ").capitalize().replace("json", "JSON"),
        "status": refusal.status,
        "detail": refusal.detail,
        "code": refusal.code,
        "request_id": request_id,
    }


class BadRequest(Refusal):
    status = 400
    code = "bad_request"
    detail = "The request is malformed."


class InvalidJson(Refusal):
    status = 400
    code = "invalid_json"
    detail = "The body is not valid JSON."


class Unauthorized(Refusal):
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


class RefreshTokenReused(InvalidToken):
    code = "refresh_token_reused"
    detail = "This refresh token was spent before. Its session has been ended for safety: sign in again."
    keeps_writes = True


class WrongCredentials(Unauthorized):
    code = "wrong_credentials"
    detail = "The email or the password is wrong."
    keeps_writes = True


class Forbidden(Refusal):
    status = 403
    code = "forbidden"
    detail = "You may not do this."


class InactiveAccount(Forbidden):
    code = "inactive_account"
    detail = "This account has been deactivated. Ask an operator to activate it."
    keeps_writes = True


class NotAMember(Forbidden):
    code = "not_a_member"
    detail = "You are not a member of this organization."


class RoleTooLow(Forbidden):
    code = "role_too_low"
    detail = "Your role in this organization does not allow this. Ask an admin."


class NotFound(Refusal):
    status = 404
    code = "not_found"
    detail = "There is nothing here."


class SessionNotFound(NotFound):
    code = "session_not_found"
    detail = "You have no live session with this id."


class MethodNotAllowed(Refusal):
    status = 405
    code = "method_not_allowed"
    detail = "This address does not take that method; see the Allow header."


class Conflict(Refusal):
    status = 409
    code = "conflict"
    detail = "This collides with something that exists."


class EmailTaken(Conflict):
    code = "email_taken"
    detail = "An account with this email exists. Sign in, or use another address."


class BodyTooLarge(Refusal):
    status = 413
    code = "body_too_large"
    detail = "The body may have at most 64 KiB."


class UnsupportedMediaType(Refusal):
    status = 415
    code = "unsupported_media_type"
    detail = "Send the body as JSON, with the header Content-Type: application/json."


class ValidationFailed(Refusal):
    status = 422
    code = "validation_failed"
    detail = "Some fields are invalid; see errors."


class InternalError(Refusal):
    status = 500
    code = "internal_error"
    detail = "Something broke on our side. Tell an operator the request_id."


class ServiceUnavailable(Refusal):
    status = 503
    code = "service_unavailable"
    detail = "The service cannot answer at the moment. Try again shortly."
    retry_after = 2


class HashQueueFull(ServiceUnavailable):
    code = "hash_queue_full"
    detail = "Too many people are signing in at this very moment. Try again shortly."
    retry_after = 1


def catalogue() -> list[type[Refusal]]:
    """Every refusal, by status and code."""
    found: list[type[Refusal]] = []
    waiting = Refusal.__subclasses__()
    while waiting:
        refusal = waiting.pop()
        found.append(refusal)
        waiting.extend(refusal.__subclasses__())
    return sorted(found, key=lambda refusal: (refusal.status, refusal.code))
