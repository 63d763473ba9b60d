"""The keys that a provider signs with: its JWK set (RFC 7517), as far as it can be used."""

from __future__ import annotations

from typing import Any, NamedTuple

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from joserfc.util import base64_to_int

from authapp.providers.cached import Cached
from authapp.providers.fetch import Fetcher
from authapp.providers.provider import ProviderUnavailable, SsoFailed

ALGORITHMS = {"RS256": "RSA", "PS256": "RSA", "ES256": "P-256", "EdDSA": "Ed25519"}
"""The algorithms that we accept, whatever a provider says, and the type or the curve of their keys."""

_TYPES: dict[str, type[RSAKey | ECKey | OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
_PUBLIC = ("kty", "n", "e", "crv", "x", "y")
_RSA_BITS = range(2048, 8192 + 1)  # RFC 7518 section 3.3
_MOST_KEYS = 100


class SigningKey(NamedTuple):
    """A public key.

    Attributes:
        kid: its name, if it has one.
        algorithm: the only one that it is for, if it says so.
        kind: as in ALGORITHMS.
        issuer: whose tokens it signs, which Microsoft tells.
        key: itself.
    """

    kid: str | None
    algorithm: str | None
    kind: str
    issuer: str | None
    key: Key


def signing_keys(document: dict[str, Any]) -> list[SigningKey]:
    """The keys of a JWK set that can verify a signature. Others are skipped (RFC 7517 section 5).

    Raises:
        ProviderUnavailable: there is none.
    """
    members = document.get("keys")
    found = [_read(member) for member in members[:_MOST_KEYS]] if isinstance(members, list) else []
    keys = [key for key in found if key is not None]
    if not keys:
        raise ProviderUnavailable("the key set has no key to verify a signature with")
    return keys


def _read(member: Any) -> SigningKey | None:
    """A key, None where it is for something else or cannot be used."""
    if not isinstance(member, dict) or member.get("use", "sig") != "sig":
        return None
    texts = {name: value for name, value in member.items() if isinstance(value, str)}
    if any(name in member and name not in texts for name in ("kid", "alg", "issuer")):
        return None
    try:
        if (kind := _kind(texts)) not in ALGORITHMS.values():
            return None
        key = _TYPES[texts["kty"]].import_key({name: texts[name] for name in _PUBLIC if name in texts})
    except (JoseError, ValueError, KeyError):
        return None
    return SigningKey(texts.get("kid"), texts.get("alg"), kind, texts.get("issuer"), key)


def _kind(texts: dict[str, str]) -> str:
    """The type of an RSA key, the curve of others. joserfc only warns of too few bits; too many would take long."""
    if texts["kty"] != "RSA":
        return texts["crv"]
    is_short = len(texts["n"]) <= _RSA_BITS[-1] // 6 + 4 and len(texts["e"]) <= 11
    return "RSA" if is_short and base64_to_int(texts["n"]).bit_length() in _RSA_BITS else "RSA of another size"


class KeySet:
    """The keys of one provider. A key that is not known makes it fetch the set again.

    Args:
        keys: where they are kept.
    """

    def __init__(self, keys: Cached[list[SigningKey]]) -> None:
        self._keys = keys

    def find(self, kid: str | None, algorithm: str, fetcher: Fetcher) -> SigningKey:
        """The key of a signature.

        Args:
            kid: its name. Without one, the set must have only one key that fits (OpenID Connect Core section 10.1).
            algorithm: one of ALGORITHMS.
            fetcher: fetches the set, where that is needed.

        Raises:
            ProviderUnavailable: the set cannot be fetched.
            SsoFailed: there is no such key.
        """
        fitting = _fitting(self._keys.get(fetcher), kid, algorithm)
        if not fitting:
            fitting = _fitting(self._keys.newer(fetcher), kid, algorithm)
        if len(fitting) != 1:
            raise SsoFailed(f"{len(fitting)} keys for kid {kid!a:.100} and {algorithm}")
        return fitting[0]


def _fitting(keys: list[SigningKey], kid: str | None, algorithm: str) -> list[SigningKey]:
    return [
        key
        for key in keys
        if key.kind == ALGORITHMS[algorithm] and key.algorithm in (None, algorithm) and kid in (None, key.kid)
    ]
