"""Introspection answers as the guards would, and tells nothing of what is not accepted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from statistics import median
from time import perf_counter
from typing import Any

import jwt
import pytest
from werkzeug.test import TestResponse

from authapp.core.clock import FrozenClock
from tests.factories import API, UNKNOWN_ID, AppWith, Person, World, statements

FORM = "application/x-www-form-urlencoded"
INACTIVE = {"active": False}


class Service:
    """Another service, with a key that may introspect."""

    def __init__(self, world: World) -> None:
        self._caller = world.caller(world.service_key("introspect"))

    def post(self, body: bytes | dict[str, str], content_type: str = FORM) -> TestResponse:
        return self._caller.open(f"{API}/auth/introspect", method="POST", data=body, content_type=content_type)

    def ask(self, token: str, **form: str) -> dict[str, Any]:
        answer = self.post({"token": token, **form})
        assert answer.status_code == 200, answer.text
        return dict(answer.get_json())


@pytest.fixture
def service(world: World) -> Service:
    return Service(world)


def access_token(person: Person) -> str:
    return str(person.session["access_token"])


def test_an_access_token_is_active_with_its_claims(world: World, service: Service, time: FrozenClock) -> None:
    person = world.person("Acme")
    claims = jwt.decode(access_token(person), options={"verify_signature": False})
    found = service.ask(access_token(person), token_type_hint="access_token")
    names = ("sub", "sid", "iss", "aud", "iat", "exp", "auth_time", "amr")
    assert found == {
        "active": True, "token_type": "Bearer", "actor_type": "user", **{name: claims[name] for name in names}
    }  # fmt: skip
    assert person.email not in json.dumps(found)


def test_with_an_organization_the_role_is_told_and_null_where_there_is_none(world: World, service: Service) -> None:
    person, other = world.person("Acme"), world.person("Other")
    world.join(person, other.organization_id, "viewer")
    for organization_id, role in (
        (person.organization_id, "admin"),
        (other.organization_id, "viewer"),
        (UNKNOWN_ID, None),
    ):
        found = service.ask(access_token(person), organization_id=organization_id)
        assert (found["active"], found["role"], found["permissions"]) == (True, role, [])
    assert service.ask(access_token(other), organization_id=person.organization_id)["role"] is None


def test_the_role_is_the_present_one_and_a_deleted_organization_has_none(world: World, service: Service) -> None:
    person, member = world.person("Acme"), world.person()
    world.join(member, person.organization_id, "viewer")
    here = {"organization_id": person.organization_id}
    path = f"/organizations/{person.organization_id}"
    person.call("PATCH", f"{path}/members/{member.id}", {"role": "developer"})
    assert service.ask(access_token(member), **here)["role"] == "developer"
    person.call("DELETE", path)
    assert service.ask(access_token(person), **here)["role"] is None


def test_an_api_key_is_active_while_its_organization_is_there(world: World, service: Service) -> None:
    person, other = world.person("Acme"), world.person("Other")
    key = world.api_key(person, person.organization_id, "developer")
    shown = person.call("GET", f"/organizations/{person.organization_id}/api-keys").get_json()["items"][0]
    alone = {
        "active": True, "token_type": "Bearer", "actor_type": "api_key", "sub": shown["id"],
        "iss": world.app.settings.jwt_issuer,
    }  # fmt: skip
    assert service.ask(key) == alone
    at_home = service.ask(key, organization_id=person.organization_id)
    assert at_home == {**alone, "role": "developer", "permissions": []}
    abroad = service.ask(key, organization_id=other.organization_id)
    assert abroad == {**alone, "role": None, "permissions": []}
    person.call("DELETE", f"/organizations/{person.organization_id}")
    for form in ({}, {"organization_id": person.organization_id}, {"organization_id": other.organization_id}):
        assert service.ask(key, **form) == INACTIVE


def test_in_a_suspended_organization_nobody_has_a_role_and_its_keys_are_inactive(
    world: World, service: Service
) -> None:
    person = world.person("Acme")
    here = {"organization_id": person.organization_id}
    key = world.api_key(person, person.organization_id, "developer")
    world.app.test_cli_runner().invoke(args=["organizations", "suspend", person.organization_id])
    assert service.ask(access_token(person), **here)["role"] is None
    assert [service.ask(key), service.ask(key, **here)] == [INACTIVE, INACTIVE]


def test_a_token_is_inactive_once_the_guards_refuse_it(world: World, service: Service, time: FrozenClock) -> None:
    ended, off, gone, late = (world.person() for _ in range(4))
    admin = world.person("Acme")
    key = world.api_key(admin, admin.organization_id, "viewer")
    tokens = [*map(access_token, (ended, off, gone, late)), key]
    assert [service.ask(token)["active"] for token in tokens] == [True] * 5
    ended.call("POST", "/auth/logout")
    world.app.test_cli_runner().invoke(args=["users", "deactivate", off.email])
    gone.call("DELETE", "/auth/me", {"password": "SecurePassword123"})
    [shown] = admin.call("GET", f"/organizations/{admin.organization_id}/api-keys").get_json()["items"]
    admin.call("DELETE", f"/organizations/{admin.organization_id}/api-keys/{shown['id']}")
    time.advance(minutes=30)
    assert [service.ask(token) for token in tokens] == [INACTIVE] * 5


def forged(world: World, person: Person) -> Iterator[str]:
    """Tokens that no guard accepts."""
    token = access_token(person)
    head, payload, signature = token.split(".")
    yield from (person.refresh_token, token + "=", token + ".", token[:-2], f"{head}.{payload}.", f"{token} ")
    yield f"{head}.{payload}.{signature[::-1]}"
    claims = jwt.decode(token, options={"verify_signature": False})
    header = jwt.get_unverified_header(token)
    yield jwt.encode(claims, "another-secret-that-is-long-enough", "HS256", header)
    yield jwt.encode(claims, "", "none")
    yield from ("x", "\x00", token + "\x00", "\x00" + token, "\ud7ff", "ä" * 100, "." * 5000, "x" * 60_000, "Bearer x")
    key = world.api_key(person, person.organization_id, "viewer")
    yield from (key + "x", key[:-1], key.upper(), "sk" + key[2:], "\x00" + key, world.service_key("introspect"))
    yield world.app.opaque_tokens.make("ak", person.id)[0]


def test_forged_altered_and_foreign_tokens_are_inactive_and_nothing_else(world: World, service: Service) -> None:
    person = world.person("Acme")
    for token in forged(world, person):
        assert service.ask(token) == INACTIVE, token[:80]
        assert service.ask(token, organization_id=person.organization_id) == INACTIVE


def test_an_access_token_of_another_deployment_is_inactive(world: World, service: Service, app_with: AppWith) -> None:
    person = world.person()
    for changes in (
        {"jwt_audience": "other"},
        {"jwt_issuer": "http://other"},
        {"jwt_secret_key": "another-secret-that-is-long-enough"},
    ):
        other = world.with_app(app_with(**changes))
        signed_in = other.sign_in(person)
        assert service.ask(access_token(signed_in)) == INACTIVE


def test_where_verified_addresses_are_required_an_unverified_account_has_no_role(
    world: World, app_with: AppWith
) -> None:
    person = world.person("Acme")
    required = Service(world.with_app(app_with(email_verification="required")))
    form = {"organization_id": person.organization_id}
    assert required.ask(access_token(person), **form)["role"] is None
    world.sql("UPDATE users SET email_verified = true")
    assert required.ask(access_token(person), **form)["role"] == "admin"


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b"token=x", "application/json", 415, "unsupported_media_type"),
        (b'{"token": "x"}', "application/json", 415, "unsupported_media_type"),
        (b"token=x", "", 415, "unsupported_media_type"),
        (b"token=x", "multipart/form-data", 415, "unsupported_media_type"),
        (b"token=x", f"{FORM}; charset=latin-1", 415, "unsupported_media_type"),
        (b"token=x", f"{FORM}; charset=UTF-8", 200, None),
        (b"", FORM, 422, "validation_failed"),
        (b"token=", FORM, 422, "validation_failed"),
        (b"token=x&token=y", FORM, 422, "validation_failed"),
        (b"token=x&token=x", FORM, 422, "validation_failed"),
        (b"token=x&favourite_colour=blue", FORM, 422, "validation_failed"),
        (b"token=x&organization_id=x", FORM, 422, "validation_failed"),
        (b"token=x&organization_id=", FORM, 422, "validation_failed"),
        (b"a=b&" * 16_000 + b"a=b", FORM, 422, "validation_failed"),
        (b"token", FORM, 400, "invalid_form"),
        (b"token=x&", FORM, 400, "invalid_form"),
        (b"token=x;organization_id=y&", FORM, 400, "invalid_form"),
        (b"token=%ff", FORM, 400, "invalid_form"),
        (b"token=\xff", FORM, 400, "invalid_form"),
        (b"token=\xc3\xa4", FORM, 400, "invalid_form"),
        (b"token=" + b"x" * (64 * 1024 - 6), FORM, 200, None),
        (b"token=" + b"x" * (64 * 1024 - 5), FORM, 413, "body_too_large"),
    ],
)
def test_a_form_is_read_strictly(
    service: Service, body: bytes, content_type: str, status: int, code: str | None
) -> None:
    answer = service.post(body, content_type)
    assert (answer.status_code, answer.get_json().get("code")) == (status, code)


def test_the_answer_to_an_invalid_form_names_the_field_and_does_not_grow(service: Service) -> None:
    answer = service.post(b"token=x&token=y")
    assert answer.get_json()["errors"] == {"form": {"token": ["Send this once."]}}
    unknown = service.post(b"&".join(b"%d=x" % number for number in range(5000)))
    assert len(unknown.get_json()["errors"]["form"]) <= 20


def test_an_unknown_key_costs_the_same_as_a_wrong_secret_of_a_known_one(world: World, service: Service) -> None:
    person = world.person("Acme")
    known = world.app.opaque_tokens.read(world.api_key(person, person.organization_id, "viewer"), "ak")
    assert known
    tokens = {name: world.app.opaque_tokens.make("ak", owner)[0] for name, owner in
              (("unknown", person.id), ("known", known.id))}  # fmt: skip
    taken: dict[str, list[float]] = {name: [] for name in tokens}
    sent: dict[str, list[str]] = {}
    for _ in range(30):
        for name, token in tokens.items():
            began = perf_counter()
            assert service.ask(token) == INACTIVE
            taken[name].append(perf_counter() - began)
    for name, token in tokens.items():
        with statements(world.app) as sent[name]:
            service.ask(token)
    assert sent["unknown"] == sent["known"] == ["select", "select"]
    assert 0.5 < median(taken["unknown"]) / median(taken["known"]) < 2


def test_introspection_sends_these_statements(world: World, service: Service) -> None:
    person = world.person("Acme")
    key = world.api_key(person, person.organization_id, "viewer")
    service.ask(key)  # its use is recorded
    for token, form, expected in (
        (access_token(person), {}, 2),
        (access_token(person), {"organization_id": person.organization_id}, 2),
        (key, {"organization_id": person.organization_id}, 2),
        (key, {}, 2),
        ("junk", {}, 1),
    ):
        with statements(world.app) as sent:
            service.ask(token, **form)
        assert sent == ["select"] * expected
