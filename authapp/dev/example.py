"""The example of a front end beside authapp: `make example`."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import click

from authapp import instance
from authapp.dev.run import serve, stop_on_signals

CLIENTS = instance.ROOT / "clients"
PORT = 5173  # of clients/example/vite.config.ts; the Makefile names it in CORS_ORIGINS
OLDEST_NODE = (20, 19)  # that Vite 8 runs on
NEED_NODE = "The example needs Node.js 20.19 or newer"
SECONDS_FOR_VITE = 30
WELCOME = f"""
The example is running. Emails are printed here, and are in instance/emails. Stop it with Ctrl-C.

  authapp:  {{url}}/docs
  Open it:  http://localhost:{PORT}
"""


@click.command()
def example() -> None:
    """Install and build clients/, then serve authapp, and clients/example as soon as authapp answers, until Ctrl-C."""
    require_node()
    require_port()
    stop_on_signals()
    with contextlib.suppress(KeyboardInterrupt), contextlib.ExitStack() as stack:
        install()
        build()
        click.echo("Starting authapp ...")
        serve("clients.example.api", None, lambda url: open_front_end(stack, url))


def require_node() -> None:
    """Refuse a machine without Node.js, or with one that is too old."""
    if not (shutil.which("node") and shutil.which("npm")):
        raise click.ClickException(f"{NEED_NODE}, and npm. Install it from https://nodejs.org.")
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()  # noqa: S607
    if tuple(map(int, re.findall(r"\d+", said)[:2])) < OLDEST_NODE:
        raise click.ClickException(f"{NEED_NODE}, and this is {said}. Install a newer one from https://nodejs.org.")


def require_port() -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", PORT))
        except OSError:
            raise click.ClickException(f"Port {PORT} is taken. Another example may be running: stop it.") from None


def install() -> None:
    """Install what the lock file names, unless that was done since it changed."""
    done, lock = CLIENTS / "node_modules" / ".package-lock.json", CLIENTS / "package-lock.json"
    if not done.exists() or done.stat().st_mtime < lock.stat().st_mtime:
        click.echo("Installing the packages of clients/ with npm ...")
        npm("ci", "--silent")


def build() -> None:
    """Build the packages that the example uses."""
    click.echo("Building the packages of clients/ ...")
    npm("run", "--silent", "build")


def npm(*command: str) -> None:
    """Run npm in clients/. What it says is shown."""
    with started("npm", *command, folder=CLIENTS) as program:
        if program.wait():
            raise click.ClickException(f"npm {' '.join(command)} failed in clients/.")


def open_front_end(stack: contextlib.ExitStack, url: str) -> None:
    """Start Vite's server, which ends with the stack, and say where both are."""
    click.echo("Starting the front end ...")
    vite = CLIENTS / "node_modules" / ".bin" / "vite"
    program = stack.enter_context(started(vite, "--logLevel", "warn", folder=CLIENTS / "example"))
    deadline = time.monotonic() + SECONDS_FOR_VITE
    while program.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("localhost", PORT), timeout=1):
            click.echo(WELCOME.format(url=url))
            return
        time.sleep(0.1)
    click.echo("Vite does not answer. Stop authapp with Ctrl-C.", err=True)


@contextlib.contextmanager
def started(*command: str | Path, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A program in a process group of its own: Ctrl-C reaches this process alone, which ends that group."""
    program = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, process_group=0)  # noqa: S603
    try:
        yield program
    finally:
        if program.poll() is None:
            os.killpg(program.pid, signal.SIGTERM)
        program.wait()


if __name__ == "__main__":
    example()
