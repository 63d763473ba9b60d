"""A twin of an OpenID provider, which can be told to answer whatever an attacker would."""

from __future__ import annotations

import base64
import copy
import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import unquote_plus, urlencode

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jws
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from werkzeug import Request, Response
from werkzeug.utils import redirect

from authapp.config_checks import DISCOVERY_PATH
from authapp.core import clock
from authapp.providers.openid import OpenIdProvider
from tests.providers.http_server import json_response, serving_wsgi

CLIENT_ID, CLIENT_SECRET = "openid-client", "a secret: with/every+sign"

RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
EC = ECKey.generate_key("P-256", {"kid": "ec"})
ED25519 = OKPKey.generate_key("Ed25519", {"kid": "okp"})


class Signature(NamedTuple):
    """How id_tokens are signed."""

    algorithm: str = "RS256"
    key: Key = RSA
    kid: str | None = "rsa"


class OpenIdServer:
    """Signs everybody in as the same person. What it answers may be changed.

    Attributes:
        issuer: of the discovery document and of id_tokens.
        path: of all endpoints but the discovery document.
        person: the claims that tell of the person.
        claims: further claims, in place of those that are right. None: the claim is left out.
        userinfo: what the userinfo endpoint answers.
        discovery: further members of the discovery document, in place of those that are right.
        keys: the members of the JWK set.
        signature: how id_tokens are signed.
        make_token: makes the id_token of its claims.
        response: further parameters of the authorization response, in place of its own. None: it is left out.
        answers: complete responses by the endpoint's name, in place of its own.
        requests: all that it was asked.
    """

    def __init__(self) -> None:
        self.issuer = self.address = ""
        self.person: dict[str, Any] = {"sub": "ada-1815", "email": "ada@example.com", "email_verified": True}
        self.claims: dict[str, Any] = {}
        self.userinfo: Any = {"sub": "ada-1815", "email": "userinfo@example.com", "email_verified": True}
        self.discovery: dict[str, Any] = {}
        rsa, ec, ed25519 = (key.as_dict(private=False) for key in (RSA, EC, ED25519))
        self.keys: Any = [{**rsa, "alg": "RS256", "use": "sig"}, ec, ed25519]
        self.signature = Signature()
        self.make_token: Callable[[dict[str, Any]], Any] = self.signed
        self.response: dict[str, str | None] = {}
        self.answers: dict[str, Callable[[], Response]] = {}
        self.requests: list[Request] = []
        self._codes: dict[str, dict[str, str]] = {}

    def provider(self, **changes: Any) -> OpenIdProvider:
        """As it is configured to use this twin."""
        url = f"{self.issuer}{DISCOVERY_PATH}"
        return OpenIdProvider("oidc", "Twin", url, CLIENT_ID, CLIENT_SECRET, **{"allow_private": True, **changes})

    def count(self, endpoint: str) -> int:
        """How often an endpoint was asked."""
        return sum(request.path.endswith(endpoint) for request in self.requests)

    def signed(self, claims: dict[str, Any]) -> str:
        algorithm, key, kid = self.signature
        header = {"alg": algorithm, **({} if kid is None else {"kid": kid})}
        return jws.serialize_compact(header, json.dumps(claims), key, registry=REGISTRY)

    def __call__(self, environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        request.get_data()
        self.requests.append(request)
        name = request.path.removeprefix("/")
        views: dict[str, Callable[[Request], Response]] = {
            DISCOVERY_PATH[1:]: self._discovery,
            "authorize": self._authorize,
            "token": self._token,
            "jwks": lambda _: json_response({"keys": self.keys}),
            "userinfo": self._userinfo,
        }
        response = self.answers[name]() if name in self.answers else views[name](request)
        return response(environ, start_response)

    def _discovery(self, _: Request) -> Response:
        document = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.address}/authorize?tenant=1",
            "token_endpoint": f"{self.address}/token",
            "userinfo_endpoint": f"{self.address}/userinfo",
            "jwks_uri": f"{self.address}/jwks",
        }
        return json_response(
            {name: value for name, value in {**document, **self.discovery}.items() if value is not None}
        )

    def _authorize(self, request: Request) -> Response:
        asked = request.args.to_dict()
        assert (asked["client_id"], asked["response_type"]) == (CLIENT_ID, "code")
        assert (asked["tenant"], asked["code_challenge_method"]) == ("1", "S256")
        assert asked["scope"].split() == ["openid", "email", "profile"]
        code = secrets.token_hex(10)
        self._codes[code] = asked
        response: dict[str, str | None] = {"code": code, "state": asked["state"], **self.response}
        response = {name: value for name, value in response.items() if value is not None}
        return redirect(f"{asked['redirect_uri']}?{urlencode(response)}")

    def _token(self, request: Request) -> Response:
        asked = self._codes.pop(request.form.get("code", ""), None)
        if _client_of(request) != (CLIENT_ID, CLIENT_SECRET):
            return json_response({"error": "invalid_client"}, status=401)
        if (
            asked is None
            or asked["redirect_uri"] != request.form.get("redirect_uri")
            or asked["code_challenge"] != create_s256_code_challenge(request.form["code_verifier"])
            or request.form.get("grant_type") != "authorization_code"
        ):
            return json_response({"error": "invalid_grant"}, status=400)
        now = int(clock.now().timestamp())
        claims = {"iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        claims = {name: value for name, value in {**claims, **self.person, **self.claims}.items() if value is not None}
        id_token = self.make_token(claims)
        return json_response({"access_token": "an-access-token", "token_type": "Bearer", "id_token": id_token})

    def _userinfo(self, request: Request) -> Response:
        if request.headers.get("Authorization") != "Bearer an-access-token":
            return json_response({"error": "invalid_token"}, status=401)
        return json_response(self.userinfo)


class _Registry(jws.JWSRegistry):
    """Signs with every algorithm, without the warnings of joserfc."""

    algorithms = {name: copy.copy(model) for name, model in jws.JWSRegistry.algorithms.items()}  # noqa: RUF012


for _model in _Registry.algorithms.values():
    _model.security_warning = None
REGISTRY = _Registry(algorithms=list(_Registry.algorithms))


def _client_of(request: Request) -> tuple[str | None, str | None]:
    """The client's id and secret, of the header or of the form, and never of both (RFC 6749 section 2.3)."""
    header = request.headers.get("Authorization")
    if header is None:
        return request.form.get("client_id"), request.form.get("client_secret")
    assert "client_secret" not in request.form
    name, _, secret = base64.b64decode(header.removeprefix("Basic ")).decode().partition(":")
    return unquote_plus(name), unquote_plus(secret)


@contextmanager
def openid_server() -> Iterator[OpenIdServer]:
    server = OpenIdServer()
    with serving_wsgi(server) as server.address:
        server.issuer = server.address
        yield server
