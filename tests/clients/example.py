"""clients/example as an operator would serve it: built, on an origin of its own, with a strict policy."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from authapp.instance import ROOT
from tests.browser.conftest import Site, serving_pages

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src {authapp}; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class _Handler(SimpleHTTPRequestHandler):
    """Files of a folder. Any other path is a page of the app, whose router reads it."""

    policy = ""

    def send_head(self):  # type: ignore[no-untyped-def]  # that of the standard library is private
        if not Path(self.translate_path(self.path)).is_file():
            self.path = "/index.html"
        return super().send_head()

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", self.policy)
        super().end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving_example(packages: Path, socket_folder: str, database: str, folder: Path) -> Iterator[tuple[str, Site]]:
    """The address of the example, and authapp with the example's API. The folder is for what is built."""
    api, built = folder / "api", folder / "dist"
    api.mkdir()
    (api / "wsgi.py").write_text("from clients.example.api import app\n")
    with ThreadingHTTPServer(("localhost", 0), partial(_Handler, directory=str(built))) as server:
        address = f"http://localhost:{server.server_port}"
        settings = {"CORS_ORIGINS": address, "FRONTEND_URL": address, "PYTHONPATH": str(ROOT)}
        with serving_pages(socket_folder, database, api, **settings) as site:
            build(packages, built, site.url)
            _Handler.policy = POLICY.format(authapp=site.url)
            thread = Thread(target=server.serve_forever)
            thread.start()
            yield address, site
            server.shutdown()
            thread.join()


def build(packages: Path, folder: Path, authapp: str) -> None:
    """Check the types and build with Vite."""
    programs = packages / "node_modules" / ".bin"
    check: list[str | Path] = [programs / "tsc", "--noEmit"]
    make: list[str | Path] = [programs / "vite", "build", "--logLevel", "warn", "--outDir", folder]
    for command in (check, make):
        done = subprocess.run(
            command,
            cwd=packages / "example",
            env={**os.environ, "VITE_AUTHAPP_URL": authapp},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
