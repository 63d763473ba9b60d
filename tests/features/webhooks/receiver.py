"""A receiver of webhooks, and the jobs that lead to it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from werkzeug import Request, Response

from authapp.services.webhooks import sending
from tests.factories import Person, World
from tests.features.audit.test_sealing import seal
from tests.providers.http_server import serving_wsgi

LONG_AGO = "UPDATE webhook_deliveries SET due_at = now() - interval '1 h' WHERE due_at IS NOT NULL"
FREE = "UPDATE webhooks SET free_at = now() - interval '1 h'"


@dataclass
class Receiver:
    """What has arrived, and what is answered: the statuses in turn, and then 204."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    received: list[dict[str, Any]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        message = {"headers": dict(request.headers), "body": request.get_data(), "path": request.path}
        with self.lock:
            self.received.append(message)
            status = self.statuses.pop(0) if self.statuses else 204
        return Response(b"x" * 100_000 if status != 204 else b"", status, self.headers)(environ, start_response)

    def types(self) -> list[str]:
        """The actions that have arrived."""
        return [json.loads(message["body"])["type"] for message in self.received]

    def ids(self) -> list[str]:
        return [message["headers"]["Webhook-Id"] for message in self.received]


@contextmanager
def receiving(*statuses: int, **headers: str) -> Iterator[Receiver]:
    receiver = Receiver(statuses=list(statuses), headers=headers)
    with serving_wsgi(receiver) as address:
        receiver.url = f"{address}/hook"
        yield receiver


def webhooks_of(person: Person) -> str:
    return f"/organizations/{person.organization_id}/webhooks"


def create(person: Person, url: str, actions: list[str] | None = None) -> dict[str, Any]:
    response = person.call("POST", webhooks_of(person), {"url": url, "actions": actions})
    assert response.status_code == 201, response.text
    created: dict[str, Any] = response.get_json()
    return created


def rename(person: Person, name: str) -> None:
    """Cause an event of the organization."""
    assert person.call("PATCH", f"/organizations/{person.organization_id}", {"name": name}).status_code == 200


def deliver(world: World, *, all_due: bool = True) -> None:
    """Seal what has happened, and send what is due, as the worker does.

    Args:
        all_due: let all that waits for another attempt be due.
    """
    seal(world)
    if all_due:
        world.sql(LONG_AGO)
        world.sql(FREE)
    with world.app.app_context():
        sending.send_due(threading.Event())


def deliveries(person: Person, webhook: dict[str, Any], query: str = "") -> list[dict[str, Any]]:
    """The list, newest first."""
    response = person.call("GET", f"{webhooks_of(person)}/{webhook['id']}/deliveries{query}")
    assert response.status_code == 200, response.text
    items: list[dict[str, Any]] = response.get_json()["items"]
    return items


def verifies(message: dict[str, Any], secret: str) -> bool:
    """Whether a signature of a message is made with this secret, as the specification has it."""
    headers = message["headers"]
    signed = f"{headers['Webhook-Id']}.{headers['Webhook-Timestamp']}.".encode() + message["body"]
    digest = hmac.new(base64.b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}" in headers["Webhook-Signature"].split(" ")
