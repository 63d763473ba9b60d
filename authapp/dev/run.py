"""From a clone to a running service: `make run`."""

from __future__ import annotations

import contextlib
import socket
import sys
import time
import urllib.request
from collections.abc import Iterator
from threading import Thread
from typing import Any
from urllib.error import URLError

import click
import flask_migrate
from gunicorn.app.wsgiapp import WSGIApplication

from authapp import create_app, instance
from authapp.config import read_settings
from authapp.dev.postgres import ROLE, create_database, embedded_postgres
from authapp.mail.sender import send_in_background

WELCOME = """
authapp is running.

  Explore it:  {url}/docs

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
def run(module: str) -> None:
    """Start PostgreSQL (unless DATABASE_URL names one), migrate, and serve `app` of MODULE with gunicorn on PORT."""
    settings = read_settings()
    _refuse_taken_port(settings.port)
    with _database(settings.database_url):
        app = create_app()
        with app.app_context():
            flask_migrate.upgrade()
        sys.argv = ["gunicorn", "--config", "python:authapp.server.settings", f"{module}:app"]
        gunicorn = WSGIApplication()
        gunicorn.cfg.set("post_worker_init", lambda worker: _started(worker, settings.port))
        gunicorn.run()


@contextlib.contextmanager
def _database(url: str) -> Iterator[None]:
    """The embedded server for as long as it is needed, or nothing where another one is named."""
    if url != instance.database_url():
        yield
        return
    with embedded_postgres(instance.postgres_folder()) as socket_folder:
        create_database(socket_folder, ROLE)
        yield


def _refuse_taken_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise click.ClickException(f"Port {port} is taken. Choose another: PORT={port + 1} make run") from None


def _started(worker: Any, port: int) -> None:
    """Send emails from each worker, and print the first steps once the first worker answers."""
    app = worker.app.callable
    if app.mailer:
        send_in_background(app, app.mailer)
    if worker.age == 1:
        Thread(target=_print_when_ready, args=(f"http://localhost:{port}",), daemon=True).start()


def _print_when_ready(url: str) -> None:
    for _ in range(100):
        with (
            contextlib.suppress(URLError, OSError),
            urllib.request.urlopen(  # noqa: S310  our own address
                f"{url}/readyz", timeout=2
            ),
        ):
            click.echo(WELCOME.format(url=url))
            return
        time.sleep(0.1)


if __name__ == "__main__":
    run()
