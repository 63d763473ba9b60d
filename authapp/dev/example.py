"""The example of a front end beside authapp: `make example`."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator

import click

from authapp import instance
from authapp.dev.run import serve

CLIENTS = instance.ROOT / "clients"
PORT = 5173  # of clients/example/vite.config.ts; the Makefile names it in CORS_ORIGINS
OLDEST_NODE = (20, 19)  # that Vite 8 runs on
NEED_NODE = "The example needs Node.js 20.19 or newer"
WELCOME = f"""
The example is running.

  Open it:   http://localhost:{PORT}
  authapp:   {{url}}/docs
  Emails:    printed here, and in instance/emails

Stop both with Ctrl-C.
"""


@click.command()
def example() -> None:
    """Install and build clients/, then serve clients/example and authapp until Ctrl-C."""
    require_node()
    require_port()
    with contextlib.suppress(KeyboardInterrupt):
        install()
        npm("run", "--silent", "build")
        with front_end():
            serve("clients.example.api", None, WELCOME)


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
        click.echo("Installing the packages of clients/ ...")
        npm("ci", "--silent")


def npm(*command: str) -> None:
    """Run npm in clients/. What it says is shown."""
    if subprocess.run(["npm", *command], cwd=CLIENTS, check=False).returncode:  # noqa: S603, S607
        raise click.ClickException(f"npm {' '.join(command)} failed in clients/.")


@contextlib.contextmanager
def front_end() -> Iterator[None]:
    """Vite's server, in a process group of its own: Ctrl-C reaches this process alone, which ends it."""
    vite = subprocess.Popen(  # noqa: S603
        [CLIENTS / "node_modules" / ".bin" / "vite", "--logLevel", "warn"],
        cwd=CLIENTS / "example",
        stdin=subprocess.DEVNULL,
        process_group=0,
    )
    try:
        yield
    finally:
        vite.terminate()
        vite.wait()


if __name__ == "__main__":
    example()
