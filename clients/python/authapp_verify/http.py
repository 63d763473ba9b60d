"""Requests to authapp: pooled connections, time limits, no redirects, bounded bodies."""

from __future__ import annotations

import json
import os
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from urllib3 import PoolManager, Timeout
from urllib3.exceptions import HTTPError, ProtocolError

from authapp_verify.errors import Unavailable

LOCAL = {"localhost", "127.0.0.1", "::1"}
LONGEST_BODY = 256 * 1024
CONNECTIONS = 32


class Answer(NamedTuple):
    """What authapp has answered."""

    status: int
    headers: dict[str, str]  # names in lower case
    body: bytes

    def json(self) -> dict[str, Any]:
        """The object in the body, an empty one where there is none."""
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}


class Http:
    """Sends GET requests to one authapp.

    Args:
        url: of authapp.
        timeout: seconds for a connection, and for each wait for data.
        insecure: plain HTTP to other hosts than this one is allowed.
    """

    def __init__(self, url: str, timeout: float = 3.0, insecure: bool = False) -> None:
        self.url = url.rstrip("/")
        self.timeout, self._insecure = timeout, insecure
        self._pool: PoolManager | None = None
        self._pid = 0
        self.require_https(self.url)

    def require_https(self, url: str) -> None:
        """Refuse an address to which tokens would go in plain text.

        Raises:
            ValueError: it is neither https, nor this host, nor allowed.
        """
        parts = urlsplit(url)
        allowed = parts.scheme == "https" or (parts.scheme == "http" and (self._insecure or parts.hostname in LOCAL))
        if not allowed or not parts.hostname or parts.username or parts.query or parts.fragment:
            raise ValueError(f"{url!r} is not an https address. Plain http is for localhost, or with insecure=True.")

    def get(self, url: str, token: str = "", query: dict[str, str] | None = None) -> Answer:
        """Ask once, and once more where a kept connection was closed meanwhile.

        Raises:
            Unavailable: there is no answer.
        """
        try:
            try:
                return self._get(url, token, query)
            except ProtocolError:
                return self._get(url, token, query)
        except HTTPError as error:
            raise Unavailable(f"authapp does not answer: {type(error).__name__}") from error

    def _get(self, url: str, token: str, query: dict[str, str] | None) -> Answer:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        response = self._connections().request(
            "GET", url, fields=query, headers=headers, redirect=False, retries=False, preload_content=False,
        )  # fmt: skip
        body = response.read(LONGEST_BODY + 1, decode_content=False)
        if len(body) > LONGEST_BODY:
            response.close()
            raise Unavailable("authapp answers too much")
        response.release_conn()
        return Answer(response.status, {name.lower(): value for name, value in response.headers.items()}, body)

    def _connections(self) -> PoolManager:
        """The connections of this process: those from before a fork belong to the parent."""
        if self._pool is None or self._pid != os.getpid():
            self._pool = PoolManager(
                maxsize=CONNECTIONS, timeout=Timeout(connect=self.timeout, read=self.timeout),
                headers={"Accept": "application/json", "User-Agent": "authapp-verify"},
            )  # fmt: skip
            self._pid = os.getpid()
        return self._pool
