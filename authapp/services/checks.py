"""Checks: whether somebody may do something, for proxies and other services."""

from __future__ import annotations

from authapp.core.actor import Actor
from authapp.core.errors import Forbidden


class InvalidCheck(Forbidden):
    """403, because nginx takes any status of a check but 2xx, 401 and 403 for an error of its own."""

    code = "invalid_check"
    detail = "This check is malformed, and nobody passes it."


def headers_of(actor: Actor) -> dict[str, str]:
    """What a proxy tells the service behind it of the caller."""
    found = {
        "X-Auth-Subject": actor.id,
        "X-Auth-Type": actor.type,
        "X-Auth-Session": actor.session_id,
        "X-Auth-Organization": actor.organization and actor.organization.id,
        "X-Auth-Role": actor.role,
    }
    return {name: str(value) for name, value in found.items() if value}
