"""Access and refresh tokens: JWTs (RFC 7519) profiled after RFC 9068, made and read in this one file."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple, cast
from uuid import UUID

from flask import Flask, current_app, g
from flask_jwt_extended import JWTManager
from jwt import InvalidTokenError
from uuid_utils.compat import uuid7

from authapp.core import clock
from authapp.core.errors import ExpiredToken, InvalidToken, MissingToken
from authapp.core.problems import problem
from authapp.schemas.sessions import LONGEST_TOKEN
from authapp.security.keys import KeyRing, SigningKey, key_ring
from config import Settings

TYP = {"access": "at+jwt", "refresh": "rt+jwt"}  # RFC 9068 section 2.1, and its like for refresh
LEEWAY = timedelta(seconds=30)  # for servers whose clocks differ
REMEMBERED = 1024  # tokens for each process, some 2 KiB each
_WRONG_TYPE = {
    "access": "This is no access token. Send the access token, not the refresh token.",
    "refresh": "This is no refresh token. Send the refresh token, not the access token.",
}

_as_json = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a token that has passed every check says."""

    user_id: UUID
    session_id: UUID
    token_id: UUID
    type: str
    issued_at: datetime
    not_before: datetime
    expires_at: datetime
    auth_time: datetime
    amr: list[str]


@dataclass(frozen=True, slots=True)
class _Kind:
    key: SigningKey
    type: str
    header: dict[str, str]


class _Verified(NamedTuple):
    header: dict[str, str]
    payload: dict[str, Any]
    claims: Claims


class TokenManager(JWTManager):
    """Flask-JWT-Extended's manager with one verification for all tokens: ours.

    Its own decoding accepts tokens without `exp`, `jti` or `type`, and ignores `typ`.
    """

    def init_app(self, app: Flask, add_context_processor: bool = False) -> None:
        super().init_app(app, add_context_processor)
        self.unauthorized_loader(lambda reason: problem(MissingToken(reason)))
        # what the verification below has passed and is refused all the same is a refresh token
        self.invalid_token_loader(lambda reason: problem(InvalidToken(reason, detail=_WRONG_TYPE["access"])))

    def init_settings(self, app: Flask, settings: Settings) -> None:
        """Read the keys and bind to the application.

        Raises:
            UnsafeSettings: if JWT_KEYS does not fit ALGORITHM.
        """
        app.extensions["authapp.tokens"] = _Tokens(key_ring(settings), settings.jwt_issuer, settings.jwt_audience)
        app.config["JWT_TOKEN_LOCATION"] = ["headers"]
        self.init_app(app)

    @property
    def ring(self) -> KeyRing:
        return _state().ring

    def issue(
        self,
        token_type: str,
        claims: dict[str, Any],
        issued_at: datetime,
        expires_at: datetime,
        token_id: UUID | None = None,
    ) -> str:
        """Sign a token. The same arguments, with a `token_id`, give the same claims."""
        state, key = _state(), _state().ring.signing
        payload = {
            "iss": state.issuer,
            "aud": state.audience,
            **claims,
            "jti": str(token_id or uuid7()),
            "type": token_type,
            "iat": int(issued_at.timestamp()),
            "exp": int(expires_at.timestamp()),
        }
        header = {"kid": key.kid, "typ": TYP[token_type]}
        return state.ring.jws.encode(_as_json(payload).encode(), key.signing, state.ring.algorithm, header)

    def read(self, encoded: str, token_type: str) -> Claims:
        """Verify a token.

        Raises:
            InvalidToken: not ours, altered, of another type, issuer or audience, or with a claim missing.
            ExpiredToken: ours, but past its `exp`.
        """
        return self._read(encoded, token_type).claims

    def verify_in_request(self, encoded: str) -> Claims:
        """What Flask-JWT-Extended's `verify_jwt_in_request` does, with one look at the token where that takes three.

        Its `get_jwt()`, `get_jwt_identity()` and the like answer in the view that follows.

        Raises:
            InvalidToken, ExpiredToken: as `read`.
        """
        found = self._read(encoded, "access")
        vars(g).update(
            _jwt_extended_jwt=dict(found.payload),
            _jwt_extended_jwt_header=dict(found.header),
            _jwt_extended_jwt_location="headers",
            _jwt_extended_jwt_user={"loaded_user": None},
        )
        return found.claims

    def _read(self, encoded: str, token_type: str) -> _Verified:
        found = _state().read(encoded)
        if found.claims.type != token_type:
            raise InvalidToken(detail=_WRONG_TYPE[token_type])
        return found

    def _decode_jwt_from_config(
        self, encoded_token: str, csrf_value: object = None, allow_expired: bool = False
    ) -> dict[str, Any]:
        """Flask-JWT-Extended calls this for every token that it finds, behind `jwt_required` for one."""
        return dict(_state().read(encoded_token).payload)


class _Tokens:
    """What an application signs and verifies with."""

    def __init__(self, ring: KeyRing, issuer: str, audience: str) -> None:
        self.ring, self.issuer, self.audience = ring, issuer, audience
        kinds = [
            _Kind(key, token_type, {"alg": ring.algorithm, "kid": key.kid, "typ": typ})
            for key in ring.keys
            for token_type, typ in TYP.items()
        ]
        self._kinds = {_segment(kind.header): kind for kind in kinds}
        # What is signed does not change. Whether it is in time, and its session live, is asked each time.
        self._verified = lru_cache(REMEMBERED)(self._verify)

    def read(self, encoded: str) -> _Verified:
        """The one verification."""
        found = self._verified(encoded)
        now = clock.now()
        if found.claims.expires_at <= now:
            raise ExpiredToken
        if max(found.claims.issued_at, found.claims.not_before) > now + LEEWAY:
            raise InvalidToken("not valid yet")
        return found

    def _verify(self, encoded: str) -> _Verified:
        """All that does not depend on the time."""
        if len(encoded) > LONGEST_TOKEN or not encoded.isascii() or "=" in encoded:
            raise InvalidToken("not a token")  # RFC 7515 section 2: no padding
        # A header that is not, byte for byte, one that we write is not ours: no alg, kid or typ to be talked into.
        kind = self._kinds.get(encoded.partition(".")[0])
        if kind is None:
            raise InvalidToken("unknown header")
        try:
            payload = json.loads(self.ring.jws.decode(encoded, kind.key.verifying, [self.ring.algorithm]))
        except (InvalidTokenError, ValueError, RecursionError) as error:
            raise InvalidToken(str(error)) from None
        for name, value in (("iss", self.issuer), ("aud", self.audience), ("type", kind.type)):
            if not isinstance(payload, dict) or payload.get(name) != value:
                raise InvalidToken(f"another {name}")
        return _Verified(kind.header, payload, _claims_of(payload))


tokens = TokenManager()


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
        issued_at=issued_at, not_before=not_before, expires_at=expires_at, auth_time=auth_time, amr=payload["amr"],
    )  # fmt: skip


def _state() -> _Tokens:
    return cast("_Tokens", current_app.extensions["authapp.tokens"])


def _segment(header: dict[str, str]) -> str:
    encoded = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(encoded).rstrip(b"=").decode()
