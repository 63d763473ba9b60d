"""gunicorn's threaded worker, kept from slow clients and long lines, with problem+json for what is no request."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

import structlog
from flask import Flask
from gunicorn import util
from gunicorn.http import errors as gunicorn_errors
from gunicorn.workers.gthread import _DEFER, ThreadWorker
from uuid_utils.compat import uuid7

from authapp.clients import ClientSocket, has_arrived, say_goodbye
from authapp.core.errors import HashQueueFull, InternalError
from authapp.core.headers import DEFAULTS
from authapp.core.openapi import refusals_of, routes
from authapp.core.problems import CONTENT_TYPE
from authapp.core.refusal import Refusal, described
from authapp.deadlines import Deadlines, is_whole
from authapp.security.passwords import WAITING

REFUSING = 7  # threads that tell those for whom there is no place in the line
_STATUS = {
    gunicorn_errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    gunicorn_errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    gunicorn_errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    gunicorn_errors.UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
}
_ASIDE = object()

log = structlog.get_logger("authapp")


class Worker(ThreadWorker):
    """Requests that hash a password stand in a line of their own, so that they take no thread from all others.

    A request gets a thread once it is there as a whole, and half of the threads never wait for clients that are slow to
    take their answers. Who is too slow is cut off.
    """

    def init_process(self) -> None:
        self._line = ThreadPoolExecutor(1 + WAITING + REFUSING, thread_name_prefix="line")
        self._slow = threading.BoundedSemaphore(max(1, self.cfg.threads // 2))
        self._deadlines = Deadlines(self._retire)
        self._deadlines.start()
        super().init_process()

    def load_wsgi(self) -> None:
        super().load_wsgi()
        self._hashing = hashing_routes(self.wsgi)
        self.wsgi: Any = closing_behind_half_a_request(self.wsgi)

    def enqueue_req(self, conn: Any) -> None:
        self._deadlines.queued(conn)
        super().enqueue_req(conn)

    def handle(self, conn: Any) -> Any:
        in_line = isinstance(conn.parser, _HasRead)
        self._deadlines.begun(conn, in_line)
        result = None
        try:
            if not conn.initialized:
                conn.sock = ClientSocket(conn.sock, self._slow)
                conn.init()
            arrived = in_line or not self.alive or has_arrived(conn)
            result = super().handle(conn) if arrived else _DEFER  # to the poller, which costs no thread
            if not result:
                say_goodbye(conn.sock)
            return result
        finally:
            if result is _DEFER:
                self._deadlines.deferred(conn)
            elif result is not _ASIDE:
                self._deadlines.done(conn)

    def handle_request(self, req: Any, conn: Any) -> Any:
        self._deadlines.read_head(conn, req)
        if req.version >= (1, 1) and "HOST" not in dict(req.headers):
            raise gunicorn_errors.InvalidHeader("HOST")  # RFC 9112 section 3.2
        path = "/" + unquote(req.path).lstrip("/")  # as werkzeug reads it
        if (req.method, path) in self._hashing and not getattr(req, "in_line", False):
            req.in_line = True
            conn.parser = _HasRead(conn, req)
            future = self._line.submit(self.handle, conn)
            future.add_done_callback(lambda done: self.method_queue.defer(self.finish_request, conn, done))
            return _ASIDE
        return super().handle_request(req, conn)

    def _keepalive_after(self, conn: Any, keepalive: Any) -> Any:
        return keepalive if keepalive is _ASIDE else super()._keepalive_after(conn, keepalive)

    def finish_request(self, conn: Any, fs: Any) -> None:
        if not fs.cancelled() and fs.exception() is None and fs.result() is _ASIDE:
            return  # it is the line's from here on
        super().finish_request(conn, fs)

    def _retire(self) -> None:
        """Finish what can be finished, and make room for a new process."""
        self.alive = False
        self.method_queue.defer(lambda: None)

    def run(self) -> None:
        super().run()
        if self._deadlines.is_stuck:
            os._exit(1)  # the interpreter would wait for the thread that is stuck

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: Exception) -> None:
        """Answer what is no HTTP request, or too long to be one, in the format of every other error."""
        request_id = str(uuid7())
        where = {"request_id": request_id, "ip_address": addr[0] if addr else None}
        if isinstance(exc, (gunicorn_errors.ParseException, OSError)):
            refusal = Refusal.of_status(_STATUS.get(type(exc), HTTPStatus.BAD_REQUEST))
            log.warning("request.malformed", reason=type(exc).__name__, **where)
        else:
            refusal = InternalError()
            log.error("request.crashed", exc_info=exc, **where)
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


class _HasRead:
    """Stands for the parser of a connection once, and hands out the request that it has read already."""

    def __init__(self, conn: Any, req: Any) -> None:
        self._conn, self._parser, self._req = conn, conn.parser, req

    def __next__(self) -> Any:
        self._conn.parser = self._parser
        return self._req


def hashing_routes(app: Any) -> set[tuple[str, str]]:
    """The methods and paths that say of themselves that they may find the line for hashing full."""
    if not isinstance(app, Flask):
        return set()
    return {(method, rule.rule) for rule, method, view in routes(app) if HashQueueFull in refusals_of(view)}


def closing_behind_half_a_request(app: Any) -> Any:
    """Announce that the connection ends with an answer that is given before the request was there as a whole."""

    def serve(environ: Any, start_response: Any) -> Any:
        def start(status: str, headers: Any, *error: Any) -> Any:
            if not is_whole(environ["wsgi.input"]):
                start_response.__self__.force_close()
            return start_response(status, headers, *error)

        return app(environ, start)

    return serve
