"""The errors of requests, each with its problem document (RFC 9457)."""

from __future__ import annotations

from typing import Any

CONTENT_TYPE = "application/problem+json"


class Refused(Exception):
    """A request that must not be served.

    Args:
        detail: a sentence for the client.
        code: what programs compare.
    """

    status = 403
    code = "forbidden"

    def __init__(self, detail: str, code: str = "") -> None:
        super().__init__(detail)
        self.detail, self.code = detail, code or self.code

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the response, `Content-Type` included."""
        return {"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store"}

    def document(self) -> dict[str, Any]:
        """The body of the response."""
        return {
            "type": "/problems/" + self.code.replace("_", "-"),
            "title": self.code.replace("_", " ").capitalize(),
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
        }


class Unauthenticated(Refused):
    """401: there is no good token."""

    status = 401
    code = "invalid_token"

    @property
    def headers(self) -> dict[str, str]:
        """With the challenge of RFC 6750 section 3: no error where no token was sent."""
        challenge = "Bearer" if self.code == "missing_token" else 'Bearer error="invalid_token"'
        return {**super().headers, "WWW-Authenticate": challenge}


class Forbidden(Refused):
    """403: the caller may not do this."""


class Unavailable(Refused):
    """503: authapp has to be asked, and cannot be. The reason is for the log."""

    status = 503
    code = "authapp_unavailable"
    retry_after = 2

    def __init__(self, reason: str) -> None:
        super().__init__("The authentication service is not available. Try again in a moment.")
        self.reason = reason

    def __str__(self) -> str:
        return self.reason

    @property
    def headers(self) -> dict[str, str]:
        """With `Retry-After`."""
        return {**super().headers, "Retry-After": str(self.retry_after)}
