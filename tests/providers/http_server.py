"""HTTP servers in a thread of the test process, for twins of providers."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import chain, repeat
from typing import Any

from werkzeug import Response
from werkzeug.serving import WSGIRequestHandler, make_server


class _Silent(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002  werkzeug's own name
        """Nothing."""


def json_response(content: Any, status: int = 200) -> Response:
    return Response(json.dumps(content), status=status, content_type="application/json")


@contextmanager
def serving_wsgi(app: Any, ssl_context: Any = None) -> Iterator[str]:
    """Serve a WSGI application on a free port of 127.0.0.1, and give its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Silent, ssl_context=ssl_context)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"{'https' if ssl_context else 'http'}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def serving_bytes(*parts: bytes, seconds: float = 0, endless: bytes = b"") -> Iterator[str]:
    """Answer each connection with these parts, whatever it sends, and then with an endless text.

    Args:
        seconds: between the parts.
    """
    over = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def answer(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            for part in chain(parts, repeat(endless) if endless else ()):
                connection.sendall(part)
                if over.wait(seconds):
                    return
            connection.shutdown(socket.SHUT_WR)
            connection.recv(65536)

    def accept() -> None:
        with suppress(OSError):  # it is closed
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=answer, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
