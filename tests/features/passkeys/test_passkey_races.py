"""Challenges, passkeys and ways in that many clients use at once, on a real PostgreSQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

from authapp.core.clock import FrozenClock
from tests.factories import CLIENTS, ROUNDS, Person, World, all_at_once
from tests.features.passwords.test_passwords import verified
from tests.passkeys import Passkey, begin_registration, begin_sign_in, second_factor_options, with_passkey
from tests.second_factors import answer, begin, enrol

Answer = tuple[int, str | None]
OK, CREATED, DONE = (200, None), (201, None), (204, None)
USED_UP, INVALID = (401, "invalid_passkey_challenge"), (401, "invalid_passkey")


def call(world: World, path: str, body: dict[str, Any]) -> Answer:
    return answer(world.caller().call("POST", path, body))


def call_as(person: Person, method: str, path: str, body: dict[str, Any] | None = None) -> Answer:
    return answer(person.call(method, path, body))


def sign_in_body(world: World, passkey: Passkey) -> dict[str, Any]:
    begun = begin_sign_in(world)
    return {"challenge_id": begun["challenge_id"], "passkey": passkey.get(begun["options"])}


def registration_body(person: Person, passkey: Passkey) -> dict[str, Any]:
    begun = begin_registration(person)
    return {"challenge_id": begun["challenge_id"], "passkey": passkey.create(begun["options"])}


def rows(world: World, table: str, person: Person) -> int:
    [[count]] = world.sql(f"SELECT count(*) FROM {table} WHERE user_id = :id", id=person.id)
    return int(count)


def test_a_challenge_that_is_answered_by_all_at_once_starts_one_session(world: World) -> None:
    passkey = with_passkey(person := world.person())
    for _ in range(ROUNDS):
        body, before = sign_in_body(world, passkey), rows(world, "sessions", person)
        found = Counter(all_at_once([partial(call, world, "/auth/login/passkey", body)] * CLIENTS))
        assert found == {OK: 1, USED_UP: CLIENTS - 1}
        assert rows(world, "sessions", person) == before + 1


def test_a_challenge_that_is_answered_to_sign_in_and_to_authenticate_again_serves_once(world: World) -> None:
    passkey = with_passkey(person := world.person())
    for _ in range(ROUNDS):
        body = sign_in_body(world, passkey)
        signing_in = partial(call, world, "/auth/login/passkey", body)
        again = partial(call_as, person, "POST", "/auth/reauthenticate", {"passkey": body["passkey"]})
        found = Counter(all_at_once([signing_in, again] * (CLIENTS // 2)))
        assert found == {OK: 1, USED_UP: CLIENTS - 1}


def test_of_answers_with_the_same_counter_one_is_accepted(world: World) -> None:
    passkey = with_passkey(person := world.person(), sign_count=1)
    for round_ in range(ROUNDS):
        passkey.sign_count = round_ + 2
        bodies = [sign_in_body(world, passkey) for _ in range(CLIENTS)]
        before = rows(world, "sessions", person)
        found = Counter(all_at_once([partial(call, world, "/auth/login/passkey", body) for body in bodies]))
        assert found == {OK: 1, INVALID: CLIENTS - 1}
        assert rows(world, "sessions", person) == before + 1
    [row] = world.sql("SELECT sign_count FROM passkeys")
    assert row.sign_count == ROUNDS + 1


def test_an_answer_to_a_second_factor_completes_one_of_many_sign_ins(world: World, time: FrozenClock) -> None:
    passkey = with_passkey(person := world.person())
    enrol(person)
    for _ in range(ROUNDS):
        tokens = [begin(world, person) for _ in range(CLIENTS)]
        signed = passkey.get(second_factor_options(world, tokens[0]))
        before = rows(world, "sessions", person)
        bodies = [{"mfa_token": token, "passkey": signed} for token in tokens]
        found = Counter(all_at_once([partial(call, world, "/auth/login/mfa", body) for body in bodies]))
        assert found[OK] == 1
        assert found.keys() <= {OK, USED_UP, (429, "too_many_attempts")}
        assert rows(world, "sessions", person) == before + 1
        world.sql("DELETE FROM attempt_counters")


def test_of_registrations_at_nineteen_passkeys_one_succeeds(world: World) -> None:
    person = world.person()
    for _ in range(19):
        with_passkey(person)
    for _ in range(ROUNDS):
        bodies = [registration_body(person, Passkey()) for _ in range(CLIENTS)]
        found = Counter(all_at_once([partial(call_as, person, "POST", "/auth/passkeys", body) for body in bodies]))
        assert found == {CREATED: 1, (409, "limit_reached"): CLIENTS - 1}
        assert rows(world, "passkeys", person) == 20
        world.sql("DELETE FROM passkeys WHERE id = (SELECT max(id::text)::uuid FROM passkeys)")


def test_a_registration_that_is_sent_by_all_at_once_adds_one_passkey(world: World) -> None:
    for _ in range(ROUNDS):
        person = world.person()
        body = registration_body(person, Passkey())
        found = Counter(all_at_once([partial(call_as, person, "POST", "/auth/passkeys", body)] * CLIENTS))
        assert found == {CREATED: 1, (422, "validation_failed"): CLIENTS - 1}
        assert rows(world, "passkeys", person) == 1


def test_a_passkey_that_many_accounts_add_at_once_belongs_to_one(world: World) -> None:
    people = [verified(world) for _ in range(CLIENTS)]
    for _ in range(ROUNDS):
        passkey = Passkey()
        bodies = [registration_body(person, passkey) for person in people]
        adding: list[Callable[[], Answer]] = [
            partial(call_as, person, "POST", "/auth/passkeys", body)
            for person, body in zip(people, bodies, strict=True)
        ]
        assert Counter(all_at_once(adding)) == {CREATED: 1, (409, "passkey_taken"): CLIENTS - 1}
        world.sql("DELETE FROM passkeys")


def test_of_removals_of_the_last_two_ways_in_one_is_refused(world: World) -> None:
    for _ in range(ROUNDS):
        person = world.person()
        for _ in range(2):
            with_passkey(person)
        world.sql("UPDATE users SET password_hash = NULL WHERE id = :id", id=person.id)
        ids = [item["id"] for item in person.call("GET", "/auth/passkeys").get_json()["items"]]
        removals: list[Callable[[], Answer]] = [
            partial(call_as, person, "DELETE", f"/auth/passkeys/{passkey_id}") for passkey_id in ids
        ]
        found = Counter(all_at_once(removals * (CLIENTS // 2)))
        assert found[DONE] == 1
        assert found.keys() == {DONE, (404, "passkey_not_found"), (409, "last_way_in")}
        assert rows(world, "passkeys", person) == 1


def test_options_that_are_asked_for_at_once_have_one_user_handle(world: World) -> None:
    for _ in range(ROUNDS):
        person = world.person()
        begun = all_at_once([partial(begin_registration, person)] * CLIENTS)
        assert len({options["options"]["user"]["id"] for options in begun}) == 1
        assert len({options["options"]["challenge"] for options in begun}) == CLIENTS


def test_no_session_is_started_with_a_passkey_once_it_is_removed(world: World) -> None:
    for _ in range(2 * ROUNDS):
        passkey = with_passkey(person := world.person())
        [item] = person.call("GET", "/auth/passkeys").get_json()["items"]
        body = sign_in_body(world, passkey)
        removing = partial(call_as, person, "DELETE", f"/auth/passkeys/{item['id']}")
        removed, signed_in = all_at_once([removing, partial(call, world, "/auth/login/passkey", body)])
        assert removed == DONE
        assert signed_in in {OK, (404, "passkey_not_found")}
        assert call(world, "/auth/login/passkey", sign_in_body(world, passkey)) == (404, "passkey_not_found")
