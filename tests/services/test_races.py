"""What only shows when many ask at once, on a real PostgreSQL."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from authapp.core.clock import FrozenClock
from authapp.security.passwords import passwords
from tests.factories import PASSWORD, AppWith, Person, World, all_at_once, statements

CLIENTS = 16
ROUNDS = 20


def refresh(world: World, token: str) -> tuple[int, dict[str, Any]]:
    response = world.caller().call("POST", "/auth/refresh", {"refresh_token": token})
    return response.status_code, response.get_json()


def test_a_token_refreshed_by_all_rotates_once_and_all_get_the_same_successor(world: World) -> None:
    person = world.person()
    token = person.refresh_token
    for _ in range(ROUNDS):
        answers = all_at_once([partial(refresh, world, token)] * CLIENTS)
        assert Counter(status for status, _ in answers) == {200: CLIENTS}
        [successor] = {body["refresh_token"] for _, body in answers}
        assert successor != token
        [row] = world.sql("SELECT refresh_id, previous_refresh_id, ended_at FROM sessions")
        assert row.ended_at is None
        token = successor


def test_reuse_by_all_at_once_ends_the_session_and_is_recorded_once(world: World, time: FrozenClock) -> None:
    for round_ in range(1, ROUNDS + 1):
        person = world.person()
        successor = refresh(world, person.refresh_token)[1]["refresh_token"]
        time.advance(seconds=11)
        answers = all_at_once([partial(refresh, world, person.refresh_token)] * CLIENTS)
        assert {status for status, _ in answers} == {401}
        assert Counter(body["code"] for _, body in answers)["refresh_token_reused"] == 1
        assert refresh(world, successor)[0] == 401
        [[recorded]] = world.sql("SELECT count(*) FROM audit_events WHERE action = 'session.refresh.reused'")
        assert recorded == round_


def test_no_token_is_usable_after_logout_has_answered(world: World) -> None:
    def logout(person: Person) -> tuple[int, dict[str, Any]]:
        return person.call("POST", "/auth/logout").status_code, {}

    for _ in range(ROUNDS):
        person = world.person()
        refreshing = [partial(refresh, world, person.refresh_token)] * (CLIENTS - 1)
        answers = all_at_once([partial(logout, person), *refreshing])
        assert answers[0][0] == 204
        for status, body in answers[1:]:
            assert status in (200, 401)
            if status == 200:
                assert world.caller(body["access_token"]).call("GET", "/auth/me").status_code == 401
                assert refresh(world, body["refresh_token"])[0] == 401


def test_one_address_registers_once(world: World) -> None:
    def register(email: str) -> int:
        return world.caller().call("POST", "/auth/register", {"email": email, "password": PASSWORD}).status_code

    for round_ in range(ROUNDS):
        # no more at once than the hash queue lets in
        statuses = all_at_once([partial(register, f"race{round_}@example.com")] * 5)
        assert Counter(statuses) == {201: 1, 409: 4}


def test_two_hundred_organizations_of_one_name_all_get_a_slug_of_their_own(world: World) -> None:
    founders = [world.person() for _ in range(8)]

    def found(number: int) -> tuple[int, str]:
        response = founders[number % 8].call("POST", "/organizations", {"name": "Acme Research"})
        return response.status_code, response.get_json().get("slug", "")

    answers = all_at_once([partial(found, number) for number in range(200)])
    assert {status for status, _ in answers} == {201}
    slugs = [slug for (slug,) in world.sql("SELECT slug FROM organizations")]
    assert len(set(slugs)) == len(slugs) == 200
    assert "acme-research" in slugs


def test_sign_ins_at_once_while_the_hash_is_renewed_all_succeed(world: World, app_with: AppWith) -> None:
    with app_with(bcrypt_rounds=5).app_context():
        outdated = passwords.hash(PASSWORD)

    def sign_in(person: Person) -> int:
        body = {"email": person.email, "password": PASSWORD}
        return world.caller().call("POST", "/auth/login", body).status_code

    for _ in range(ROUNDS // 2):
        person = world.person()
        world.sql("UPDATE users SET password_hash = :old WHERE id = :id", old=outdated, id=person.id)
        assert set(all_at_once([partial(sign_in, person)] * 4)) == {200}
        [[stored]] = world.sql("SELECT password_hash FROM users WHERE id = :id", id=person.id)
        assert "$2b$04$" in stored


@pytest.mark.parametrize(
    ("meanwhile", "status", "code"),
    [
        ("UPDATE users SET is_active = false", 403, "inactive_account"),
        ("UPDATE users SET password_hash = 'another'", 401, "wrong_credentials"),
        ("UPDATE users SET deleted_at = now()", 401, "wrong_credentials"),
    ],
)
def test_an_account_that_changes_while_its_password_is_checked_is_checked_again(
    world: World, meanwhile: str, status: int, code: str
) -> None:
    person = world.person()
    credentials = {"email": person.email, "password": PASSWORD}
    with world.app.app_context():
        turn = passwords.queue.turn
    with ThreadPoolExecutor() as pool:
        with turn, statements(world.app) as sent:  # nobody hashes until this is over
            signing_in = pool.submit(world.caller().call, "POST", "/auth/login", credentials)
            while not sent:
                assert not signing_in.done()
            world.sql(meanwhile)
            assert not signing_in.done()
        response = signing_in.result()
    assert (response.status_code, response.get_json()["code"]) == (status, code)


def test_one_hash_at_a_time_in_each_process(world: World) -> None:
    body = {"email": "ada@example.com", "password": PASSWORD}
    with world.app.app_context():
        turn = passwords.queue.turn
    with ThreadPoolExecutor() as pool:
        with turn:
            registering = pool.submit(world.caller().call, "POST", "/auth/register", body)
            with pytest.raises(TimeoutError):
                registering.result(timeout=0.5)
        assert registering.result().status_code == 201


@pytest.mark.parametrize("everywhere", [True, False])
def test_sessions_ended_twice_at_once_are_recorded_once(world: World, everywhere: bool) -> None:
    person = world.person()

    def logout() -> int:
        return person.call("POST", "/auth/logout", {"everywhere": everywhere}).status_code

    assert set(all_at_once([logout] * CLIENTS)) <= {204, 401}
    [[recorded]] = world.sql("SELECT count(*) FROM audit_events WHERE action = 'session.ended'")
    assert recorded == 1
