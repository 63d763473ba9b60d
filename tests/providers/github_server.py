"""A twin of the endpoints of GitHub that a sign-in needs."""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

from werkzeug import Request, Response
from werkzeug.utils import redirect

from authapp.providers.github import GitHub
from tests.providers.http_server import json_response, serving_wsgi

CLIENT_ID, CLIENT_SECRET = "github-client", "github-secret"


class GitHubServer:
    """Signs everybody in as the same person. What it answers may be changed.

    Attributes:
        user: what `/user` answers.
        emails: what `/user/emails` answers.
        response: further parameters of the authorization response, in place of its own. None: it is left out.
        answers: complete responses by path, in place of its own.
        requests: all that it was asked.
    """

    def __init__(self) -> None:
        self.address = ""
        self.user: Any = {"id": 583231, "login": "ada", "name": "Ada King Lovelace", "email": "public@example.com"}
        self.emails: Any = [
            {"email": "old@example.com", "primary": False, "verified": True},
            {"email": "Ada@Example.com", "primary": True, "verified": True},
        ]
        self.response: dict[str, str | None] = {}
        self.answers: dict[str, Response] = {}
        self.requests: list[Request] = []
        self._codes: dict[str, dict[str, str]] = {}
        self._tokens: set[str] = set()

    def provider(self) -> GitHub:
        """As it is configured to use this twin."""
        return GitHub(CLIENT_ID, CLIENT_SECRET, self.address, self.address, allow_private=True)

    def __call__(self, environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        request.get_data()
        self.requests.append(request)
        views: dict[tuple[str, str], Callable[[Request], Response]] = {
            ("GET", "/login/oauth/authorize"): self._authorize,
            ("POST", "/login/oauth/access_token"): self._access_token,
            ("GET", "/user"): lambda asked: self._of_account(asked, self.user),
            ("GET", "/user/emails"): lambda asked: self._of_account(asked, self.emails),
        }
        response = self.answers.get(request.path) or views[request.method, request.path](request)
        return response(environ, start_response)

    def _authorize(self, request: Request) -> Response:
        assert request.args["client_id"] == CLIENT_ID
        assert request.args["code_challenge_method"] == "S256"
        assert "user:email" in request.args["scope"].split()
        code = secrets.token_hex(10)
        self._codes[code] = request.args.to_dict()
        response: dict[str, str | None] = {"code": code, "state": request.args["state"], **self.response}
        response = {name: value for name, value in response.items() if value is not None}
        return redirect(f"{request.args['redirect_uri']}?{urlencode(response)}")

    def _access_token(self, request: Request) -> Response:
        """Errors have status 200, as GitHub's have."""
        asked = self._codes.pop(request.form.get("code", ""), None)
        if (request.form.get("client_id"), request.form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return json_response({"error": "incorrect_client_credentials"})
        if asked is None or asked["code_challenge"] != _challenge(request.form.get("code_verifier", "")):
            return json_response(
                {"error": "bad_verification_code", "error_description": "The code is incorrect or expired."}
            )
        if asked["redirect_uri"] != request.form.get("redirect_uri"):
            return json_response({"error": "redirect_uri_mismatch"})
        token = f"gho_{secrets.token_hex(18)}"
        self._tokens.add(token)
        if request.headers.get("Accept") != "application/json":
            return Response(urlencode({"access_token": token}), content_type="application/x-www-form-urlencoded")
        return json_response({"access_token": token, "scope": asked["scope"], "token_type": "bearer"})

    def _of_account(self, request: Request, content: Any) -> Response:
        if "User-Agent" not in request.headers:
            return Response("Request forbidden by administrative rules.", status=403)
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self._tokens:
            return json_response({"message": "Bad credentials"}, status=401)
        return json_response(content)


def _challenge(verifier: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


@contextmanager
def github_server() -> Iterator[GitHubServer]:
    server = GitHubServer()
    with serving_wsgi(server) as server.address:
        yield server
