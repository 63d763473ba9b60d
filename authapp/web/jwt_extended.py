"""Flask-JWT-Extended, with one verification for all tokens: ours. Its private names are used here and nowhere else.

Its own decoding accepts tokens without `exp`, `jti` or `type`, and ignores `typ`. With this adapter `@jwt_required()`,
`get_jwt()` and `get_jwt_identity()` work in other people's views.
"""

from __future__ import annotations

from uuid import UUID

from flask import Flask, g
from flask_jwt_extended import JWTManager

from authapp.core import clock
from authapp.core.errors import InvalidToken, MissingToken, RevokedToken
from authapp.db import credentials
from authapp.security.tokens import WRONG_TYPE, Claims
from authapp.web.application import current_app
from authapp.web.problems import problem_response


class _Manager(JWTManager):
    def init_app(self, app: Flask, add_context_processor: bool = False) -> None:
        app.config["JWT_TOKEN_LOCATION"] = ["headers"]
        super().init_app(app, add_context_processor)
        self.unauthorized_loader(lambda reason: problem_response(MissingToken(reason)))
        # a token that is verified below and refused all the same is a refresh token
        self.invalid_token_loader(lambda reason: problem_response(InvalidToken(reason, detail=WRONG_TYPE["access"])))

        self.token_in_blocklist_loader(_has_ended)
        self.revoked_token_loader(lambda header, payload: problem_response(RevokedToken()))

    def _decode_jwt_from_config(
        self, encoded_token: str, csrf_value: object = None, allow_expired: bool = False
    ) -> dict[str, object]:
        """Flask-JWT-Extended calls this for every token that it finds."""
        return dict(current_app.keys.for_token(encoded_token).verify(encoded_token, "access", "refresh").payload)


def _has_ended(header: dict[str, str], payload: dict[str, str]) -> bool:
    """Whether the session of a token has ended, or its account is deactivated or deleted."""
    found = credentials.find_session(UUID(payload["sid"]), UUID(payload["sub"]), clock.now())
    return found is None or not found.account.is_active


def init_jwt_extended(app: Flask) -> None:
    """Bind to the application."""
    _Manager().init_app(app)


def verify_in_request(encoded: str) -> Claims:
    """What `verify_jwt_in_request` does, with one look at the token where that takes three. Workloads pass as well.

    Raises:
        InvalidToken, ExpiredToken: as `Tokens.read`.
    """
    verified = current_app.keys.for_token(encoded).verify(encoded, "access", "workload")
    vars(g).update(
        _jwt_extended_jwt={**verified.payload, "amr": [*verified.claims.amr]},
        _jwt_extended_jwt_header=dict(verified.header),
        _jwt_extended_jwt_location="headers",
        _jwt_extended_jwt_user={"loaded_user": None},
    )
    return verified.claims
