"""Clients that cost little: one thread drives many connections and reads just as much HTTP as it needs."""

from __future__ import annotations

import json
import selectors
import socket
import time
from collections import Counter, deque
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from typing import Any

Script = Generator[bytes, bytes, None]
"""Yields requests and is given the body of each answer."""


@dataclass
class Outcome:
    """What some clients saw."""

    latencies: list[float] = field(default_factory=list)  # seconds
    statuses: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0

    def quantile(self, share: float) -> float:
        """The latency that this share of the requests stayed below, in milliseconds."""
        ordered = sorted(self.latencies)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000


def request(method: str, path: str, token: str = "", body: dict[str, Any] | None = None) -> bytes:
    """A request below /api/v1, ready to be sent."""
    lines = [f"{method} /api/v1{path} HTTP/1.1", "Host: localhost"]
    lines += [f"Authorization: Bearer {token}"] if token else []
    data = json.dumps(body) if body is not None else ""
    lines += ["Content-Type: application/json", f"Content-Length: {len(data)}"] if data else []
    return "\r\n".join([*lines, "", data]).encode()


def always(sent: bytes) -> Script:
    """The same request, again and again."""
    while True:
        yield sent


def some(script: Script, number: int) -> Script:
    """So many requests of a script."""
    sent = next(script)
    for _ in range(number):
        body = yield sent
        sent = script.send(body)


def closed_loop(port: int, scripts: Iterable[Script], seconds: float) -> Outcome:
    """Run each script on a connection of its own, the next request as soon as the answer is there, for some time.

    It lasts until the first answer at least. What is under way then is waited for, and not counted.
    """
    outcome = Outcome()
    with _Connections(outcome) as connections:
        started = time.perf_counter()
        for script in scripts:
            connections.send(_Connection(port, script), next(script), time.perf_counter())
        while connections.busy:
            over = time.perf_counter() >= started + seconds and bool(outcome.latencies)
            if over:
                connections.outcome = Outcome()
            for connection, body in connections.answers():
                connections.follow(connection, body, over)
            if not over:
                outcome.seconds = time.perf_counter() - started
    return outcome


def open_loop(port: int, sent: bytes, per_second: float, seconds: float, keep: int = 8) -> Outcome:
    """Send the request at even intervals, whether answers come or not. Latency runs from when it was due."""
    outcome = Outcome()
    with _Connections(outcome) as connections:
        idle = deque(_Connection(port) for _ in range(keep))
        started = time.perf_counter()
        dues = deque(started + number / per_second for number in range(int(per_second * seconds)))
        while dues or connections.busy:
            now = time.perf_counter()
            while dues and dues[0] <= now:
                connections.send(idle.popleft() if idle else _Connection(port), sent, dues.popleft())
            wait = max(dues[0] - time.perf_counter(), 0) if dues else None
            idle.extend(connection for connection, _ in connections.answers(wait))
        outcome.seconds = time.perf_counter() - started
        for connection in idle:
            connection.socket.close()
    return outcome


class _Connection:
    def __init__(self, port: int, script: Script | None = None) -> None:
        self.script = script
        self.port = port
        self.received = b""
        self.sent_at = 0.0
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)

    def answer(self) -> tuple[int, bytes, bool] | None:
        """Status, body and whether the server keeps the connection, or None until all is there."""
        head, blank, rest = self.received.partition(b"\r\n\r\n")
        if not blank:
            return None
        lowered = head.lower()
        _, named, length = lowered.partition(b"content-length:")
        expected = int(length.split(b"\r\n", 1)[0]) if named else 0
        if len(rest) < expected:
            return None
        return int(head[9:12]), rest, b"connection: close" not in lowered


class _Connections:
    """Those that wait for an answer."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome, self.selector = outcome, selectors.DefaultSelector()

    def __enter__(self) -> _Connections:
        return self

    def __exit__(self, *_: object) -> None:
        self.selector.close()

    @property
    def busy(self) -> bool:
        return bool(self.selector.get_map())

    def send(self, connection: _Connection, sent: bytes, due: float) -> None:
        connection.received, connection.sent_at = b"", due
        connection.socket.sendall(sent)
        self.selector.register(connection.socket, selectors.EVENT_READ, connection)

    def follow(self, connection: _Connection, body: bytes, over: bool) -> None:
        """Give the script its answer, and send what it says next, unless it is over."""
        assert connection.script is not None
        try:
            following = connection.script.send(body)
        except StopIteration:
            over = True
        if over:
            connection.socket.close()
        else:
            self.send(connection, following, time.perf_counter())

    def answers(self, wait: float | None = None) -> list[tuple[_Connection, bytes]]:
        """Connections whose answer has come, each with its body. One that the server closes is opened again."""
        complete = []
        for key, _ in self.selector.select(wait):
            connection: _Connection = key.data
            try:
                chunk = connection.socket.recv(65536)
            except OSError:
                chunk = b""
            connection.received += chunk
            answer = connection.answer()
            if answer is None and chunk:
                continue
            self.selector.unregister(connection.socket)
            status, body, kept = answer or (0, b"", False)
            self.outcome.statuses[status] += 1
            self.outcome.latencies.append(time.perf_counter() - connection.sent_at)
            if not kept:
                connection.socket.close()
                connection.socket = socket.create_connection(("127.0.0.1", connection.port), timeout=60)
            complete.append((connection, body))
        return complete
