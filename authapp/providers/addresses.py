"""Which addresses a provider's host name has, and which of them are public."""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any

from authapp.providers.provider import ProviderUnavailable

Address = tuple[int, Any]
"""A family of addresses, and what `connect` takes there."""

_LOOK_UPS = 8  # at once; a resolver that hangs must not take all native threads
OF_SETTINGS = threading.BoundedSemaphore(_LOOK_UPS)
OF_TENANTS = threading.BoundedSemaphore(_LOOK_UPS)  # their hosts may hang, and hold nobody else up

# The registries of special-purpose addresses of IANA. `is_global` of Python 3.11 has not all of them.
_SPECIAL_IPV4 = [IPv4Network(text) for text in ("192.0.0.0/24", "192.88.99.0/24", "224.0.0.0/3")]
_GLOBAL_UNICAST = IPv6Network("2000::/3")  # RFC 4291 section 2.4
_SPECIAL_IPV6 = [IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")]
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052 section 2.1: the IPv4 address is in the last 32 bits


def resolve(
    host: str, port: int, until: float, *, allow_private: bool, look_ups: threading.BoundedSemaphore = OF_SETTINGS
) -> list[Address]:
    """The addresses of a host that may be connected to.

    Args:
        host: its name, or an address.
        port: where it listens.
        until: the deadline, by the monotonic clock.
        allow_private: whether addresses that are not public are among them.
        look_ups: OF_SETTINGS, or OF_TENANTS where somebody else than the operator has named the host.

    Raises:
        ProviderUnavailable: there is none, or no answer in time.
    """
    found = _look_up(host, port, until, look_ups)
    allowed = [(family, address) for family, address in found if allow_private or is_public(address[0])]
    if not allowed:
        raise ProviderUnavailable(f"{host} has no public address")
    return allowed


def _look_up(host: str, port: int, until: float, slots: threading.BoundedSemaphore) -> list[Address]:
    """Ask the resolver in a thread, because getaddrinfo takes no timeout."""
    found: list[Address] = []
    failures: list[Exception] = []

    def ask() -> None:
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.extend((family, address) for family, _, _, _, address in answers)
        except (OSError, UnicodeError) as error:
            failures.append(error)
        finally:
            slots.release()

    if not slots.acquire(timeout=max(0.0, until - time.monotonic())):
        raise ProviderUnavailable("the resolver does not answer")
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(max(0.0, until - time.monotonic()))
    if failures or not found:
        raise ProviderUnavailable(f"{host} cannot be resolved: {failures[0] if failures else 'no answer in time'}")
    return found


def is_public(text: str) -> bool:
    """Whether an address is a public one of a single host, also where it stands for an IPv4 address."""
    address = ipaddress.ip_address(text)
    if isinstance(address, IPv6Address):
        embedded = address.ipv4_mapped or (IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None)
        if embedded is None:
            return address in _GLOBAL_UNICAST and not any(address in network for network in _SPECIAL_IPV6)
        address = embedded
    return address.is_global and not any(address in network for network in _SPECIAL_IPV4)
