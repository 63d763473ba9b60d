"""authapp with ES256 in a process of its own, and the services of docs/verifying-tokens.md behind it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPMessage
from pathlib import Path
from threading import Thread
from typing import Any

from werkzeug.serving import make_server

from authapp.config import Settings
from authapp.instance import ROOT
from tests.live import exchange, free_port, serving
from tests.pages import blocks, page

PAGE = "docs/verifying-tokens.md"
ADDRESS = "https://auth.example.com"
PACKAGE = str(ROOT / "clients" / "python")
WSGI = "from authapp import create_app\napp = create_app()\napp.keys.reload_seconds = 0.2\n"
MAX_AGE = 2  # in the place of 5
DJANGO = """
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import JsonResponse
from django.urls import path
from guards import member

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"])


@member("developer", max_age=5)
def list_models(request, organization_id):
    return JsonResponse({"role": request.member.role})


urlpatterns = [path("organizations/<str:organization_id>/models", list_models)]
app = get_wsgi_application()
"""


def examples() -> dict[str, str]:
    """The Python examples of the page, by the name of the file to save each as."""
    names = re.findall(r"Save\s+this\s+as\s+`(\w+)\.py`:\n\n```python", page(PAGE))
    return dict(zip(names, blocks(PAGE, "python"), strict=True))


class Counted:
    """A WSGI application in this process, which counts requests, and can be slow, or answer otherwise."""

    def __init__(self, app: Any, port: int) -> None:
        self._app, self.paths = app, list[str]()
        self.status, self.headers = "", dict[str, str]()
        self.delay = self.delay_after = 0.0
        self.server = make_server("127.0.0.1", port, self, threaded=True)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __call__(self, environ: Any, start_response: Any) -> Any:
        self.paths.append(environ["PATH_INFO"])
        time.sleep(self.delay)
        if self.status:
            redirect = {"Location": f"{self.url}/healthz"} if self.status.startswith("302") else {}
            start_response(self.status, list({**redirect, **self.headers}.items()))
            return []
        answer = self._app(environ, start_response)
        time.sleep(self.delay_after)
        return answer

    def count(self, path: str) -> int:
        return sum(each.endswith(path) for each in self.paths)


@contextmanager
def counted(app: Any, port: int) -> Iterator[Counted]:
    """Serve it in a thread."""
    made = Counted(app, port)
    thread = Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield made
    finally:
        made.server.shutdown()
        thread.join()
        made.server.server_close()


@contextmanager
def authapp_process(settings: Settings, folder: Path, secret_key: str, port: int) -> Iterator[None]:
    """authapp on the database of the test."""
    (folder / "quick.py").write_text(WSGI)
    environment = {
        "DATABASE_URL": settings.database_url, "PUBLIC_URL": f"http://127.0.0.1:{port}", "BCRYPT_ROUNDS": "4",
        "PORT": str(port), "WEB_CONCURRENCY": "1", "MAIL_URL": "memory:", "SECRET_KEY": secret_key,
        "ALGORITHM": "ES256",
    }  # fmt: skip
    command = ("gunicorn", "-c", "python:authapp.server.settings", "--graceful-timeout", "1", "quick:app")
    with serving(*command, folder=folder, **environment):
        yield


class Service:
    """A service of the page, in a process of its own."""

    def __init__(self, port: int) -> None:
        self._port = port

    def models(self, organization_id: str, token: str) -> tuple[int, str]:
        """The status, and the role or the code of the error."""
        status, _, body = self.answer(f"/organizations/{organization_id}/models", token)
        return status, body.get("role") or body["code"]

    def me(self, token: str) -> int:
        return self.answer("/me", token)[0]

    def answer(self, path: str, token: str) -> tuple[int, HTTPMessage, dict[str, Any]]:
        status, headers, body = exchange(self._port, "GET", path, token=token)
        if status >= 400:
            assert headers["Content-Type"] == "application/problem+json", json.dumps(body)
            assert body["status"] == status
        assert ("WWW-Authenticate" in headers) == (status == 401)
        assert ("Retry-After" in headers) == (status == 503)
        return status, headers, body


@contextmanager
def service(name: str, folder: Path, url: str, service_key: str, on_stale: str = "refuse") -> Iterator[Service]:
    """FastAPI with uvicorn, or Flask or Django with waitress."""
    for file, text in {**examples(), "service_django": DJANGO}.items():
        changed = text.replace(f'"{ADDRESS}"', f'"{url}", on_stale="{on_stale}"')
        (folder / f"{file}.py").write_text(changed.replace("max_age=5", f"max_age={MAX_AGE}"))
    commands = {
        "service_fastapi": ("uvicorn", "--port", "{port}", "service_fastapi:app"),
        "service_django": ("waitress", "--listen=127.0.0.1:{port}", "service_django:app"),
        "service_flask": ("waitress", "--listen=127.0.0.1:{port}", "service_flask:app"),
    }
    environment = {"PYTHONPATH": PACKAGE, "AUTHAPP_SERVICE_KEY": service_key}
    with serving(*commands[name], folder=folder, PORT=str(free_port()), **environment) as (_, port, _said):
        yield Service(port)
