"""Checks id_tokens (OpenID Connect Core section 3.1.3.7): the signature with joserfc, the claims with Authlib."""

from __future__ import annotations

import copy
import hmac
import re
from typing import Any, NamedTuple

from authlib.oidc.core import CodeIDToken
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64decode

from authapp.core import clock, lengths, strict_json
from authapp.providers.fetch import Fetcher
from authapp.providers.key_sets import ALGORITHMS, KeySet, SigningKey
from authapp.providers.provider import SsoFailed

LEEWAY = 60  # seconds that clocks may differ
_TYPES: dict[str, type | tuple[type, ...]] = {
    "iss": str,
    "sub": str,
    "aud": (str, list),
    "exp": (int, float),
    "iat": (int, float),
    "nonce": str,
    "azp": str,
    "at_hash": str,
}
_REQUIRED = ("iss", "sub", "aud", "exp", "iat", "nonce")
_SUBJECT = re.compile(rf"[\x20-\x7e]{{1,{lengths.SUBJECT}}}")  # OpenID Connect Core section 2
_CHECKED = (*_TYPES, "nbf")


class _Signatures(JWSRegistry):
    """Knows our algorithms and no other: neither `none` nor HMAC."""

    algorithms = {name: copy.copy(JWSRegistry.algorithms[name]) for name in ALGORITHMS}  # noqa: RUF012  as in joserfc


_Signatures.algorithms["EdDSA"].security_warning = None  # of the name (RFC 9864), with each signature
_SIGNATURES = _Signatures(algorithms=ALGORITHMS, strict_check_header=False)


class IdToken(NamedTuple):
    """An id_token with a valid signature. Its claims are not checked yet.

    Attributes:
        header: as it was signed.
        claims: the same.
        key: what it was signed with.
    """

    header: dict[str, Any]
    claims: dict[str, Any]
    key: SigningKey


class Expected(NamedTuple):
    """What an id_token must be for."""

    client_id: str
    nonce: str
    access_token: str


def read_id_token(token: str, keys: KeySet, fetcher: Fetcher) -> IdToken:
    """Check the signature.

    Raises:
        ProviderUnavailable: the keys cannot be fetched.
        SsoFailed: it is not valid.
    """
    try:
        header = strict_json.parse(urlsafe_b64decode(token.partition(".")[0].encode()))
    except ValueError as error:
        raise SsoFailed(f"the header of the id_token is not JSON: {error}") from None
    if not isinstance(header, dict) or not isinstance(algorithm := header.get("alg"), str):
        raise SsoFailed("the id_token has no header with an algorithm")
    if algorithm not in ALGORITHMS or not isinstance(kid := header.get("kid"), str | None):
        raise SsoFailed(f"the id_token is signed with {algorithm!a:.50}")
    key = keys.find(kid, algorithm, fetcher)
    try:
        signed = jws.deserialize_compact(token, key.key, registry=_SIGNATURES)
        claims = strict_json.parse(signed.payload or b"")
    except (JoseError, ValueError, TypeError) as error:
        raise SsoFailed(f"the id_token is not valid: {error}") from None
    if not isinstance(claims, dict):
        raise SsoFailed("the id_token has no claims")
    return IdToken(header, claims, key)


def check_claims(token: IdToken, issuer: str, expected: Expected) -> None:
    """Check that the id_token is this issuer's, for us, for this sign-in, and for now.

    Raises:
        SsoFailed: it is not.
    """
    claims = token.claims
    _check_types(claims)
    options = {"iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": expected.client_id}}
    params = {"client_id": expected.client_id, "access_token": expected.access_token}
    checked = {name: claims[name] for name in _CHECKED if name in claims}
    try:
        CodeIDToken(checked, token.header, options, params).validate(int(clock.now().timestamp()), LEEWAY)
    except JoseError as error:
        raise SsoFailed(f"a claim of the id_token is not valid: {error}") from None
    if not hmac.compare_digest(claims["nonce"].encode(), expected.nonce.encode()):
        raise SsoFailed("the id_token has another nonce")
    if not _SUBJECT.fullmatch(claims["sub"]):
        raise SsoFailed("the subject of the id_token is not 1 to 255 ASCII characters")


def _check_types(claims: dict[str, Any]) -> None:
    """Authlib compares some claims without a look at their types."""
    for name in _REQUIRED:
        if name not in claims:
            raise SsoFailed(f"the id_token has no {name}")
    for name, kind in _TYPES.items():
        value = claims.get(name, "")
        if name in claims and (not isinstance(value, kind) or isinstance(value, bool) or not value):
            raise SsoFailed(f"the id_token has another type of {name}, or nothing in it")
        if isinstance(value, str) and not _is_unicode(value):
            raise SsoFailed(f"the id_token has half a character in {name}")


def _is_unicode(text: str) -> bool:
    """JSON may have halves of surrogate pairs, which cannot be encoded."""
    return not any("\ud800" <= character <= "\udfff" for character in text)
