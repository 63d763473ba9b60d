"""A real OpenID provider: oidc-provider-mock in a process of its own. It takes any client, and any person."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from tests.live import free_port, is_open


class OidcMock:
    """Its address, and what a browser would do there."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.issuer = f"http://127.0.0.1:{port}"
        self.discovery_url = f"{self.issuer}/.well-known/openid-configuration"

    def put(self, subject: str, **claims: Any) -> None:
        """Let it know a person."""
        status, _ = self._ask("PUT", f"/users/{quote(subject)}", json.dumps(claims), "application/json")
        assert status == 204

    def sign_in(self, authorization_url: str, subject: str) -> dict[str, str]:
        """Sign in there as this person, and return the parameters of the redirect."""
        url = urlsplit(authorization_url)
        form = urlencode({"sub": subject})
        status, location = self._ask("POST", f"{url.path}?{url.query}", form, "application/x-www-form-urlencoded")
        assert status == 302
        return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}

    def _ask(self, method: str, path: str, body: str, content_type: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        connection.request(method, path, body, {"Content-Type": content_type})
        response = connection.getresponse()
        response.read()
        connection.close()
        return response.status, response.headers.get("Location", "")


@contextmanager
def oidc_mock() -> Iterator[OidcMock]:
    port = free_port()
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), "--require-nonce", "true"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not is_open(port):
            assert process.poll() is None
            time.sleep(0.05)
        yield OidcMock(port)
    finally:
        process.kill()
        process.wait()
