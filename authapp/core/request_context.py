"""The request that is being served: its id, and where it came from."""

from __future__ import annotations

import ipaddress
import re
import socket
from functools import lru_cache
from typing import NamedTuple

from flask import g, has_request_context, request
from uuid_utils.compat import uuid7

from authapp.core import lengths

_ADDRESS_AND_PORT = re.compile(r"\[(.+)\](?::\d+)?|([\d.]+):\d+")  # RFC 7239 section 6
_ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")
# W3C Trace Context section 3.2: version, trace id, parent id, flags. A later version than 00 may have more behind them.
_TRACEPARENT = re.compile(
    r"(?!ff|00-.{52}-)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?"
)


class RequestInfo(NamedTuple):
    """What sessions and audit events keep of a request."""

    request_id: str | None = None
    ip_address: str | None = None
    user_agent: str | None = None


def request_id() -> str:
    """The id of the request that is being served.

    The caller's `X-Request-ID` where it is harmless, else the id of the trace that it is part of, else a new one. So an
    audit event leads to its trace.
    """
    found: str | None = g.get("request_id")
    if found is None:
        offered = request.headers.get("X-Request-ID", "")
        g.request_id = found = offered if _ACCEPTABLE_ID.fullmatch(offered) else trace_id() or str(uuid7())
    return found


def trace_id() -> str | None:
    """The id of the trace that the request is part of, None where `traceparent` names none or is malformed."""
    match = _TRACEPARENT.fullmatch(request.headers.get("traceparent", ""))
    return match[1] if match else None


def client_address() -> str | None:
    """The IP address of the client, as far as TRUSTED_PROXIES are believed; None if a proxy names none.

    IPv4 in its own form; without a port, and without the zone of `fe80::1%eth0`, which PostgreSQL's INET cannot store.
    """
    return _canonical(request.remote_addr or "")


def client_network() -> str:
    """What counts as one client where requests are counted: the IPv4 address, or the /64 of the IPv6 address.

    One IPv6 customer has at least a /64 (RFC 6177 section 2) and may use another address of it for each request.
    """
    address = client_address()
    if address is None or ":" not in address:
        return address or "unknown"
    return str(ipaddress.ip_network(f"{address}/64", strict=False))


def client_is_connected() -> bool:
    """Whether the other end of this request has not closed the connection. True where the server does not tell."""
    connection = request.environ.get("gunicorn.socket") if has_request_context() else None
    if connection is None:
        return True
    timeout = connection.gettimeout()
    connection.settimeout(0)
    try:
        return bool(connection.recv(1, socket.MSG_PEEK))
    except (BlockingIOError, ValueError):  # nothing has arrived; or a TLS connection, which cannot be peeked into
        return True
    except OSError:
        return False
    finally:
        connection.settimeout(timeout)


@lru_cache(1024)
def _canonical(text: str) -> str | None:
    match = _ADDRESS_AND_PORT.fullmatch(text)
    try:
        address = ipaddress.ip_address(match[1] or match[2] if match else text)
    except ValueError:
        return None
    return str(getattr(address, "ipv4_mapped", None) or address).partition("%")[0]


def request_info() -> RequestInfo:
    """Of the request that is being served. All None outside of one, in a command."""
    if not has_request_context():
        return RequestInfo()
    agent = request.user_agent.string.replace("\x00", "").encode("utf-8", "replace").decode()[: lengths.USER_AGENT]
    return RequestInfo(request_id=request_id(), ip_address=client_address(), user_agent=agent or None)
