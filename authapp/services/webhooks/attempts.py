"""One attempt to deliver a message: a POST to an address that was checked, with one deadline over everything."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from ssl import SSLCertVerificationError, SSLError
from typing import NamedTuple
from uuid import UUID

import httpcore

from authapp.core import clock
from authapp.providers import network
from authapp.providers.addresses import OF_TENANTS
from authapp.providers.fetch import checked_address
from authapp.providers.provider import ProviderUnavailable
from authapp.security.webhook_signatures import signature

SECONDS = 10.0  # from the resolver to the head of the answer
LONGEST_RETRY_AFTER = timedelta(hours=1)
_LONGEST_ERROR = 300
_MOST_DIGITS = 6


class Message(NamedTuple):
    """What is sent, where to, and what signs it."""

    id: UUID
    url: str
    body: bytes
    secrets: Sequence[str]


class Outcome(NamedTuple):
    """How an attempt has ended. `error`: in words, None if the message has arrived."""

    status: int | None
    error: str | None
    retry_after: timedelta = timedelta()


def send(message: Message, *, allow_private: bool) -> Outcome:
    """Send a message. No redirect is followed, and of the answer nothing but its head is read.

    Args:
        message: what to send.
        allow_private: whether private addresses and plain HTTP are allowed, as they are outside production.
    """
    until = time.monotonic() + SECONDS
    try:
        address = httpcore.URL(checked_address(message.url, allow_private=allow_private))
        backend = network.Network(until, allow_private=allow_private, look_ups=OF_TENANTS)
        with (
            httpcore.HTTPConnection(address.origin, ssl_context=network.tls(), network_backend=backend) as connection,
            connection.stream("POST", address, headers=_headers(message), content=message.body) as response,
        ):
            return _outcome(response.status, dict(response.headers))
    except ProviderUnavailable as error:
        return _failed(error.reason)
    except (httpcore.ProtocolError, httpcore.NetworkError, httpcore.TimeoutException, OSError) as error:
        return _failed(_words(error))


def _headers(message: Message) -> list[tuple[str, str]]:
    timestamp = int(clock.now().timestamp())
    return [
        ("Content-Type", "application/json"),
        ("User-Agent", "authapp"),
        ("Connection", "close"),
        ("webhook-id", str(message.id)),
        ("webhook-timestamp", str(timestamp)),
        ("webhook-signature", signature(message.secrets, message.id, timestamp, message.body)),
    ]


def _outcome(status: int, headers: dict[bytes, bytes]) -> Outcome:
    if 200 <= status < 300:
        return Outcome(status, None)
    given = next((value for name, value in headers.items() if name.lower() == b"retry-after"), b"")
    return Outcome(status, f"status {status}", _retry_after(given.decode("latin-1").strip()))


def _retry_after(text: str) -> timedelta:
    """How long the other side asks to wait (RFC 9110 section 10.2.3): seconds, or a date."""
    try:
        if text.isascii() and text.isdigit():
            wait = timedelta(seconds=int(text[:_MOST_DIGITS]))
        else:
            moment = parsedate_to_datetime(text)
            wait = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - clock.now()
    except (ValueError, TypeError, OverflowError):
        return timedelta()
    return min(max(wait, timedelta()), LONGEST_RETRY_AFTER)


def _failed(reason: str) -> Outcome:
    return Outcome(None, reason.replace("\x00", "")[:_LONGEST_ERROR])


def _words(error: Exception) -> str:
    """What is stored of an error: nothing that the other side has sent."""
    if isinstance(error, SSLCertVerificationError):
        return f"TLS: {error.verify_message}"
    if isinstance(error, SSLError):
        return f"TLS: {error.reason}"
    if isinstance(error, (TimeoutError, httpcore.TimeoutException)):
        return "no answer in time"
    return "the answer is not HTTP" if isinstance(error, httpcore.ProtocolError) else "the connection was closed"
