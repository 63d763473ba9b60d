"""From a clone to a running service: `make run`."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread
from urllib.error import URLError

import click

from authapp import instance
from authapp.config import read_settings
from authapp.dev.database import development_database

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LOOPBACK = ("127.0.0.1", "::1")
SECONDS_BETWEEN_LOOKS = 0.5
UNWATCHED = {"instance", "migrations", "node_modules", "tests", "venv"}
WELCOME = """
authapp is running.

  Explore it:  {url}/docs
  Its pages:   {url}/sign-in

  Try it, line by line:

  curl -s {url}/api/v1/auth/register -H 'Content-Type: application/json' \\
    -d '{{"email": "ada@example.com", "password": "SecurePassword123", "organization_name": "Acme Research"}}'

  TOKEN=$(curl -s {url}/api/v1/auth/login -H 'Content-Type: application/json' \\
    -d '{{"email": "ada@example.com", "password": "SecurePassword123"}}' \\
    | python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])')

  curl -s {url}/api/v1/auth/me -H "Authorization: Bearer $TOKEN"

Stop it with Ctrl-C.
"""


@click.command()
@click.argument("module", default="wsgi")
@click.option("--host", envvar="HOST", help="The address to listen on. Default: the loopback addresses.")
def run(module: str, host: str | None) -> None:
    """Start PostgreSQL (unless DATABASE_URL names one), migrate, and serve `app` of MODULE with gunicorn on PORT.

    A changed Python file restarts gunicorn. PostgreSQL goes on.
    """
    stop_on_signals()
    serve(module, host, lambda url: click.echo(WELCOME.format(url=url)))


def stop_on_signals() -> None:
    """Have Ctrl-C, SIGTERM and SIGHUP raise KeyboardInterrupt, once: a second one would disturb the cleaning up."""
    for ending in ENDINGS:
        signal.signal(ending, _stop)


def _stop(*_: object) -> None:
    for ending in ENDINGS:
        signal.signal(ending, signal.SIG_IGN)
    raise KeyboardInterrupt


def serve(module: str, host: str | None, when_ready: Callable[[str], None]) -> None:
    """Serve `app` of a module until Ctrl-C, and call `when_ready` with its address as soon as it answers."""
    port = read_settings().port
    command = [sys.executable, "-m", "gunicorn", "--config", "python:authapp.dev.server", f"{module}:app"]
    for address in _free_addresses(host, port):
        command += ["--bind", address]
    with (
        contextlib.suppress(KeyboardInterrupt),
        development_database(),
        _calling_when_ready(when_ready, _url(host, port)),
    ):
        _serve(command)


def _free_addresses(host: str | None, port: int) -> list[str]:
    """The addresses to listen on: HOST, or 127.0.0.1 and, where this machine has IPv6, ::1."""
    found = []
    for address in [host] if host else LOOPBACK:
        is_ipv6 = ":" in address
        try:
            with socket.socket(socket.AF_INET6 if is_ipv6 else socket.AF_INET) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((address, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                reason = f"Port {port} is taken. Choose another: PORT={port + 1} make run"
                raise click.ClickException(reason) from None
            if host:
                raise click.ClickException(f"HOST={host}: {error.strerror}") from None
            continue
        found.append(f"[{address}]:{port}" if is_ipv6 else f"{address}:{port}")
    return found


def _serve(command: list[str]) -> None:
    """Run gunicorn until it ends, and a new one after each change. One that a change has broken waits for the next."""
    files, is_changed = _modified(), False
    while True:
        server = subprocess.Popen(command, process_group=0)  # noqa: S603  Ctrl-C reaches this process alone
        try:
            while (now := _modified()) == files:
                if server.poll() is not None and not is_changed:
                    sys.exit(server.returncode)
                time.sleep(SECONDS_BETWEEN_LOOKS)
        finally:
            server.terminate()
            server.wait()
        files, is_changed = now, True


def _modified() -> dict[Path, int]:
    """The Python files below the clone, and when each was changed."""
    found = {}
    for folder, folders, names in os.walk(instance.ROOT):
        folders[:] = [name for name in folders if not name.startswith(".") and name not in UNWATCHED]
        for path in (Path(folder, name) for name in names if name.endswith(".py")):
            with contextlib.suppress(FileNotFoundError):
                found[path] = path.stat().st_mtime_ns
    return found


def _url(host: str | None, port: int) -> str:
    if host in (None, *LOOPBACK, "0.0.0.0", "::"):  # noqa: S104
        return f"http://localhost:{port}"
    return f"http://[{host}]:{port}" if ":" in str(host) else f"http://{host}:{port}"


@contextlib.contextmanager
def _calling_when_ready(when_ready: Callable[[str], None], url: str) -> Iterator[None]:
    """Call the function from another thread, which has ended when this has."""
    is_over = Event()
    thread = Thread(target=_call_when_ready, args=(when_ready, url, is_over))
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def _call_when_ready(when_ready: Callable[[str], None], url: str, is_over: Event) -> None:
    while not is_over.wait(0.1):
        with (
            contextlib.suppress(URLError, OSError),
            urllib.request.urlopen(  # noqa: S310  our own address
                f"{url}/readyz", timeout=2
            ),
        ):
            break
    else:
        return
    when_ready(url)


if __name__ == "__main__":
    run()
