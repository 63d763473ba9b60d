"""The bodies of messages. They are made of the event at each attempt, so that an erased one is sent as it is then."""

from __future__ import annotations

import json
from typing import Any

from authapp.schemas.audit import AuditEvent

LARGEST = 64 * 1024
_TOO_LARGE = {"omitted": "The details are larger than a message may be. Read them from the audit log."}
_SCHEMA = AuditEvent()


def body_of(event: Any) -> bytes:
    """The body: the action, when it was, and the event as the audit log of its organization shows it."""
    data = _SCHEMA.dump(event)
    body = _as_json(data)
    return body if len(body) <= LARGEST else _as_json({**data, "details": _TOO_LARGE})


def _as_json(data: dict[str, Any]) -> bytes:
    content = {"type": data["action"], "timestamp": data["created_at"], "data": data}
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
