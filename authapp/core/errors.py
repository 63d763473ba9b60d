"""The catalogue of refusals: every status, code and sentence that this service answers with from 400 up."""

from __future__ import annotations

from authapp.core.refusal import Refusal


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


class InvalidApiKey(InvalidToken):
    code = "invalid_api_key"
    detail = "This API key is not valid: mistyped, expired, rotated away or revoked. Ask an admin for another."


class InvalidInvitation(Unauthorized):
    code = "invalid_invitation"
    detail = "This invitation is not valid: used, declined, withdrawn, sent anew or expired. Ask for another."


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


class ApiKeyNotAllowed(Forbidden):
    code = "api_key_not_allowed"
    detail = "This needs a person: sign in. An API key acts inside its organization only and has no account."


class NotYourInvitation(Forbidden):
    code = "not_your_invitation"
    detail = "This invitation was sent to another address. Use the account with that address."
    keeps_writes = True


class NotFound(Refusal):
    status = 404
    code = "not_found"
    detail = "There is nothing here."


class SessionNotFound(NotFound):
    code = "session_not_found"
    detail = "You have no live session with this id."


class MemberNotFound(NotFound):
    code = "member_not_found"
    detail = "This organization has no member with this id."


class InvitationNotFound(NotFound):
    code = "invitation_not_found"
    detail = "This organization has no pending invitation with this id."


class ApiKeyNotFound(NotFound):
    code = "api_key_not_found"
    detail = "This organization has no live API key with this id."


class MethodNotAllowed(Refusal):
    status = 405
    code = "method_not_allowed"
    detail = "This address does not take that method; see the Allow header."


class RequestTimeout(Refusal):
    status = 408
    code = "request_timeout"
    detail = "The request took too long to arrive. Send it again, in less than 5 seconds."


class Conflict(Refusal):
    status = 409
    code = "conflict"
    detail = "This collides with something that exists, or refers to something that does not."


class EmailTaken(Conflict):
    code = "email_taken"
    detail = "An account with this email exists. Sign in, or use another address."


class SlugTaken(Conflict):
    code = "slug_taken"
    detail = "Another organization has this slug. Choose another."


class LastAdmin(Conflict):
    code = "last_admin"
    detail = "This organization would be left without an active admin. Make another member an admin, or delete it."


class AlreadyMember(Conflict):
    code = "already_member"
    detail = "This address belongs to a member of the organization."


class InvitationPending(Conflict):
    code = "invitation_pending"
    detail = "This address has a pending invitation. Send that one again, or revoke it first."


class SeatsExhausted(Conflict):
    code = "seats_exhausted"
    detail = "Every seat of this organization is taken. Ask an admin to free one or to extend the subscription."


class LimitReached(Conflict):
    code = "limit_reached"
    detail = "There are as many as the limit allows. Remove one that is no longer needed."


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
