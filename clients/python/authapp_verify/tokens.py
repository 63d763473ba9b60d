"""Access tokens: JWTs (RFC 7519) with the profile of RFC 9068."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt

from authapp_verify.errors import Unauthenticated
from authapp_verify.keys import Keys

LONGEST = 4096  # of authapp's tokens
TYP = "at+jwt"  # RFC 9068 section 2.1
TYPES = ("access", "workload")
REQUIRED = ["iss", "aud", "exp", "iat", "sub", "sid", "jti", "type"]
DETAIL = "The access token is not valid."


@dataclass(frozen=True, slots=True)
class Claims:
    """The claims of a token whose signature and times are good."""

    sub: str
    """The account."""
    sid: str
    """The session."""
    jti: str
    type: str
    """`access` or `workload`."""
    iat: int
    exp: int
    raw: Mapping[str, Any] = field(repr=False)
    """All claims."""


def key_id(token: str) -> str:
    """The `kid` of a token that may be one, by its size and its header.

    Raises:
        Unauthenticated: it is too long, of another type, or malformed.
    """
    if len(token) > LONGEST or not token.isascii() or token.count(".") != 2 or "=" in token:
        raise Unauthenticated(DETAIL)
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise Unauthenticated(DETAIL) from None
    kid = header.get("kid")
    if header.get("typ") != TYP or not isinstance(kid, str) or "crit" in header or "b64" in header:
        raise Unauthenticated(DETAIL)
    return kid


def verify(token: str, keys: Keys, audience: str, leeway: float) -> Claims:
    """Verify the signature and the claims of a token.

    Raises:
        Unauthenticated: it is not good.
        Unavailable: its key is unknown, and authapp cannot be asked.
    """
    key, issuer = keys.find(key_id(token))
    if key is None:
        raise Unauthenticated(DETAIL)
    try:
        raw = jwt.decode(
            token, key.key, algorithms=[key.algorithm_name], audience=audience, issuer=issuer, leeway=leeway,
            options={"require": REQUIRED, "strict_aud": True},
        )  # fmt: skip
    except jwt.ExpiredSignatureError:
        raise Unauthenticated("The access token has expired.", "expired_token") from None
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
        raise Unauthenticated(DETAIL) from None
    sub, sid, jti, kind = (raw[name] for name in ("sub", "sid", "jti", "type"))
    if not all(isinstance(each, str) and each for each in (sub, sid, jti)) or kind not in TYPES:
        raise Unauthenticated(DETAIL)
    if type(raw["iat"]) is not int or type(raw["exp"]) is not int:
        raise Unauthenticated(DETAIL)
    return Claims(sub, sid, jti, kind, raw["iat"], raw["exp"], raw)
