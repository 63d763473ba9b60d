"""The Express service of docs/verifying-tokens.md, in a process of its own, behind a real authapp."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from authapp.config import Settings
from tests.clients.forging import sign, signed_by_public_key
from tests.clients.packages import MODULES
from tests.clients.services import MAX_AGE, PAGE, authapp_process
from tests.factories import UNKNOWN_ID, AppWith, Person, World
from tests.live import exchange, free_port, is_open
from tests.pages import blocks, page
from tests.security.test_tokens import b64

ADDRESS = '"https://auth.example.com"'
SECRET = "a-secret-of-the-node-services-that-is-long-enough"
FEED_SECONDS = 10.0  # in which the feed has been read, on a busy machine


class Service:
    """The service of the page."""

    def __init__(self, port: int) -> None:
        self._port = port

    def models(self, organization_id: str, token: str) -> tuple[int, str]:
        """The status, and the role or the code of the error."""
        status, body = self.answer(f"/organizations/{organization_id}/models", token)
        return status, body.get("role") or body["code"]

    def me(self, token: str) -> int:
        return self.answer("/me", token)[0]

    def answer(self, path: str, token: str) -> tuple[int, dict[str, Any]]:
        status, headers, body = exchange(self._port, "GET", path, token=token)
        if status >= 400:
            assert (headers["Content-Type"], body["status"]) == ("application/problem+json", status)
        assert ("WWW-Authenticate" in headers) == (status == 401)
        assert ("Retry-After" in headers) == (status == 503)
        return status, body


@dataclass
class Scene:
    """authapp, which can be stopped, and two services: they refuse or accept while it is away."""

    world: World
    authapp: ExitStack
    refusing: Service
    accepting: Service


def example() -> str:
    assert "Save this as `service.mjs`" in page(PAGE)
    [text] = blocks(PAGE, "js")
    return text


@contextmanager
def express(folder: Path, url: str, service_key: str, options: str) -> Iterator[Service]:
    text = example()
    assert (text.count(ADDRESS), text.count("maxAge: 5")) == (1, 1)
    (folder / "node_modules").symlink_to(MODULES)
    changed = text.replace(ADDRESS, f'"{url}", {options}').replace("maxAge: 5", f"maxAge: {MAX_AGE}")
    (folder / "service.mjs").write_text(changed)
    port = free_port()
    environment = {**os.environ, "PORT": str(port), "AUTHAPP_SERVICE_KEY": service_key, "NODE_ENV": "production"}
    with subprocess.Popen(["node", "service.mjs"], cwd=folder, env=environment) as process:
        try:
            while not is_open(port):
                assert process.poll() is None, "node has ended"
                time.sleep(0.05)
            yield Service(port)
        finally:
            process.terminate()
            assert process.wait(timeout=30) == 0, "it does not stop by itself"


@pytest.fixture
def scene(packages: Path, world: World, settings: Settings, app_with: AppWith, tmp_path: Path) -> Iterator[Scene]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    operator = world.with_app(app_with(algorithm="ES256", secret_key=SECRET, public_url=url, jwt_issuer=url))
    operator.caller()  # makes the first key
    with ExitStack() as stack:
        authapp = stack.enter_context(ExitStack())
        authapp.enter_context(authapp_process(settings, tmp_path, SECRET, port))
        key = operator.service_key("revocations")
        services = []
        for name in ("refuse", "accept"):
            (tmp_path / name).mkdir()
            options = f'{{ onStale: "{name}" }}'
            services.append(stack.enter_context(express(tmp_path / name, url, key, options)))
        yield Scene(operator, authapp, *services)


def token_of(person: Person) -> str:
    return str(person.session["access_token"])


def eventually(answer: Callable[[], int], expected: int, seconds: float) -> None:
    """It answers so within this time."""
    end = time.monotonic() + seconds
    while (found := answer()) != expected and time.monotonic() < end:
        time.sleep(0.05)
    assert found == expected


def forged(world: World, person: Person) -> Iterator[tuple[str, str, str]]:
    """Their names, the tokens, and the codes of the errors."""
    kid = world.app.tokens.ring.signing.kid
    claims = jwt.decode(token_of(person), options={"verify_signature": False})
    _, payload, signature = token_of(person).split(".")
    none = b64({"alg": "none", "kid": kid, "typ": "at+jwt"})
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    past = claims["iat"] - 7200
    yield "alg none", f"{none}.{payload}.", "invalid_token"
    yield "alg none with the signature", f"{none}.{payload}.{signature}", "invalid_token"
    yield "HS256 with the public key", signed_by_public_key(world, claims, form), "invalid_token"
    yield "another key", sign(world, claims, ec.generate_private_key(ec.SECP256R1())), "invalid_token"
    yield "an unknown kid", sign(world, claims, kid="unknown"), "invalid_token"
    yield "typ JWT", sign(world, claims, typ="JWT"), "invalid_token"
    yield "another iss", sign(world, {**claims, "iss": "https://evil.example.com"}), "invalid_token"
    yield "another aud", sign(world, {**claims, "aud": "another"}), "invalid_token"
    yield "expired", sign(world, {**claims, "iat": past, "exp": past + 3600}), "expired_token"
    yield "another session", sign(world, {**claims, "sid": UNKNOWN_ID}), "revoked_token"


def test_it_answers_as_authapp_would(scene: Scene) -> None:
    world = scene.world
    admin, viewer, stranger = world.person("Acme"), world.person(), world.person("Other")
    here = admin.organization_id
    world.join(viewer, here, "viewer")
    rows = {
        "an admin": (here, token_of(admin), (200, "admin")),
        "an API key": (here, world.api_key(admin, here, "developer"), (200, "developer")),
        "an API key of a viewer": (here, world.api_key(admin, here, "viewer"), (403, "role_too_low")),
        "an unknown API key": (here, "ak_" + "0" * 32 + "_" + "a" * 43, (401, "invalid_api_key")),
        "a viewer": (here, token_of(viewer), (403, "role_too_low")),
        "a stranger": (here, token_of(stranger), (403, "not_a_member")),
        "an unknown organization": (UNKNOWN_ID, token_of(admin), (403, "not_a_member")),
        "no organization": ("acme", token_of(admin), (403, "not_a_member")),
        "a refresh token": (here, admin.refresh_token, (401, "invalid_token")),
        "no token": (here, "", (401, "missing_token")),
        **{name: (here, token, (401, code)) for name, token, code in forged(world, admin)},
    }
    found = {name: scene.refusing.models(where, token) for name, (where, token, _) in rows.items()}
    assert found == {name: expected for name, (*_, expected) in rows.items()}
    _, told = scene.refusing.answer(f"/organizations/{here}/models", token_of(admin))
    session_id = jwt.decode(token_of(admin), options={"verify_signature": False})["sid"]
    assert told == {
        "subject": str(admin.id), "type": "user", "sessionId": session_id, "organizationId": here, "role": "admin",
    }  # fmt: skip
    assert scene.refusing.me(token_of(admin)) == 200
    assert scene.refusing.me(admin.refresh_token) == scene.refusing.me("") == 401
    assert scene.refusing.me(world.api_key(admin, here, "developer")) == 403


def test_it_refuses_within_max_age_after_what_an_admin_or_the_owner_does(scene: Scene) -> None:
    admin, service = scene.world.person("Acme"), scene.accepting
    here = admin.organization_id
    people = {name: scene.world.person() for name in ("signed out", "demoted", "removed")}
    for each in people.values():
        scene.world.join(each, here, "developer")

    def seen() -> list[tuple[int, str]]:
        return [service.models(here, token_of(person)) for person in people.values()]

    assert seen() == [(200, "developer")] * 3
    members = f"/organizations/{here}/members"
    people["signed out"].call("POST", "/auth/logout")
    assert admin.call("PATCH", f"{members}/{people['demoted'].id}", {"role": "viewer"}).status_code == 200
    assert admin.call("DELETE", f"{members}/{people['removed'].id}").status_code == 204
    time.sleep(MAX_AGE)
    assert seen() == [(401, "revoked_token"), (403, "role_too_low"), (403, "not_a_member")]
    assert service.models(here, token_of(admin)) == (200, "admin")
    suspended = scene.world.app.test_cli_runner().invoke(args=["organizations", "suspend", here])
    assert suspended.exit_code == 0
    time.sleep(MAX_AGE)
    assert service.models(here, token_of(admin)) == (403, "organization_suspended")


def test_where_nothing_is_asked_the_feed_tells_that_a_session_has_ended(scene: Scene) -> None:
    person, other = scene.world.person(), scene.world.person()
    assert scene.refusing.me(token_of(person)) == 200
    person.call("POST", "/auth/logout")
    eventually(lambda: scene.refusing.me(token_of(person)), 401, FEED_SECONDS)
    assert scene.refusing.me(token_of(other)) == 200


def test_while_authapp_is_away_it_refuses_or_accepts_as_it_was_told(scene: Scene) -> None:
    admin, viewer, unasked = scene.world.person("Acme"), scene.world.person(), scene.world.person()
    here = admin.organization_id
    scene.world.join(viewer, here, "viewer")
    scene.world.join(unasked, here, "developer")
    key = scene.world.api_key(admin, here, "developer")
    both = {"refuse": scene.refusing, "accept": scene.accepting}
    for each in both.values():
        assert each.models(here, token_of(admin)) == (200, "admin")
        assert each.models(here, token_of(viewer)) == (403, "role_too_low")
        assert each.models(here, key) == (200, "developer")
        assert each.me(token_of(admin)) == 200
    scene.authapp.close()
    time.sleep(MAX_AGE)
    away = (503, "authapp_unavailable")
    assert scene.refusing.models(here, token_of(admin)) == away
    assert scene.accepting.models(here, token_of(admin)) == (200, "admin")
    for name, each in both.items():
        for token in (token_of(viewer), token_of(unasked), key):
            assert each.models(here, token) == away, name
        assert each.models(here, admin.refresh_token) == (401, "invalid_token"), name
    eventually(lambda: scene.refusing.me(token_of(admin)), 503, 20)  # the feed is behind after 10 seconds
    assert scene.accepting.me(token_of(admin)) == 200


def test_the_example_of_the_readme_uses_what_the_page_uses() -> None:
    [guard] = re.findall(r"auth\.express\.member\(.*?\}\)", example())
    assert guard in page("clients/node/README.md")
