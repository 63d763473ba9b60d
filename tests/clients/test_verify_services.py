"""The services of docs/verifying-tokens.md, in processes of their own, behind a real authapp."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from authapp.config import Settings
from tests.clients.forging import forged
from tests.clients.services import MAX_AGE, Service, authapp_process, service
from tests.factories import UNKNOWN_ID, AppWith, Person, World
from tests.live import free_port

SECRET = "a-secret-of-the-services-that-is-long-enough"
NAMES = ("service_fastapi", "service_flask")
FEED_SECONDS = 6.0  # in which the feed has been read, on a busy machine


@dataclasses.dataclass
class Scene:
    """authapp, which can be stopped, and people."""

    world: World
    url: str
    authapp: ExitStack
    services: dict[str, Service]

    @property
    def both(self) -> list[Service]:
        return [self.services[name] for name in NAMES]


@pytest.fixture
def scene(world: World, settings: Settings, app_with: AppWith, tmp_path: Path) -> Iterator[Scene]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    operator = world.with_app(app_with(algorithm="ES256", secret_key=SECRET, public_url=url, jwt_issuer=url))
    operator.caller()  # makes the first key
    with ExitStack() as stack:
        authapp = stack.enter_context(ExitStack())
        authapp.enter_context(authapp_process(settings, tmp_path, SECRET, port))
        key = operator.service_key("revocations")
        services = {name: stack.enter_context(service(name, tmp_path, url, key)) for name in (*NAMES, "service_django")}
        for name in NAMES:
            folder = tmp_path / "accepting"
            folder.mkdir(exist_ok=True)
            services[f"accepting {name}"] = stack.enter_context(service(name, folder, url, key, "accept"))
        yield Scene(operator, url, authapp, services)


def token_of(person: Person) -> str:
    return str(person.session["access_token"])


def eventually(answer: Any, expected: Any, seconds: float) -> None:
    """It answers so within this time."""
    end = time.monotonic() + seconds
    while (found := answer()) != expected and time.monotonic() < end:
        time.sleep(0.05)
    assert found == expected


def test_each_service_answers_as_authapp_would(scene: Scene) -> None:
    admin, viewer, stranger = scene.world.person("Acme"), scene.world.person(), scene.world.person("Other")
    here = admin.organization_id
    scene.world.join(viewer, here, "viewer")
    rows: dict[str, tuple[str, str, tuple[int, str]]] = {
        "an admin": (here, token_of(admin), (200, "admin")),
        "an API key": (here, scene.world.api_key(admin, here, "developer"), (200, "developer")),
        "an API key of a viewer": (here, scene.world.api_key(admin, here, "viewer"), (403, "role_too_low")),
        "an unknown API key": (here, "ak_" + "0" * 32 + "_" + "a" * 43, (401, "invalid_api_key")),
        "a viewer": (here, token_of(viewer), (403, "role_too_low")),
        "a stranger": (here, token_of(stranger), (403, "not_a_member")),
        "an unknown organization": (UNKNOWN_ID, token_of(admin), (403, "not_a_member")),
        "no organization": ("acme", token_of(admin), (403, "not_a_member")),
        "a refresh token": (here, admin.refresh_token, (401, "invalid_token")),
        "no token": (here, "", (401, "missing_token")),
        **{name: (here, token, (401, code)) for name, token, code in forged(scene.world, admin)},
    }
    for each in [*scene.both, scene.services["service_django"]]:
        found = {name: each.models(where, token) for name, (where, token, _) in rows.items()}
        assert found == {name: expected for name, (*_, expected) in rows.items()}
    for each in scene.both:
        assert each.me(token_of(admin)) == 200
        assert each.me(admin.refresh_token) == each.me("") == 401


def test_each_service_refuses_within_max_age_after_what_an_admin_or_the_owner_does(scene: Scene) -> None:
    admin = scene.world.person("Acme")
    here = admin.organization_id
    people = {name: scene.world.person() for name in ("signed out", "demoted", "removed")}
    for each in people.values():
        scene.world.join(each, here, "developer")

    def seen() -> list[list[tuple[int, str]]]:
        return [[each.models(here, token_of(person)) for person in people.values()] for each in scene.both]

    assert seen() == [[(200, "developer")] * 3] * 2
    people["signed out"].call("POST", "/auth/logout")
    members = f"/organizations/{here}/members"
    assert admin.call("PATCH", f"{members}/{people['demoted'].id}", {"role": "viewer"}).status_code == 200
    assert admin.call("DELETE", f"{members}/{people['removed'].id}").status_code == 204
    changed_at = time.monotonic()
    expected = [(401, "revoked_token"), (403, "role_too_low"), (403, "not_a_member")]
    time.sleep(MAX_AGE - (time.monotonic() - changed_at))
    assert seen() == [expected] * 2
    assert [each.models(here, token_of(admin)) for each in scene.both] == [(200, "admin")] * 2
    suspended = scene.world.app.test_cli_runner().invoke(args=["organizations", "suspend", here])
    assert suspended.exit_code == 0
    time.sleep(MAX_AGE)
    assert [each.models(here, token_of(admin)) for each in scene.both] == [(403, "organization_suspended")] * 2


def test_services_that_do_not_ask_know_by_the_feed_that_a_session_has_ended(scene: Scene) -> None:
    person, other = scene.world.person(), scene.world.person()
    for each in scene.both:
        assert each.me(token_of(person)) == 200
    person.call("POST", "/auth/logout")
    for each in scene.both:
        eventually(partial(each.me, token_of(person)), 401, FEED_SECONDS)
        assert each.me(token_of(other)) == 200


def test_while_authapp_is_away_services_refuse_or_accept_as_they_were_told(scene: Scene) -> None:
    admin, viewer, unasked = scene.world.person("Acme"), scene.world.person(), scene.world.person()
    here = admin.organization_id
    scene.world.join(viewer, here, "viewer")
    scene.world.join(unasked, here, "developer")
    key = scene.world.api_key(admin, here, "developer")
    del scene.services["service_django"]
    for each in scene.services.values():
        assert each.models(here, token_of(admin)) == (200, "admin")
        assert each.models(here, token_of(viewer)) == (403, "role_too_low")
        assert each.models(here, key) == (200, "developer")
        assert each.me(token_of(admin)) == 200
    scene.authapp.close()
    time.sleep(MAX_AGE)
    away = (503, "authapp_unavailable")
    for name, each in scene.services.items():
        accepted = (200, "admin") if name.startswith("accepting") else away
        assert each.models(here, token_of(admin)) == accepted, name
        for token in (token_of(viewer), token_of(unasked), key):
            assert each.models(here, token) == away, name
        assert each.models(here, admin.refresh_token) == (401, "invalid_token"), name
    for name, each in scene.services.items():  # the feed is behind after 10 seconds
        if not name.startswith("accepting"):
            eventually(partial(each.me, token_of(admin)), 503, 20)
    for name, each in scene.services.items():
        if name.startswith("accepting"):
            assert each.me(token_of(admin)) == 200
