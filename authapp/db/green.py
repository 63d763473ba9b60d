"""psycopg2 under gevent: while it waits for PostgreSQL, other requests go on."""

from __future__ import annotations

from typing import Any

from gevent import Timeout
from gevent.socket import wait_read, wait_write
from psycopg2 import OperationalError, extensions

from authapp.db.engine import CONNECT_TIMEOUT_SECONDS

_WAITS = {extensions.POLL_READ: wait_read, extensions.POLL_WRITE: wait_write}


def wait_with_gevent() -> None:
    """Let every connection of this process wait in gevent's event loop (psycopg2's documentation: Green mode)."""
    extensions.set_wait_callback(_wait)


def _wait(connection: Any) -> None:
    if connection.status != extensions.STATUS_SETUP:
        _poll(connection)
        return
    # connecting: in this mode libpq does not look at connect_timeout
    with Timeout(CONNECT_TIMEOUT_SECONDS, OperationalError("timeout expired while connecting")):
        _poll(connection)


def _poll(connection: Any) -> None:
    while (state := connection.poll()) != extensions.POLL_OK:
        _WAITS[state](connection.fileno())
