"""A twin of the issuer of GitHub Actions, over HTTPS, which can be told to answer whatever an attacker would."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from joserfc import jws
from joserfc.jwk import Key
from werkzeug import Request, Response

from authapp.config_checks import DISCOVERY_PATH
from authapp.core import clock
from authapp.core.job_issuers import BY_NAME, GITHUB
from authapp.providers import network
from tests.providers.certificates import certificates
from tests.providers.http_server import json_response, serving_wsgi
from tests.providers.openid_server import EC, ED25519, REGISTRY, RSA

HOSTS = {address.removeprefix("https://") for address in BY_NAME.values()}
JOB = {  # as GitHub sends it, shortened
    "sub": "repo:octo/models:environment:production",
    "repository": "octo/models",
    "repository_id": "74",
    "repository_owner": "octo",
    "repository_owner_id": "65",
    "repository_visibility": "private",
    "ref": "refs/heads/main",
    "ref_type": "branch",
    "environment": "production",
    "event_name": "push",
    "workflow_ref": "octo/models/.github/workflows/deploy.yml@refs/heads/main",
    "job_workflow_ref": "octo/models/.github/workflows/deploy.yml@refs/heads/main",
    "run_id": "30433642",
    "runner_environment": "github-hosted",
    "actor": "ada-lovelace",
    "actor_id": "1815",
}


class JobServer:
    """Gives tokens to jobs.

    Attributes:
        address: where it is served.
        issuer: of the discovery document and of the tokens.
        discovery: members of the discovery document, in place of those that are right.
        keys: the members of the JWK set.
        answers: complete responses by path, in place of its own.
        requests: all that it was asked.
    """

    def __init__(self) -> None:
        self.address, self.issuer = "", BY_NAME[GITHUB]
        self.discovery: dict[str, Any] = {}
        self.keys: Any = [key.as_dict(private=False) for key in (RSA, EC, ED25519)]
        self.answers: dict[str, Callable[[], Response]] = {}
        self.requests: list[str] = []

    def token(
        self,
        audience: Any,
        *,
        key: Key = RSA,
        algorithm: str = "RS256",
        header: dict[str, Any] | None = None,
        **changes: Any,
    ) -> str:
        """The token of a job. A change to None leaves the claim out."""
        now = int(clock.now().timestamp())
        times = {"iat": now, "nbf": now - 5, "exp": now + 300}
        right = {**JOB, "iss": self.issuer, "aud": audience, "jti": str(uuid4()), **times}
        claims = {name: value for name, value in {**right, **changes}.items() if value is not None}
        return self.signed(json.dumps(claims), key, {"alg": algorithm, "kid": key.kid, "typ": "JWT", **(header or {})})

    def signed(self, payload: str, key: Key, header: dict[str, Any]) -> str:
        header = {name: value for name, value in header.items() if value is not None}
        return jws.serialize_compact(header, payload, key, registry=REGISTRY)

    def __call__(self, environ: Any, start_response: Any) -> Any:
        path = Request(environ).path
        self.requests.append(path)
        own: dict[str, Callable[[], Response]] = {DISCOVERY_PATH: self._discovery, "/jwks": self._jwks, **self.answers}
        return own[path]()(environ, start_response)

    def _discovery(self) -> Response:
        document = {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/jwks", "response_types_supported": ["id_token"]}
        return json_response({**document, **self.discovery})

    def _jwks(self) -> Response:
        return json_response({"keys": self.keys})


@contextmanager
def job_server(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JobServer]:
    """Serve it under its address, and under the names of GitHub and GitLab."""
    server, (presented, trusted) = JobServer(), certificates(folder, "127.0.0.1", *HOSTS)
    monkeypatch.setattr(network, "tls", lambda: trusted)
    with serving_wsgi(server, presented) as server.address:
        port, look_up = int(server.address.rpartition(":")[2]), socket.getaddrinfo

        def find(host: Any, *arguments: Any, **options: Any) -> Any:
            named = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
            return named if host in HOSTS else look_up(host, *arguments, **options)

        monkeypatch.setattr(socket, "getaddrinfo", find)
        yield server
