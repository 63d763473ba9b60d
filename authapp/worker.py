"""gunicorn's threaded worker, kept from slow clients, and speaking problem+json where no request was understood."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from http import HTTPStatus
from typing import Any

from gunicorn import util
from gunicorn.http import errors as gunicorn_errors
from gunicorn.workers.gthread import _DEFER, ThreadWorker
from structlog.contextvars import bound_contextvars
from uuid_utils.compat import uuid7

from authapp.core.errors import InternalError
from authapp.core.headers import DEFAULTS
from authapp.core.problems import CONTENT_TYPE
from authapp.core.refusal import Refusal, described

SECONDS_TO_SEND_A_BYTE = 0.05
SECONDS_TO_SEND_A_REQUEST = 5.0
SECONDS_AT_LEAST = 0.2
SECONDS_TO_TAKE_AN_ANSWER = 15.0
SECONDS_TO_SAY_GOODBYE = 0.3
MOST_READS_AFTER_GOODBYE = 16
_STATUS = {
    gunicorn_errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    gunicorn_errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    gunicorn_errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    gunicorn_errors.UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
}


class Worker(ThreadWorker):
    """A client that is slow to send its request or to take its answer is cut off, and holds no thread for long."""

    def init_process(self) -> None:
        self._queued_at: dict[Any, float] = {}
        self._read_by: dict[Any, float] = {}
        self._done_by: dict[Any, float] = {}
        threading.Thread(target=self._cut_off_the_slow, daemon=True).start()
        super().init_process()

    def enqueue_req(self, conn: Any) -> None:
        self._queued_at[conn] = time.monotonic()
        super().enqueue_req(conn)

    def handle(self, conn: Any) -> Any:
        now = time.monotonic()
        # the time runs while all threads are taken, or every slow client would get it after the other
        self._read_by[conn] = max(self._queued_at.pop(conn, now) + SECONDS_TO_SEND_A_REQUEST, now + SECONDS_AT_LEAST)
        self._done_by[conn] = now + SECONDS_TO_TAKE_AN_ANSWER
        try:
            if not conn.initialized and not conn.wait_for_data(SECONDS_TO_SEND_A_BYTE):
                return _DEFER  # to the poller, which costs no thread
            keep_alive = super().handle(conn)
            if not keep_alive:
                _say_goodbye(conn.sock)
            return keep_alive
        finally:
            self._read_by.pop(conn, None)
            self._done_by.pop(conn, None)

    def handle_request(self, req: Any, conn: Any) -> Any:
        """With the head read and no body announced, the request is whole: it may take its time and keep alive."""
        if not {"CONTENT-LENGTH", "TRANSFER-ENCODING"} & {name for name, _ in req.headers}:
            self._read_by.pop(conn, None)
        return super().handle_request(req, conn)

    def _cut_off_the_slow(self) -> None:
        """End reading where it takes too long (an answer can still be sent), and all where even that does."""
        while True:
            time.sleep(SECONDS_AT_LEAST)
            now = time.monotonic()
            for deadlines, how in ((self._read_by, socket.SHUT_RD), (self._done_by, socket.SHUT_RDWR)):
                for conn in [conn for conn, deadline in deadlines.copy().items() if deadline < now]:
                    with contextlib.suppress(OSError):
                        conn.sock.shutdown(how)

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: Exception) -> None:
        """Answer what is no HTTP request, or too long to be one, in the format of every other error."""
        request_id = str(uuid7())
        with bound_contextvars(request_id=request_id, ip_address=addr[0] if addr else None):
            if isinstance(exc, (gunicorn_errors.ParseException, OSError)):
                refusal = Refusal.of_status(_STATUS.get(type(exc), HTTPStatus.BAD_REQUEST))
                self.log.warning("Not a request: %s", type(exc).__name__)
            else:
                refusal = InternalError()
                self.log.exception("Error handling request")
        body = json.dumps(described(refusal, request_id))
        headers = {
            **DEFAULTS,
            "Connection": "close",
            "Content-Length": str(len(body)),
            "Content-Type": CONTENT_TYPE,
            "X-Request-ID": request_id,
        }
        lines = [f"HTTP/1.1 {refusal.status} {HTTPStatus(refusal.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        with contextlib.suppress(OSError):
            util.write_nonblock(client, "\r\n".join([*lines, "", body]).encode("latin-1"))


def _say_goodbye(connection: socket.socket) -> None:
    """Let the last answer arrive (RFC 9112 section 9.6), shortly, and not in the main loop as gunicorn would."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(SECONDS_TO_SAY_GOODBYE)
        for _ in range(MOST_READS_AFTER_GOODBYE):
            if not connection.recv(65536):
                break
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RD)
