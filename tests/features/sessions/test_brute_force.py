"""Guessing passwords: how many tries there are, who has to wait, and that the owner gets in all the same."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from werkzeug.test import TestResponse

from authapp.core.clock import FrozenClock
from authapp.security.hash_queue import HashQueue, HashQueueFull
from authapp.services import throttle
from tests.factories import PASSWORD, AppWith, World, all_at_once
from tests.pages import page

GUESS = "WrongPassword1"
NETWORK = "192.0.2.1"
COUNTERS = "SELECT failures FROM attempt_counters ORDER BY failures"


def login(
    world: World, email: str, password: str = GUESS, network: str = NETWORK, headers: Any = None, **body: str
) -> TestResponse:
    body = {"email": email, "password": password, **body}
    environ = {"REMOTE_ADDR": network}
    return world.caller().call("POST", "/auth/login", body, environ_overrides=environ, headers=headers)


def status(*args: Any, **kwargs: Any) -> int:
    return login(*args, **kwargs).status_code


def test_a_hundred_guesses_at_once_get_as_many_tries_as_one_after_the_other(world: World, time: FrozenClock) -> None:
    person = world.person()
    at_once = Counter(all_at_once([partial(status, world, person.email)] * 100))
    assert at_once.pop(401) == throttle.PAIR.free
    assert set(at_once) <= {429, 503}  # the second: more than the hash queue takes
    other = world.person()
    in_turn = [status(world, other.email, network="192.0.2.2") for _ in range(throttle.PAIR.free + 1)]
    assert in_turn == [401] * throttle.PAIR.free + [429]


def test_guesses_at_once_from_many_networks_stop_at_the_budget_of_the_address(world: World, time: FrozenClock) -> None:
    person = world.person()
    guesses: list[Callable[[], int]] = [
        partial(status, world, person.email, network=f"192.0.2.{number}") for number in range(100)
    ]
    at_once = Counter(all_at_once(guesses))
    assert at_once.pop(401) == throttle.ADDRESS.free
    assert set(at_once) <= {429, 503}


def test_guesses_at_many_addresses_stop_at_the_budget_of_the_network(world: World, time: FrozenClock) -> None:
    one_more = throttle.NETWORK.free + 1
    guesses = [status(world, f"nobody{number}@example.com") for number in range(one_more)]
    assert Counter(guesses) == {401: one_more - 1, 429: 1}
    assert status(world, "nobody@example.com", network="192.0.2.2") == 401


def test_the_networks_of_one_ipv6_customer_count_as_one(world: World, time: FrozenClock) -> None:
    person = world.person()
    addresses = [f"2001:db8:0:1::{number:x}" for number in range(throttle.PAIR.free + 1)]
    assert [status(world, person.email, network=address) for address in addresses][-1] == 429
    assert status(world, person.email, network="2001:db8:0:2::1") == 401


def test_while_an_address_is_throttled_the_right_password_is_refused_too(world: World, time: FrozenClock) -> None:
    person = world.person()
    for _ in range(throttle.PAIR.free):
        login(world, person.email)
    refused = login(world, person.email, PASSWORD)
    assert (refused.status_code, refused.get_json()["code"]) == (429, "too_many_attempts")
    assert refused.headers["Retry-After"] == "1"
    time.advance(seconds=1)
    assert status(world, person.email, PASSWORD) == 200


def test_each_further_guess_has_to_wait_longer_up_to_a_bound(world: World, time: FrozenClock) -> None:
    person = world.person()
    waits: list[int] = []
    for _ in range(throttle.PAIR.free):
        login(world, person.email)
    while len(waits) < 15:
        waits.append(int(login(world, person.email).headers["Retry-After"]))
        time.advance(seconds=waits[-1])
        assert status(world, person.email) == 401
    assert waits == [min(2**number, throttle.PAIR.longest_wait) for number in range(15)]


def test_failures_are_forgotten_after_a_day_without_an_attempt(world: World, time: FrozenClock) -> None:
    person = world.person()
    for _ in range(throttle.PAIR.free):
        login(world, person.email)
    time.advance(hours=24, seconds=1)
    assert [status(world, person.email) for _ in range(throttle.PAIR.free)] == [401] * throttle.PAIR.free
    assert status(world, person.email) == 429


def test_an_unknown_address_is_throttled_like_a_known_one(world: World, time: FrozenClock) -> None:
    person = world.person()
    answers = [
        [(answer.status_code, answer.headers.get("Retry-After")) for answer in (login(world, email) for _ in range(12))]
        for email in (person.email, "nobody@example.com")
    ]
    assert answers[0] == answers[1]


def test_right_passwords_use_up_no_budget(world: World, time: FrozenClock) -> None:
    person = world.person()
    assert {status(world, person.email, PASSWORD) for _ in range(2 * throttle.PAIR.free)} == {200}
    assert {row.failures for row in world.sql(COUNTERS)} == {0}


def test_signing_in_to_an_own_account_does_not_help_who_guesses(world: World, time: FrozenClock) -> None:
    own, victim = world.person(), world.person()
    for _ in range(throttle.PAIR.free):
        login(world, victim.email)
    assert status(world, own.email, PASSWORD) == 200
    assert status(world, victim.email) == 429


def test_a_known_device_gets_in_while_others_guess_and_has_a_budget_of_its_own(world: World, time: FrozenClock) -> None:
    person = world.person()
    device = {"device_token": person.session["device_token"]}
    for number in range(throttle.ADDRESS.free):
        login(world, person.email, network=f"192.0.2.{number}")
    assert status(world, person.email, PASSWORD) == 429
    signed_in = login(world, person.email, PASSWORD, **device)
    assert signed_in.status_code == 200
    device = {"device_token": signed_in.get_json()["device_token"]}
    guesses = [status(world, person.email, **device) for _ in range(throttle.DEVICE.free + 1)]
    assert guesses == [401] * throttle.DEVICE.free + [429]


def test_a_known_device_is_known_to_its_own_account_only(world: World, time: FrozenClock) -> None:
    person, victim = world.person(), world.person()
    device = {"device_token": person.session["device_token"]}
    for _ in range(throttle.PAIR.free):
        login(world, victim.email)
    assert status(world, victim.email, **device) == 429


def test_counters_outlive_a_restart_and_are_shared_by_processes(
    world: World, time: FrozenClock, app_with: AppWith
) -> None:
    person = world.person()
    for _ in range(throttle.PAIR.free):
        login(world, person.email)
    assert status(world.with_app(app_with()), person.email) == 429


def test_a_forged_forwarded_address_gives_no_more_tries(world: World, time: FrozenClock) -> None:
    person = world.person()
    forged = [{"X-Forwarded-For": f"198.51.100.{number}"} for number in range(throttle.PAIR.free + 1)]
    guesses = [status(world, person.email, headers=headers) for headers in forged]
    assert guesses == [401] * throttle.PAIR.free + [429]


def test_an_attempt_that_was_not_judged_is_given_back(
    world: World, app_with: AppWith, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, app = world.person(), app_with()
    app.hasher.queue = HashQueue(lambda: False)  # the client of every request has disconnected
    body = {"email": person.email, "password": GUESS}
    for _ in range(throttle.PAIR.free + 1):
        answer = world.with_app(app).caller().call("POST", "/auth/login", body)
        assert answer.get_json()["code"] == HashQueueFull.code
    assert {row.failures for row in world.sql(COUNTERS)} == {0}


def test_the_password_of_a_stolen_session_is_guessed_no_faster(world: World, time: FrozenClock) -> None:
    person = world.person()
    guesses = [
        person.call("DELETE", "/auth/me", {"password": GUESS}).status_code for _ in range(throttle.PAIR.free + 1)
    ]
    assert guesses == [401] * throttle.PAIR.free + [429]
    assert person.call("GET", "/auth/me").status_code == 200


def test_refreshing_and_reading_touch_no_counter(world: World) -> None:
    person = world.person()
    person.call("GET", "/auth/me")
    person.call("POST", "/auth/refresh", {"refresh_token": person.refresh_token})
    assert world.sql(COUNTERS) == []


def test_no_counter_shows_an_address(world: World) -> None:
    person = world.person()
    login(world, person.email)
    [[rows]] = world.sql("SELECT string_agg(encode(key || coalesce(subject, ''), 'escape'), ' ') FROM attempt_counters")
    assert person.email not in rows
    assert NETWORK not in rows


def test_the_docs_have_the_budgets() -> None:
    rows = re.findall(r"^\| (?:an?|the) .+ \| (\d+) \| (\d+) s \|$", page("docs/brute-force.md"), re.MULTILINE)
    budgets = [throttle.PAIR, throttle.ADDRESS, throttle.NETWORK, throttle.DEVICE, throttle.SECOND_FACTOR]
    assert [(int(free), int(longest)) for free, longest in rows] == budgets


def test_an_owner_authenticates_again_on_a_known_device_while_others_guess(world: World, time: FrozenClock) -> None:
    person = world.person()
    for number in range(throttle.ADDRESS.free):
        login(world, person.email, network=f"192.0.2.{number}")
    assert status(world, person.email, PASSWORD) == 429
    assert person.call("POST", "/auth/reauthenticate", {"password": PASSWORD}).status_code == 200
    world.sql("DELETE FROM known_devices")
    assert person.call("POST", "/auth/reauthenticate", {"password": PASSWORD}).status_code == 429


def test_in_safe_mode_the_right_password_of_an_unverified_address_counts_as_a_guess(
    world: World, time: FrozenClock, app_with: AppWith
) -> None:
    person = world.person()
    safe = world.with_app(app_with(registration_mode="safe"))
    guesses = [status(safe, person.email, PASSWORD) for _ in range(throttle.PAIR.free + 1)]
    assert guesses == [401] * throttle.PAIR.free + [429]


def test_a_refused_attempt_counts_nowhere(world: World, time: FrozenClock) -> None:
    person = world.person()
    for _ in range(2 * throttle.PAIR.free):
        login(world, person.email)
    assert [row.failures for row in world.sql(COUNTERS)] == [throttle.PAIR.free] * 3
