"""Device tokens: who gets one, what it is good for, and the email about a new device."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from authapp.core.clock import FrozenClock
from authapp.services import known_devices
from tests.factories import PASSWORD, Person, World, all_at_once

SUBJECT = "New sign-in to your account"
DEVICES = "SELECT id FROM known_devices WHERE user_id = :id ORDER BY expires_at"


def login(world: World, person: Person, device_token: str | None = None, **headers: str) -> dict[str, Any]:
    body = {"email": person.email, "password": PASSWORD, **({"device_token": device_token} if device_token else {})}
    answer = world.caller().call("POST", "/auth/login", body, headers=headers)
    assert answer.status_code == 200
    return dict(answer.get_json())


def notices(world: World, person: Person) -> list[str]:
    return [message.text for to, message in world.emails() if to == person.email and message.subject == SUBJECT]


def test_every_sign_in_gives_a_device_token_and_a_refresh_gives_none(world: World) -> None:
    person = world.person()
    first = person.session["device_token"]
    second = login(world, person, first)["device_token"]
    assert first.startswith("dt_")
    assert second not in (None, first)
    refreshed = person.call("POST", "/auth/refresh", {"refresh_token": person.refresh_token})
    assert refreshed.get_json()["device_token"] is None
    assert len(world.sql(DEVICES, id=person.id)) == 1


def test_an_email_tells_of_a_new_device_and_of_no_known_one(world: World) -> None:
    person = world.person()
    token = login(world, person, person.session["device_token"])["device_token"]
    assert notices(world, person) == []
    login(world, person, **{"User-Agent": "Curl/8 <b>http://evil.example</b>"})
    [text] = notices(world, person)
    assert "http://localhost:8000/forgot-password" in text
    assert "127.0.0.1" in text
    assert "evil.example" not in text
    login(world, person, token)
    assert len(notices(world, person)) == 1


def test_emails_that_anybody_asks_for_do_not_keep_back_the_one_about_a_new_device(world: World) -> None:
    person, squatter = world.person(), world.person()
    world.sql("UPDATE users SET email_verified = true WHERE id = :id", id=person.id)
    for each in (person, squatter):
        for _ in range(6):
            assert world.caller().call("POST", "/auth/password/forgot", {"email": each.email}).status_code == 202
        for _ in range(4):
            login(world, each)
    assert len(notices(world, person)) == 4
    assert len(notices(world, squatter)) == 2  # within the limits: nobody has verified that the address is theirs


@pytest.mark.parametrize("token", ["", "dt_", "it_x", "not a token"])
def test_a_malformed_device_token_is_a_new_device(world: World, token: str) -> None:
    person = world.person()
    body = {"email": person.email, "password": PASSWORD, "device_token": token}
    assert world.caller().call("POST", "/auth/login", body).status_code == (422 if token == "" else 200)


def test_a_device_token_that_was_replaced_is_not_known(world: World) -> None:
    person = world.person()
    first = person.session["device_token"]
    login(world, person, first)
    login(world, person, first)
    assert len(notices(world, person)) == 1


def test_a_device_is_forgotten_180_days_after_its_last_sign_in(world: World, time: FrozenClock) -> None:
    person = world.person()
    time.advance(days=179)
    token = login(world, person, person.session["device_token"])["device_token"]
    time.advance(days=180, seconds=1)
    login(world, person, token)
    assert len(notices(world, person)) == 1


def test_an_account_has_at_most_a_hundred_devices_and_the_oldest_go_first(world: World) -> None:
    person = world.person()
    world.sql(
        "INSERT INTO known_devices (id, user_id, token_hash, expires_at) "
        "SELECT gen_random_uuid(), :id, '', now() + n * interval '1 minute' FROM generate_series(1, 20000) AS n",
        id=person.id,
    )
    newest = [row.id for row in world.sql(DEVICES, id=person.id)][-99:]
    login(world, person)
    assert [row.id for row in world.sql(DEVICES, id=person.id)][:99] == newest
    all_at_once([partial(login, world, person)] * 8)
    assert len(world.sql(DEVICES, id=person.id)) == known_devices.MOST


def test_a_device_token_is_stored_as_a_hash(world: World) -> None:
    person = world.person()
    [[stored]] = world.sql("SELECT token_hash FROM known_devices")
    assert len(bytes(stored)) == 32
    assert person.session["device_token"].encode() not in bytes(stored)


def test_one_device_token_presented_at_once_stays_one_device(world: World) -> None:
    person = world.person()
    token = person.session["device_token"]
    tokens = [session["device_token"] for session in all_at_once([partial(login, world, person, token)] * 8)]
    assert len(set(tokens)) == 8
    assert len(world.sql(DEVICES, id=person.id)) <= 8
