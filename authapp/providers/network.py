"""Connections to providers: to an address that was checked, with one deadline and a limit of bytes over everything."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from functools import cache
from typing import TypeVar

from httpcore import SOCKET_OPTION, NetworkBackend, NetworkStream

from authapp.providers.addresses import OF_SETTINGS, resolve
from authapp.providers.provider import ProviderUnavailable

MOST_BYTES = 256 * 1024  # of an answer, with its head and the certificates
_READ = 16 * 1024  # bytes at once, a TLS record

T = TypeVar("T")


@cache
def tls() -> ssl.SSLContext:
    """How TLS is spoken. Made when a provider is asked: the certificates of the system take time and memory."""
    return ssl.create_default_context()


class Network(NetworkBackend):
    """What httpcore connects with.

    Args:
        until: the deadline, by the monotonic clock.
        allow_private: whether addresses that are not public are connected to.
        look_ups: as for `resolve`.
    """

    def __init__(
        self, until: float, *, allow_private: bool, look_ups: threading.BoundedSemaphore = OF_SETTINGS
    ) -> None:
        self._until, self._allow_private, self._look_ups = until, allow_private, look_ups

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> NetworkStream:
        """Connect to the first address that accepts. Each has its share of the time that is left."""
        addresses = resolve(host, port, self._until, allow_private=self._allow_private, look_ups=self._look_ups)
        failure: OSError | None = None
        for tried, (family, address) in enumerate(addresses):
            connection = socket.socket(family, socket.SOCK_STREAM)
            try:
                connection.settimeout(seconds_until(self._until) / (len(addresses) - tried))
                connection.connect(address)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError as error:
                connection.close()
                failure = error
            except BaseException:  # a timeout of the worker
                connection.close()
                raise
            else:
                return Connection(connection, self._until)
        raise ProviderUnavailable(f"{host}: no connection: {failure}")


class Connection(NetworkStream):
    """A TCP connection. The time limits of httpcore are not used: they begin anew with every byte."""

    def __init__(self, connection: socket.socket, until: float) -> None:
        self._socket, self._until, self._left = connection, until, MOST_BYTES

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._socket.settimeout(seconds_until(self._until))
        received = self._socket.recv(min(max_bytes, _READ))
        self._left -= len(received)
        if self._left < 0:
            raise ProviderUnavailable(f"the answer has more than {MOST_BYTES} bytes")
        return received

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        while buffer:
            self._socket.settimeout(seconds_until(self._until))
            buffer = buffer[self._socket.send(buffer) :]

    def close(self) -> None:
        self._socket.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> NetworkStream:
        try:
            return TlsConnection(self, ssl_context, server_hostname)
        except BaseException:
            self.close()
            raise


class TlsConnection(NetworkStream):
    """TLS on such a connection. The record layer is in memory, so that each read of the handshake has the deadline.

    Under gevent, a TLS socket waits its whole timeout for each fragment of a record.
    """

    def __init__(self, connection: Connection, context: ssl.SSLContext, host: str | None) -> None:
        self._connection, self._incoming, self._outgoing = connection, ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self._run(self._tls.do_handshake)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            return self._run(lambda: self._tls.read(max_bytes))
        except ssl.SSLZeroReturnError:  # the other side has closed; without close_notify it is an SSLEOFError
            return b""

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        while buffer:
            sent = self._run(lambda rest=buffer: self._tls.write(rest))  # type: ignore[misc]
            buffer = buffer[sent:]

    def close(self) -> None:
        self._connection.close()

    def _run(self, action: Callable[[], T]) -> T:
        while True:
            try:
                result = action()
            except ssl.SSLWantReadError:
                self._connection.write(self._outgoing.read())
                if received := self._connection.read(_READ):
                    self._incoming.write(received)
                else:
                    self._incoming.write_eof()
            else:
                self._connection.write(self._outgoing.read())
                return result


def seconds_until(deadline: float) -> float:
    """How long is left.

    Raises:
        ProviderUnavailable: nothing is left.
    """
    left = deadline - time.monotonic()
    if left <= 0:
        raise ProviderUnavailable("no answer in time")
    return left
