"""The public keys of authapp: found by discovery, kept, and fetched again when they are old or a key is unknown."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any, NamedTuple

from jwt import PyJWK, PyJWTError

from authapp_verify.errors import Unavailable
from authapp_verify.http import Http

LIFETIME = 300.0  # seconds, the max-age of authapp
INTERVAL = 30.0  # between two fetches for unknown keys
FIRST_INTERVAL = 1.0  # the same while there is no key at all
ALGORITHMS = {"ES256": "EC", "RS256": "RSA", "EdDSA": "OKP"}
"""What authapp signs with, and the type of the key. HS256 and none are not among them."""

log = logging.getLogger("authapp_verify")


class KeySet(NamedTuple):
    """A key set as it was published."""

    issuer: str
    keys: dict[str, PyJWK]


class Keys:
    """The key set of one authapp.

    Args:
        http: asks it.
        issuer: what discovery has to name.
    """

    def __init__(self, http: Http, issuer: str) -> None:
        self._http, self._issuer = http, issuer
        self._found: KeySet | None = None
        self._asked = self._good = float("-inf")
        self._lock = threading.Lock()

    def is_at_hand(self, kid: str) -> bool:
        """Whether `find` answers without a request."""
        return self._found is not None and kid in self._found.keys and not self._is_old()

    def find(self, kid: str) -> tuple[PyJWK | None, str]:
        """The key of this name, if there is one, and the issuer.

        Raises:
            Unavailable: it is unknown, and authapp could not be asked.
        """
        found = self._found
        if found is None or kid not in found.keys:
            with self._lock:  # whoever waits here reads what the other has fetched
                found = self._refreshed(kid)
        elif self._is_old() and self._lock.acquire(blocking=False):
            try:
                found = self._refreshed(kid)
            finally:
                self._lock.release()
        key = found.keys.get(kid)
        if key is None and self._good < self._asked:
            raise Unavailable("the keys could not be fetched")
        return key, found.issuer

    def _is_old(self) -> bool:
        now = time.monotonic()
        return now - self._good > LIFETIME and now - self._asked > INTERVAL

    def _refreshed(self, kid: str) -> KeySet:
        """The set, fetched again where that is due. The last good one stays while authapp is away."""
        found, now = self._found, time.monotonic()
        known = found is not None and kid in found.keys and not self._is_old()
        if not known and now - self._asked >= (INTERVAL if found else FIRST_INTERVAL):
            self._asked = now
            try:
                self._found = found = self._fetch()
                self._good = now
            except Unavailable as error:
                log.warning("The keys of authapp cannot be fetched: %s", error)
                if found is None:
                    raise
        if found is None:
            raise Unavailable("no keys are known yet")
        return found

    def _fetch(self) -> KeySet:
        metadata = self._json(f"{self._http.url}/.well-known/oauth-authorization-server")
        issuer, address = metadata.get("issuer"), metadata.get("jwks_uri")
        if issuer != self._issuer or not isinstance(address, str):
            raise Unavailable(f"discovery names the issuer {issuer!r}, and {self._issuer!r} is expected")
        try:
            self._http.require_https(address)
        except ValueError as error:
            raise Unavailable(str(error)) from None
        members = self._json(address).get("keys")
        keys = dict(filter(None, map(_key_of, members if isinstance(members, list) else [])))
        if not keys:
            raise Unavailable("authapp publishes no keys: set its ALGORITHM to ES256")
        return KeySet(issuer, keys)

    def _json(self, url: str) -> dict[str, Any]:
        answer = self._http.get(url)
        if answer.status != 200:
            raise Unavailable(f"{url} answers {answer.status}")
        return answer.json()


def _key_of(member: Any) -> tuple[str, PyJWK] | None:
    """A key by its name, if it is one that verifies access tokens."""
    if not isinstance(member, dict) or member.get("use", "sig") != "sig":
        return None
    kid, algorithm = member.get("kid"), member.get("alg")
    if not isinstance(kid, str) or not isinstance(algorithm, str) or ALGORITHMS.get(algorithm) != member.get("kty"):
        return None
    try:
        return kid, PyJWK(member, algorithm)
    except (PyJWTError, ValueError, TypeError, KeyError):  # malformed
        return None
