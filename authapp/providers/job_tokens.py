"""Tokens that a build service or a cluster gives to its jobs: id_tokens without a browser (OpenID Connect Core)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from joserfc.util import urlsafe_b64decode

from authapp.config_checks import DISCOVERY_PATH
from authapp.core import clock, lengths, strict_json
from authapp.core.job_issuers import BY_NAME, address_of
from authapp.providers.addresses import OF_SETTINGS, OF_TENANTS
from authapp.providers.cached import Cached
from authapp.providers.fetch import Fetcher, checked_address
from authapp.providers.id_tokens import read_id_token
from authapp.providers.key_sets import ALGORITHMS, KeySet, signing_keys
from authapp.providers.provider import ProviderUnavailable

LEEWAY = 60  # seconds that clocks may differ
LONGEST = 24 * 3600  # seconds from `iat` to `exp`
_LATEST = 10**11  # seconds since 1970, of a claim that is compared
_MOST_ISSUERS = 100  # whose keys a process keeps


class InvalidJobToken(Exception):
    """A token that nobody would be signed in with, whatever an organization trusts. Says why."""


class JobToken(NamedTuple):
    """A token whose claims are checked. Its signature is not: `JobIssuer.verify` does that.

    Attributes:
        encoded: as it was sent.
        issuer: its `iss`.
        claims: all of them.
        expires_at: when it is not accepted any more.
    """

    encoded: str
    issuer: str
    claims: dict[str, Any]
    expires_at: datetime


def read_job_token(encoded: str, audience: str) -> JobToken:
    """Check all that needs neither keys nor rules.

    Args:
        encoded: a JWT.
        audience: the only one that it must have.

    Raises:
        InvalidJobToken: with a sentence for whoever has sent it.
    """
    header, claims = _parts(encoded)
    if str(header.get("alg")) not in ALGORITHMS or str(header.get("typ", "JWT")).upper() != "JWT" or "crit" in header:
        raise InvalidJobToken(f"The token has to be a JWT that is signed with one of {', '.join(ALGORITHMS)}.")
    if claims.get("aud") not in (audience, [audience]):
        raise InvalidJobToken("The only audience of the token has to be the id of the organization.")
    issuer = claims.get("iss")
    if not isinstance(issuer, str) or address_of(issuer) != issuer:
        raise InvalidJobToken("The issuer of the token has to be an https address.")
    for name in ("sub", "jti"):
        value = claims.get(name)
        if not isinstance(value, str) or not 0 < len(value) <= lengths.CLAIM:
            raise InvalidJobToken(f"The token needs the claim {name}, with up to {lengths.CLAIM} characters.")
    if claims.get("event_name") == "pull_request_target":
        raise InvalidJobToken("A job of pull_request_target may run the code of a stranger, and is never accepted.")
    return JobToken(encoded, issuer, claims, _expires_at(claims))


def _parts(encoded: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The header and the claims."""
    parts = encoded.split(".") if len(encoded) <= lengths.JOB_TOKEN else []
    try:
        header, claims = (strict_json.parse(urlsafe_b64decode(part.encode("ascii"))) for part in parts[:2])
    except ValueError:
        raise InvalidJobToken("The token is not a JWT.") from None
    if len(parts) != 3 or not isinstance(header, dict) or not isinstance(claims, dict):
        raise InvalidJobToken("The token is not a JWT.")
    return header, claims


def _expires_at(claims: dict[str, Any]) -> datetime:
    """When a token is not accepted any more, if it is accepted now."""
    moments: list[Any] = [claims.get("iat"), claims.get("exp"), claims.get("nbf", 0)]
    if not all(type(moment) in (int, float) and abs(moment) < _LATEST for moment in moments):
        raise InvalidJobToken("The token needs the claims iat and exp, as seconds since 1970.")
    issued_at, expires_at, not_before = moments
    now = clock.now().timestamp()
    if max(issued_at, not_before) > now + LEEWAY:
        raise InvalidJobToken("The token is not valid yet.")
    if expires_at <= now - LEEWAY:
        raise InvalidJobToken("The token has expired.")
    if not 0 < expires_at - issued_at <= LONGEST:
        raise InvalidJobToken("The token may be valid for 24 hours at most.")
    return datetime.fromtimestamp(expires_at, UTC) + timedelta(seconds=LEEWAY)


class JobIssuer:
    """An issuer that an organization trusts. Its keys are fetched when they are needed, and kept.

    Args:
        issuer: its address.
        allow_private: whether private addresses are allowed, as they are outside production.
    """

    def __init__(self, issuer: str, *, allow_private: bool) -> None:
        self._issuer, self._allow_private = issuer, allow_private
        self._jwks_uri = Cached(self._fetch_jwks_uri, patient=True)
        self._keys = KeySet(Cached(self._fetch_keys, patient=True))

    def verify(self, token: JobToken) -> None:
        """Check the signature.

        Raises:
            ProviderUnavailable: the keys cannot be fetched.
            SsoFailed: it is not valid.
            InvalidJobToken: it is of other claims.
        """
        look_ups = OF_SETTINGS if self._issuer in BY_NAME.values() else OF_TENANTS
        fetcher = Fetcher(allow_private=self._allow_private, look_ups=look_ups)
        if read_id_token(token.encoded, self._keys, fetcher).claims != token.claims:
            raise InvalidJobToken("The signature is of other claims.")

    def _fetch_keys(self, fetcher: Fetcher) -> list[Any]:
        return signing_keys(fetcher.get(self._jwks_uri.get(fetcher)).object())

    def _fetch_jwks_uri(self, fetcher: Fetcher) -> str:
        """From the discovery document, of which issuers for jobs have no more (OpenID Connect Discovery section 4)."""
        document = fetcher.get(self._issuer.rstrip("/") + DISCOVERY_PATH).object()
        if document.get("issuer") != self._issuer:
            raise ProviderUnavailable(f"{self._issuer} answers for another issuer: {document.get('issuer')!a:.200}")
        return checked_address(document.get("jwks_uri"), allow_private=self._allow_private)


class JobIssuers:
    """The issuers whose keys this process keeps: those that have a name, and of others those last asked for.

    Args:
        allow_private: as for `JobIssuer`.
    """

    def __init__(self, *, allow_private: bool) -> None:
        self._named = {issuer: JobIssuer(issuer, allow_private=allow_private) for issuer in BY_NAME.values()}
        self._other = lru_cache(_MOST_ISSUERS)(lambda issuer: JobIssuer(issuer, allow_private=allow_private))

    def find(self, issuer: str) -> JobIssuer:
        """The issuer with this address. However many others a tenant names, the keys of those with a name are kept."""
        return self._named.get(issuer) or self._other(issuer)
