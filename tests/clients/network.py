"""What stands between a browser and authapp in these tests: a proxy that can fail, and a server of files."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

DROPPED = {"accept-encoding", "connection", "content-length", "date", "keep-alive", "server", "transfer-encoding"}
WAIT = 60  # seconds
REFRESH = "/api/v1/auth/refresh"
TYPES = {".html": "text/html", ".js": "text/javascript"}


@dataclass
class Request:
    """What a browser asks, or asks of a proxy."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def refreshes(self) -> bool:
        return (self.method, self.path) == ("POST", REFRESH)


@dataclass
class Reply:
    """What it is answered."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Ask = Callable[[], Reply]
Rule = Callable[[Request, Ask], Reply | None]
"""What becomes of a request: the reply, or None to close the connection without one. `ask` sends it to the server."""


def pass_on(_: Request, ask: Ask) -> Reply | None:
    return ask()


def be_down(_: Request, _ask: Ask) -> Reply | None:
    """As if nothing could be reached."""
    return None


def jitter(milliseconds: int) -> Rule:
    """Let refresh requests, and the replies to them, take up to so much time more: they overtake each other."""

    def delay(request: Request, ask: Ask) -> Reply | None:
        if not request.refreshes:
            return ask()
        time.sleep(random.random() * milliseconds / 1000)
        reply = ask()
        time.sleep(random.random() * milliseconds / 1000)
        return reply

    return delay


@dataclass
class Hold:
    """A rule that keeps the reply to the first refresh until it is released."""

    has_come: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    def __call__(self, request: Request, ask: Ask) -> Reply | None:
        is_first = request.refreshes and not self.has_come.is_set()
        if is_first:
            self.has_come.set()
        reply = ask()
        if is_first:
            self.released.wait(WAIT)
        return reply


@dataclass
class Change:
    """A rule that changes the replies to so many refreshes, or drops them, and then follows another rule."""

    number: int
    change: Callable[[Reply], Reply | None]
    then: Rule = pass_on

    def __call__(self, request: Request, ask: Ask) -> Reply | None:
        if self.number == 0 or not request.refreshes:
            return ask() if self.number else self.then(request, ask)
        reply = ask()
        self.number -= 1
        return self.change(reply)


def dropped(_: Reply) -> Reply | None:
    return None


@dataclass
class Proxy:
    """Between the browser and a server. Each connection has one request: Chromium repeats one on a reused connection.

    Args:
        server: the port of the server.
    """

    server: int
    port: int = 0
    rule: Rule = pass_on
    seen: list[tuple[str, str, int]] = field(default_factory=list)  # method, path, status of each reply of the server
    open: int = 0  # requests that have no reply yet
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def handle(self, request: Request) -> Reply | None:
        def ask() -> Reply:
            reply = _forward(self.server, request)
            self.seen.append((request.method, request.path, reply.status))
            return reply

        with self._lock:
            self.open += 1
        try:
            return self.rule(request, ask)
        finally:
            with self._lock:
                self.open -= 1

    @contextmanager
    def holding(self) -> Iterator[Hold]:
        """Keep the reply to the first refresh."""
        hold = Hold()
        with self.following(hold):
            try:
                yield hold
            finally:
                hold.released.set()

    def wait_until_idle(self) -> None:
        """Wait until nothing is on its way, nor comes for a moment."""
        quiet = time.monotonic()
        while time.monotonic() < quiet + 0.1:
            if self.open:
                quiet = time.monotonic()
            time.sleep(0.01)

    def statuses(self, path: str, since: int = 0) -> list[int]:
        """Of the replies for a path."""
        return [status for method, seen, status in self.seen[since:] if seen == path and method != "OPTIONS"]

    @contextmanager
    def following(self, rule: Rule) -> Iterator[None]:
        """Meanwhile, do this with requests."""
        self.rule = rule
        try:
            yield
        finally:
            self.rule = pass_on


@dataclass
class Files:
    """A server of a page that imports a client: an origin of its own. /echo answers with what it was asked.

    Args:
        page: the file that is answered at /.
        client: the folder that is answered under /client/.
    """

    page: Path
    client: Path
    port: int = 0
    echoed: list[Request] = field(default_factory=list)

    @property
    def origin(self) -> str:
        return f"http://localhost:{self.port}"

    def handle(self, request: Request) -> Reply:
        path, _, query = request.path.partition("?")
        if path == "/echo":
            return self._echo(request, query)
        file = self.page if path == "/" else self.client / path.removeprefix("/client/")
        return Reply(200, [("Content-Type", TYPES[file.suffix])], file.read_bytes())

    def _echo(self, request: Request, query: str) -> Reply:
        cors = [("Access-Control-Allow-Origin", "*"), ("Access-Control-Allow-Headers", "authorization, *")]
        if request.method == "OPTIONS":
            return Reply(200, cors, b"")
        self.echoed.append(request)
        if query:
            return Reply(307, [*cors, ("Location", query)], b"")
        body = json.dumps({"authorization": request.headers.get("authorization")}).encode()
        return Reply(200, [*cors, ("Content-Type", "application/json")], body)


@contextmanager
def listening(on: Proxy | Files) -> Iterator[None]:
    """Serve it on a port of its own, in threads of this process."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = on.handle(Request(self.command, self.path, headers, body))
            if reply is not None:
                self._send(reply)

        do_GET = do_POST = do_PATCH = do_DELETE = do_OPTIONS = answer  # noqa: N815  its names

        def _send(self, reply: Reply) -> None:
            self.send_response_only(reply.status)
            for name, value in [*reply.headers, ("Connection", "close")]:
                self.send_header(name, value)
            if reply.status != HTTPStatus.NO_CONTENT:
                self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            """A browser that has left, or a server that is down."""

    with Server(("127.0.0.1", 0), Handler) as server:
        on.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield
        server.shutdown()
        thread.join()


def _forward(port: int, request: Request) -> Reply:
    headers = {name: value for name, value in request.headers.items() if name not in DROPPED}
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request(request.method, request.path, request.body or None, headers)
        response = connection.getresponse()
        kept = [(name, value) for name, value in response.getheaders() if name.lower() not in DROPPED]
        return Reply(response.status, kept, response.read())
