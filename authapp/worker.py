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
from uuid_utils.compat import uuid7

from authapp.core.errors import InternalError, Refusal, described
from authapp.core.headers import DEFAULTS
from authapp.core.problems import CONTENT_TYPE

SECONDS_TO_SEND_A_BYTE = 0.05
SECONDS_TO_SEND_A_REQUEST = 5.0
_STATUS = {
    gunicorn_errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    gunicorn_errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    gunicorn_errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    gunicorn_errors.UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
}


class Worker(ThreadWorker):
    """A client that has not sent its whole request in time is cut off, so that it cannot hold a thread for long."""

    def init_process(self) -> None:
        self._deadlines: dict[Any, float] = {}
        threading.Thread(target=self._cut_off_the_slow, daemon=True).start()
        super().init_process()

    def enqueue_req(self, conn: Any) -> None:
        """The time runs from the moment when there is something to read, also while all threads are taken."""
        self._deadlines[conn] = time.monotonic() + SECONDS_TO_SEND_A_REQUEST
        super().enqueue_req(conn)

    def handle(self, conn: Any) -> Any:
        try:
            if not conn.initialized and not conn.wait_for_data(SECONDS_TO_SEND_A_BYTE):
                return _DEFER  # to the poller, which costs no thread
            return super().handle(conn)
        finally:
            self._deadlines.pop(conn, None)

    def _cut_off_the_slow(self) -> None:
        """End reading where it takes too long. What has arrived can still be read, and an answer be sent."""
        while True:
            time.sleep(1)
            now = time.monotonic()
            for conn in [conn for conn, deadline in self._deadlines.copy().items() if deadline < now]:
                with contextlib.suppress(OSError):
                    conn.sock.shutdown(socket.SHUT_RD)

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: Exception) -> None:
        """Answer what is no HTTP request, or too long to be one, in the format of every other error."""
        if isinstance(exc, (gunicorn_errors.ParseException, OSError)):
            status = _STATUS.get(type(exc), HTTPStatus.BAD_REQUEST)
            refusal = Refusal.other(int(status), status.name.lower(), f"{status.phrase}.")
            self.log.warning("Not a request: %s", type(exc).__name__)
        else:
            refusal = InternalError()
            self.log.exception("Error handling request")
        request_id = str(uuid7())
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
