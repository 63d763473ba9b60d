"""gunicorn's gevent worker with time limits, and with problem documents for malformed requests."""

from __future__ import annotations

import contextlib
import logging
import time
from functools import partial
from http import HTTPStatus
from typing import Any

import gevent
import structlog
from gevent import GreenletExit, with_timeout
from gunicorn.http import errors as http_errors
from gunicorn.workers.ggevent import GeventWorker

from authapp.config import read_settings
from authapp.core import metrics
from authapp.core.errors import ApiError, InternalError, RequestTimeout, ServiceUnavailable
from authapp.security.hash_queue import HashQueueFull
from authapp.web.openapi import routes_that_raise
from authapp.web.problems import raw_response

SECONDS_TO_READ = 5.0  # a request, from its first byte to its last; and until the next one begins
SECONDS_TO_ANSWER = 15.0  # until the client has taken the last byte
SECONDS_TO_ANSWER_HASHING = 28.0  # the same where a password is hashed; Heroku's router gives up after 30
SECONDS_TO_CLOSE, READS_TO_CLOSE = 0.5, 16
TOO_LATE = object()
_STATUS = {
    http_errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    http_errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    http_errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    http_errors.UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
}
log = structlog.get_logger("authapp")


class ClientSocket:
    """A client's connection. `read_until` is the deadline of the request that arrives, by the monotonic clock."""

    def __init__(self, connection: Any) -> None:
        self._connection, self.read_until, self.request, self.is_answered = connection, 0.0, None, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def recv(self, size: int, flags: int = 0) -> bytes:
        """What has arrived; nothing where no further request begins. Raises RequestTimeout behind the deadline."""
        if flags:  # MSG_PEEK, which reads nothing: whether the client is still connected
            return bytes(self._connection.recv(size, flags))
        received, seconds = None, SECONDS_TO_READ
        if self.read_until:
            gevent.sleep(0)  # others come in between: a body of tiny chunks takes long to parse
            seconds = self.read_until - time.monotonic()
        if seconds > 0:
            received = with_timeout(seconds, self._connection.recv, size, timeout_value=None)
        if received is None and self.read_until:
            raise RequestTimeout
        self.read_until = self.read_until or time.monotonic() + SECONDS_TO_READ
        return received or b""

    def close(self) -> None:
        """Close when the client has the whole answer (RFC 9112 section 9.6), or after a moment."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(gevent.socket.SHUT_WR)
            with_timeout(SECONDS_TO_CLOSE, self._read_on, timeout_value=None)
        self._connection.close()

    def _read_on(self) -> None:
        for _ in range(READS_TO_CLOSE):
            if not self._connection.recv(65536):
                break


class Worker(GeventWorker):
    """gunicorn's worker for `authapp.server.settings`."""

    def load_wsgi(self) -> None:
        super().load_wsgi()
        self._settings = read_settings()
        self._hashing = routes_that_raise(HashQueueFull, self.wsgi)
        self.wsgi: Any = partial(_serve, self.wsgi)

    def timeout_ctx(self) -> Any:
        return contextlib.nullcontext()  # ClientSocket limits the time

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        super().handle(listener, ClientSocket(client), addr)

    def handle_request(self, listener_name: Any, req: Any, sock: ClientSocket, addr: Any) -> Any:
        sock.request, sock.is_answered = req, False
        if req.version >= (1, 1) and "HOST" not in dict(req.headers):
            raise http_errors.InvalidHeader("HOST")  # RFC 9112 section 3.2
        seconds = SECONDS_TO_ANSWER_HASHING if (req.method, req.path) in self._hashing else SECONDS_TO_ANSWER
        work = partial(super().handle_request, listener_name, req, sock, addr)
        try:
            if (done := with_timeout(seconds, work, timeout_value=TOO_LATE)) is not TOO_LATE:
                return done
            if sock.is_answered:  # and the client does not take it
                raise StopIteration
            raise ServiceUnavailable(f"no answer after {seconds} seconds")
        finally:
            sock.read_until = 0.0
            gevent.sleep(0)  # other connections come first: the next request of this one may be there already

    def handle_error(self, req: Any, client: ClientSocket, addr: Any, exc: BaseException) -> None:
        if isinstance(exc, GreenletExit):
            return  # the worker stops, and this request had its time
        error = _api_error_of(exc)
        request_id, raw = raw_response(error, self._settings)
        metrics.count_error(error.code)
        log.log(
            logging.ERROR if isinstance(error, InternalError) else logging.WARNING,
            "request.refused",
            code=error.code,
            reason=error.reason or str(exc),
            path=getattr(req, "path", None),
            request_id=request_id,
            ip_address=addr[0] if addr else None,
            exc_info=exc if isinstance(error, InternalError) else None,
        )
        with contextlib.suppress(OSError):
            with_timeout(SECONDS_TO_CLOSE, client.sendall, raw, timeout_value=None)


def _api_error_of(error: BaseException) -> ApiError:
    if isinstance(error, ApiError):
        return error
    if isinstance(error, (http_errors.ParseException, OSError)):
        return ApiError.of_status(_STATUS.get(type(error), HTTPStatus.BAD_REQUEST))
    return InternalError()


def _serve(app: Any, environ: Any, start_response: Any) -> Any:
    """Close the connection behind an answer that is given before the request has been read as a whole."""
    client, body = environ["gunicorn.socket"], environ["wsgi.input"]

    def start(*response: Any) -> Any:
        client.is_answered = True
        if getattr(body.reader, "length", 1) and getattr(body.reader, "parser", body.reader) is not None:
            client.request.force_close()
        return start_response(*response)

    return app(environ, start)
