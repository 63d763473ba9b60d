"""What takes too long is ended from outside: a thread that waits on a socket cannot do that for itself."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog
from psycopg2 import InterfaceError
from sqlalchemy import event
from sqlalchemy.pool import Pool

LOOKS_EVERY = 0.2  # seconds
SECONDS_TO_SEND_A_REQUEST = 5.0
SECONDS_FOR_A_TRANSACTION = 8.0
SECONDS_FOR_A_REQUEST = 15.0  # until the answer is taken
SECONDS_IN_LINE = 28.0  # the same for one that stands in line; Heroku's router gives up after 30
SECONDS_TO_UNWIND = 5.0

log = structlog.get_logger("authapp")
_transactions: dict[Any, float] = {}


@dataclass(slots=True)
class _Request:
    queued_at: float
    begun_at: float | None = None
    seconds: float = SECONDS_FOR_A_REQUEST
    is_deferred: bool = False
    message: Any = None  # gunicorn's, once the head is read


class Deadlines:
    """Watches the requests and the database connections of this process.

    Args:
        retire: called once, when a request goes on after everything that it could wait for was taken from it.
    """

    def __init__(self, retire: Callable[[], None]) -> None:
        self._requests: dict[Any, _Request] = {}
        self._retire = retire
        self.is_stuck = False

    def start(self) -> None:
        event.listen(Pool, "checkout", _note_transaction)
        event.listen(Pool, "checkin", _forget_transaction)
        event.listen(Pool, "invalidate", _forget_transaction)
        threading.Thread(target=self._watch, name="deadlines", daemon=True).start()

    def queued(self, connection: Any) -> None:
        """From here on the client's time runs: while all threads are taken, too, or the slow would get it in turn."""
        self._requests.setdefault(connection, _Request(time.monotonic())).is_deferred = False

    def begun(self, connection: Any, in_line: bool) -> None:
        request = self._requests[connection]
        request.begun_at = time.monotonic()
        request.seconds = SECONDS_IN_LINE if in_line else SECONDS_FOR_A_REQUEST

    def deferred(self, connection: Any) -> None:
        """It is not there as a whole, and its time goes on to run."""
        request = self._requests[connection]
        request.begun_at, request.is_deferred = None, True

    def read_head(self, connection: Any, message: Any) -> None:
        self._requests[connection].message = message

    def done(self, connection: Any) -> None:
        self._requests.pop(connection, None)

    def _watch(self) -> None:
        while True:
            time.sleep(LOOKS_EVERY)
            now = time.monotonic()
            for connection, request in self._requests.copy().items():
                if request.begun_at is not None:
                    self._end(connection, request, now, request.begun_at)
                elif request.is_deferred and now > request.queued_at + SECONDS_TO_SEND_A_REQUEST:
                    self.done(connection)
                    _shut(connection.sock, socket.SHUT_RD)  # an answer can still be sent
            for connection, since in _transactions.copy().items():
                if now > since + SECONDS_FOR_A_TRANSACTION:
                    _hang_up_on_the_database(connection)

    def _end(self, connection: Any, request: _Request, now: float, begun_at: float) -> None:
        read_by = max(request.queued_at + SECONDS_TO_SEND_A_REQUEST, begun_at + LOOKS_EVERY)
        if now > begun_at + request.seconds:
            _shut(connection.sock, socket.SHUT_RDWR)
        elif now > read_by and not (request.message and is_whole(request.message.body)):
            _shut(connection.sock, socket.SHUT_RD)
        if now > begun_at + request.seconds + SECONDS_TO_UNWIND and not self.is_stuck:
            log.critical("request.stuck", path=getattr(request.message, "path", None))
            self.is_stuck = True
            self._retire()


def _note_transaction(connection: Any, *_: object) -> None:
    _transactions[connection] = time.monotonic()


def _forget_transaction(connection: Any, *_: object) -> None:
    _transactions.pop(connection, None)


def _hang_up_on_the_database(connection: Any) -> None:
    """End the wait for a server that is frozen or gone without a word. No setting of PostgreSQL or TCP does."""
    log.error("database.silent", seconds=SECONDS_FOR_A_TRANSACTION)
    _transactions.pop(connection, None)
    with contextlib.suppress(InterfaceError):  # closed by now
        _shut(socket.socket(fileno=os.dup(connection.fileno())), socket.SHUT_RDWR)


def is_whole(body: Any) -> bool:
    """Whether all of a request has arrived: it may take its time then, and its connection can be kept."""
    return getattr(body.reader, "length", None) == 0 or getattr(body.reader, "parser", body.reader) is None


def _shut(end: socket.socket, how: int) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(how)
