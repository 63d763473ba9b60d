"""The other end of a connection: slow to send, slow to take an answer, slow to leave."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import socket
import threading
from typing import Any

from authapp.core.strict import LARGEST_BODY

LONGEST_HEAD = 64 * 1024  # bytes that may arrive before somebody has a look at them
SECONDS_TO_SAY_GOODBYE = 0.3
MOST_READS_AFTER_GOODBYE = 16
_LENGTH = re.compile(rb"\r\nContent-Length:[ \t]*(\d{1,9})", re.IGNORECASE)
_EXPECTS = re.compile(rb"\r\nExpect:", re.IGNORECASE)


class ClientSocket(socket.socket):
    """A connection whose other end may be slow to take what is sent, as long as there are not too many of its kind."""

    def __init__(self, connection: socket.socket, slow: threading.BoundedSemaphore) -> None:
        super().__init__(connection.family, connection.type, connection.proto, connection.detach())
        self._slow = slow

    def sendall(self, data: Any, flags: int = 0) -> None:
        try:
            sent = self.send(data, flags | socket.MSG_DONTWAIT)
        except BlockingIOError:
            sent = 0
        if sent == len(data):
            return
        if not self._slow.acquire(blocking=False):
            raise BrokenPipeError(errno.EPIPE, "too many clients are slow")
        try:
            super().sendall(memoryview(data)[sent:], flags)
        finally:
            self._slow.release()


def has_arrived(conn: Any) -> bool:
    """Take in what there is, without waiting. Says whether that is a request, or will not become one any more."""
    buffer = conn.parser.unreader.buf
    while not _is_request(buffer.getvalue()):
        try:
            received = conn.sock.recv(65536, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True  # whoever reads on will meet it again
        if not received:
            return True
        buffer.seek(0, os.SEEK_END)
        buffer.write(received)
    return True


def _is_request(received: bytes) -> bool:
    """Whether there is nothing to wait for: also where a body comes in chunks, is too large or is being held back."""
    head, end, body = received.partition(b"\r\n\r\n")
    if not end:
        return len(head) > LONGEST_HEAD
    length = _LENGTH.search(head)
    return length is None or not len(body) < int(length[1]) <= LARGEST_BODY or bool(_EXPECTS.search(head))


def say_goodbye(connection: socket.socket) -> None:
    """Let the last answer arrive (RFC 9112 section 9.6), shortly, and not in the main loop as gunicorn would."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(SECONDS_TO_SAY_GOODBYE)
        for _ in range(MOST_READS_AFTER_GOODBYE):
            if not connection.recv(65536):
                break
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RD)
