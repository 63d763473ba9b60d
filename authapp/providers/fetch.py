"""Requests to providers: no redirect is followed, and time and size have limits."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping
from ipaddress import IPv6Address
from typing import Any, NamedTuple
from urllib.parse import urlencode

import httpcore

from authapp.core import strict_json
from authapp.providers import network
from authapp.providers.addresses import OF_SETTINGS
from authapp.providers.provider import ProviderUnavailable

SECONDS = 5.0  # for one request, whatever it waits for
SECONDS_OF_ALL = 9.0  # for all requests of a sign-in
_HEADERS = {
    "User-Agent": "authapp",  # GitHub answers 403 without one
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "Connection": "close",
}
_ADDRESS = re.compile(
    r"(https?)://(?:(?![\w.-]{254})(?:[\w-]{1,63}\.)*[\w-]{1,63}\.?|\[([0-9A-Fa-f:.]{2,45})\])"
    r"(?::([0-9]{1,5}))?(?:[/?][!$-;=?-Z_a-z~\[\]]*)?",
    re.ASCII,
)
_LONGEST_ADDRESS = 2048
_BUSY = (408, 425, 429)
_TROUBLE = (httpcore.ProtocolError, httpcore.NetworkError, httpcore.TimeoutException, OSError)


class Answer(NamedTuple):
    """What a provider has answered, with a status of 2xx or 4xx."""

    status: int
    body: bytes

    @property
    def is_error(self) -> bool:
        return self.status >= 400

    def json(self) -> Any:
        """The body.

        Raises:
            ProviderUnavailable: it is not JSON.
        """
        try:
            return strict_json.parse(self.body)
        except ValueError as error:
            raise ProviderUnavailable(f"the answer is not JSON: {error}") from None

    def object(self) -> dict[str, Any]:
        """The same, of an answer that is no error and has a JSON object.

        Raises:
            ProviderUnavailable: it is something else.
        """
        found = None if self.is_error else self.json()
        if not isinstance(found, dict):
            raise ProviderUnavailable(f"the answer has status {self.status} and is no JSON object: {self.excerpt()}")
        return found

    def excerpt(self) -> str:
        """The first characters, for the log."""
        return ascii(self.body[:200].decode("latin-1"))


class Fetcher:
    """Makes the requests that a sign-in needs, within one time limit.

    Args:
        allow_private: whether private addresses and plain HTTP are allowed, as they are outside production.
        look_ups: as for `addresses.resolve`.
    """

    def __init__(self, *, allow_private: bool, look_ups: threading.BoundedSemaphore = OF_SETTINGS) -> None:
        self.allow_private, self._look_ups = allow_private, look_ups
        self.until = time.monotonic() + SECONDS_OF_ALL

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Ask with GET.

        Raises:
            ProviderUnavailable: no answer in time, or one that is too large, a redirect or a fault of the provider.
        """
        return self._request("GET", url, headers or {})

    def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Answer:
        """Send a form with POST.

        Raises:
            ProviderUnavailable: as with `get`.
        """
        content_type = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._request("POST", url, {**content_type, **(headers or {})}, urlencode(form).encode())

    def _request(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        address = httpcore.URL(checked_address(url, allow_private=self.allow_private))
        until = min(self.until, time.monotonic() + SECONDS)
        backend = network.Network(until, allow_private=self.allow_private, look_ups=self._look_ups)
        host, sent = address.host.decode(), [*_HEADERS.items(), *headers.items()]
        try:
            with (
                httpcore.HTTPConnection(
                    address.origin, ssl_context=network.tls(), network_backend=backend
                ) as connection,
                connection.stream(method, address, headers=sent, content=body) as response,
            ):
                if not 200 <= response.status < 300 and (not 400 <= response.status < 500 or response.status in _BUSY):
                    raise ProviderUnavailable(f"{host} answers with status {response.status}")
                return Answer(response.status, b"".join(response.iter_stream()))
        except _TROUBLE as error:
            raise ProviderUnavailable(f"{host}: {type(error).__name__}: {error}") from error


def checked_address(url: object, *, allow_private: bool) -> str:
    """An address that may be asked: absolute, https, nothing in it that libraries read differently.

    Raises:
        ProviderUnavailable: it is something else.
    """
    found = _ADDRESS.fullmatch(url) if isinstance(url, str) and len(url) <= _LONGEST_ADDRESS else None
    if found is None or (found[2] and not _is_ipv6(found[2])) or int(found[3] or 443) not in range(1, 65536):
        raise ProviderUnavailable(f"not an address: {url!a:.200}")
    if found[1] != "https" and not allow_private:
        raise ProviderUnavailable(f"not an https address: {url!a:.200}")
    return found[0]


def _is_ipv6(text: str) -> bool:
    """Whether this is an IPv6 address. What else is in brackets, libraries refuse with errors of their own."""
    try:
        IPv6Address(text)
    except ValueError:
        return False
    return True
