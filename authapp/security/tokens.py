"""Access and refresh tokens: JWTs (RFC 7519) with the profile of RFC 9068, issued and verified in this file alone.

Refresh tokens are for authapp: a key of their own signs them and their audience is the issuer, so that a service that
forgets to check `typ` refuses them all the same.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from jwt import InvalidTokenError
from uuid_utils.compat import uuid7

from authapp.core import clock, lengths
from authapp.core.errors import ExpiredToken, InvalidToken
from authapp.security.jwk import SigningKey
from authapp.security.keys import KeyRing

# RFC 9068 section 2.1, and its like for refresh. The token of a workload is an access token without an account.
TYP = {"access": "at+jwt", "refresh": "rt+jwt", "workload": "at+jwt"}
LEEWAY = timedelta(seconds=30)  # for servers whose clocks differ
REMEMBERED = 1024  # tokens for each process, some 2 KiB each
WRONG_TYPE = {
    "access": "This is not an access token. Send the access token, not the refresh token.",
    "refresh": "This is not a refresh token. Send the refresh token, not the access token.",
}

_as_json = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """The claims of a token that has passed every check. `user_id` is `sub`: of a workload the trusted identity."""

    user_id: UUID
    session_id: UUID
    token_id: UUID
    type: str
    issued_at: datetime
    not_before: datetime
    expires_at: datetime
    auth_time: datetime
    amr: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Header:
    ring: KeyRing
    key: SigningKey
    fields: dict[str, str]


class Verified(NamedTuple):
    """A token that has passed every check."""

    header: dict[str, str]
    payload: dict[str, Any]
    claims: Claims


class Tokens:
    """Signs and verifies the tokens of one application.

    Args:
        ring: the keys of access tokens.
        refresh: the keys of refresh tokens, for authapp alone.
        issuer: `iss` of all, and `aud` of refresh tokens.
        audience: `aud` of access tokens.
    """

    def __init__(self, ring: KeyRing, refresh: KeyRing, issuer: str, audience: str) -> None:
        self.ring, self._issuer = ring, issuer
        self._kinds = {"access": (ring, audience), "refresh": (refresh, issuer), "workload": (ring, audience)}
        headers = [
            _Header(ring, key, {"alg": ring.algorithm, "kid": key.kid, "typ": TYP[token_type]})
            for token_type, (ring, _) in self._kinds.items()
            for key in ring.keys
        ]
        self._headers = {_segment(header.fields): header for header in headers}
        # What is signed does not change. Whether it is in time, and its session live, is asked each time.
        self._verified = lru_cache(REMEMBERED)(self._verify)

    def issue(
        self,
        token_type: str,
        claims: dict[str, Any],
        issued_at: datetime,
        expires_at: datetime,
        token_id: UUID | None = None,
    ) -> str:
        """Sign a token. The same arguments, with a `token_id`, give the same claims."""
        ring, audience = self._kinds[token_type]
        payload = {
            "iss": self._issuer,
            "aud": audience,
            **claims,
            "jti": str(token_id or uuid7()),
            "type": token_type,
            "iat": int(issued_at.timestamp()),
            "exp": int(expires_at.timestamp()),
        }
        header = {"kid": ring.signing.kid, "typ": TYP[token_type]}
        return ring.jws.encode(_as_json(payload).encode(), ring.signing.signing, ring.algorithm, header)

    def knows_key_of(self, encoded: str) -> bool:
        """Whether the header of a token is one that a key of the rings writes. Tells nothing of the rest of it."""
        return encoded.partition(".")[0] in self._headers

    def read(self, encoded: str, token_type: str) -> Claims:
        """Verify a token of this type.

        Raises:
            InvalidToken: not ours, altered, of another type, issuer or audience, or with a claim missing.
            ExpiredToken: ours, but past its `exp`.
        """
        return self.verify(encoded, token_type).claims

    def verify(self, encoded: str, *token_types: str) -> Verified:
        """The same of a token of one of these types, with its header and its payload."""
        found = self._verified(encoded)
        now = clock.now()
        if found.claims.expires_at <= now:
            raise ExpiredToken
        if max(found.claims.issued_at, found.claims.not_before) > now + LEEWAY:
            raise InvalidToken("not valid yet")
        if found.claims.type not in token_types:
            raise InvalidToken(detail=WRONG_TYPE[token_types[0]])
        return found

    def _verify(self, encoded: str) -> Verified:
        """All that does not depend on the time."""
        if len(encoded) > lengths.JWT or not encoded.isascii() or "=" in encoded:
            raise InvalidToken("not a token")  # RFC 7515 section 2: no padding
        # A header that is not, byte for byte, one that we write is not ours: its alg, kid or typ are never followed.
        header = self._headers.get(encoded.partition(".")[0])
        if header is None:
            raise InvalidToken("unknown header")
        try:
            payload = json.loads(header.ring.jws.decode(encoded, header.key.verifying, [header.ring.algorithm]))
        except (InvalidTokenError, ValueError, RecursionError) as error:
            raise InvalidToken(str(error)) from None
        token_type = payload.get("type") if isinstance(payload, dict) else None
        if not isinstance(token_type, str) or TYP.get(token_type) != header.fields["typ"]:
            raise InvalidToken("another type")
        _, audience = self._kinds[token_type]
        for name, value in (("iss", self._issuer), ("aud", audience)):
            if payload.get(name) != value:
                raise InvalidToken(f"another {name}")
        return Verified(header.fields, payload, _claims_of(payload))


def _claims_of(payload: dict[str, Any]) -> Claims:
    """Typed claims, each of exactly the type that we write; `nbf`, which we do not write, like the others."""
    try:
        moments = (payload["iat"], payload.get("nbf", payload["iat"]), payload["exp"], payload["auth_time"])
        if not all(type(moment) is int for moment in moments) or not isinstance(payload["amr"], list):
            raise InvalidToken("a claim has the wrong type")
        user_id, session_id, token_id = (UUID(payload[name]) for name in ("sub", "sid", "jti"))
        issued_at, not_before, expires_at, auth_time = (datetime.fromtimestamp(moment, UTC) for moment in moments)
    except KeyError as missing:
        raise InvalidToken(f"no {missing}") from None
    except (ValueError, AttributeError, TypeError, OverflowError, OSError):
        raise InvalidToken("a claim has the wrong form") from None
    return Claims(
        user_id=user_id, session_id=session_id, token_id=token_id, type=payload["type"],
        issued_at=issued_at, not_before=not_before, expires_at=expires_at, auth_time=auth_time,
        amr=tuple(payload["amr"]),
    )  # fmt: skip


def _segment(header: dict[str, str]) -> str:
    encoded = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(encoded).rstrip(b"=").decode()
