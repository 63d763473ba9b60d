"""What a refusal is, and the one shape in which every error leaves: problem+json (RFC 9457)."""

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
        keeps_writes: whether what the request has written survives it. Default: as the class says.
    """

    status: int = 500
    code: str
    detail: str
    keeps_writes: bool = False  # evidence of the refused request survives it
    retry_after: ClassVar[int | None] = None  # seconds
    challenge: ClassVar[str | None] = None  # WWW-Authenticate, RFC 6750 section 3

    def __init__(
        self,
        reason: str = "",
        *,
        detail: str | None = None,
        errors: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        keeps_writes: bool | None = None,
    ) -> None:
        self.detail = detail or self.detail
        self.keeps_writes = self.keeps_writes if keeps_writes is None else keeps_writes
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


def _title(code: str) -> str:
    words = " ".join({"api": "API", "json": "JSON"}.get(word, word) for word in code.split("_"))
    return words[0].upper() + words[1:]


def described(refusal: Refusal | type[Refusal], request_id: str | None) -> dict[str, Any]:
    """The problem details that every refusal has (RFC 9457 section 3.1)."""
    return {
        "type": "/problems/" + refusal.code.replace("_", "-"),
        "title": _title(refusal.code),
        "status": refusal.status,
        "detail": refusal.detail,
        "code": refusal.code,
        "request_id": request_id,
    }


def catalogue() -> list[type[Refusal]]:
    """Every refusal, by status and code."""
    found: list[type[Refusal]] = []
    waiting = Refusal.__subclasses__()
    while waiting:
        refusal = waiting.pop()
        found.append(refusal)
        waiting.extend(refusal.__subclasses__())
    return sorted(found, key=lambda refusal: (refusal.status, refusal.code))
