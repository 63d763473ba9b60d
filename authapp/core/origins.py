"""Origins, as browsers write them."""

from __future__ import annotations

from urllib.parse import urlsplit

_DEFAULT_PORTS = {"https": ":443", "http": ":80"}


def origin_of(address: str) -> str:
    """The origin of an address as a browser writes it: lower case, without the default port (RFC 6454 section 6.2)."""
    scheme, host = urlsplit(address.lower())[:2]
    return f"{scheme}://{host.removesuffix(_DEFAULT_PORTS.get(scheme, ''))}"
