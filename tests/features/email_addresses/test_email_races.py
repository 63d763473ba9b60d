"""Tokens of emails that many use at once, on a real PostgreSQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text

from authapp.core.clock import FrozenClock
from tests.factories import CLIENTS, LOCK_WAITS, PASSWORD, ROUNDS, AppWith, World, all_at_once
from tests.features.email_addresses.test_email_addresses import resend, verify
from tests.features.email_addresses.test_email_changes import change, undo, undo_token
from tests.features.passwords.test_passwords import NEW, VERIFY, forget, login, reset, verified

ONCE = Counter({204: 1, 410: CLIENTS - 1})


def status(call: Callable[..., Any], *args: Any) -> int:
    return int(call(*args).status_code)


def register(world: World, body: dict[str, str]) -> Any:
    return world.caller().call("POST", "/auth/register", body)


def test_a_reset_token_is_used_once_of_sixteen_times_at_once(world: World) -> None:
    for _ in range(ROUNDS):
        person = verified(world)
        token = forget(world, person.email)
        answers = all_at_once(
            [partial(status, reset, world, token, f"AnotherPassword{number}") for number in range(CLIENTS)]
        )
        assert Counter(answers) == ONCE
        assert login(world, person.email, f"AnotherPassword{answers.index(204)}") == 200


def test_a_verification_token_is_used_once_of_sixteen_times_at_once(world: World) -> None:
    for _ in range(ROUNDS):
        person = world.person()
        token = resend(world, person.email)
        answers = all_at_once([partial(status, verify, world, token)] * CLIENTS)
        assert Counter(answers) == ONCE
        recorded = "SELECT count(*) FROM audit_events WHERE action = 'user.taken_back' AND user_id = :id"
        assert world.sql(recorded, id=person.id)[0][0] == 1


def test_an_undo_token_is_used_once_of_sixteen_times_at_once(world: World) -> None:
    for round_ in range(ROUNDS):
        person = verified(world)
        change(person, f"other{round_}@example.com")
        token = undo_token(world, person.email)
        answers = all_at_once([partial(status, undo, world, token)] * CLIENTS)
        assert Counter(answers) == ONCE


def test_of_two_confirmations_of_one_address_one_wins(world: World) -> None:
    for round_ in range(2 * ROUNDS):
        wanted = f"wanted{round_}@example.com"
        tokens = []
        for person in (verified(world), verified(world)):
            assert change(person, wanted).status_code == 202
            tokens.append(world.token_for(wanted))
        answers = all_at_once([partial(status, verify, world, token) for token in tokens])
        assert Counter(answers) == {204: 1, 409: 1}


def test_a_confirmation_and_its_undoing_at_once_end_at_the_old_address(world: World) -> None:
    for round_ in range(2 * ROUNDS):
        person, wanted = verified(world), f"wanted{round_}@example.com"
        change(person, wanted)
        confirmation, token = world.token_for(wanted), undo_token(world, person.email)
        confirmed, undone = all_at_once(
            [partial(status, verify, world, confirmation), partial(status, undo, world, token)]
        )
        assert undone == 204
        assert confirmed in (204, 410)
        assert world.sql("SELECT email FROM users WHERE id = :id", id=person.id)[0].email == person.email
        assert world.sql("SELECT FROM sessions WHERE user_id = :id AND ended_at IS NULL", id=person.id) == []


def test_whoever_registers_while_an_address_is_left_does_not_get_it(world: World) -> None:
    for round_ in range(ROUNDS):
        person, wanted = verified(world), f"wanted{round_}@example.com"
        change(person, wanted)
        confirmation = world.token_for(wanted)
        body = {"email": person.email, "password": PASSWORD}
        answers = all_at_once(
            [
                partial(status, verify, world, confirmation),
                *[partial(status, register, world, body)] * 4,
            ]
        )
        assert answers == [204, 409, 409, 409, 409]


def test_a_sign_in_while_the_password_is_reset_leaves_no_session_of_the_old_password(world: World) -> None:
    for _ in range(ROUNDS):
        person = verified(world)
        token = forget(world, person.email)
        answers = all_at_once(
            [
                partial(status, reset, world, token),
                *[partial(login, world, person.email, PASSWORD)] * 4,
            ]
        )
        assert answers[0] == 204
        assert set(answers[1:]) <= {200, 401}
        assert world.sql("SELECT FROM sessions WHERE user_id = :id AND ended_at IS NULL", id=person.id) == []


def test_one_address_registers_once_in_the_mode_safe(world: World, app_with: AppWith) -> None:
    safe = world.with_app(app_with(registration_mode="safe"))
    for round_ in range(ROUNDS):
        body = {"email": f"race{round_}@example.com", "password": PASSWORD}
        answers = all_at_once([partial(status, register, safe, body)] * 5)
        assert Counter(answers) == {202: 5}
        all_at_once([lambda: len(safe.emails())] * 3)
        [[accounts]] = world.sql("SELECT count(*) FROM users WHERE email = :email", email=body["email"])
        assert accounts == 1
    assert world.sql("SELECT FROM outbox WHERE due_at IS NOT NULL") == []


def test_changes_of_one_account_at_once_leave_one_that_can_be_confirmed(world: World, time: FrozenClock) -> None:
    person = verified(world)
    addresses = [f"wanted{number}@example.com" for number in range(8)]
    answers = all_at_once([partial(status, change, person, email) for email in addresses])
    assert set(answers) <= {202, 429}
    asked = [email for email, answer in zip(addresses, answers, strict=True) if answer == 202]
    confirmed = [verify(world, world.token_for(email)).status_code for email in asked]
    assert Counter(confirmed) == {204: 1, 410: len(asked) - 1}
    assert world.sql(VERIFY, id=person.id) == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/auth/password/change", {"current_password": PASSWORD, "new_password": NEW}),
        ("/auth/email/change", {"new_email": "other@example.com", "password": PASSWORD}),
    ],
)
def test_a_password_that_changes_while_it_is_checked_changes_nothing_more(
    world: World, path: str, body: dict[str, str]
) -> None:
    person = verified(world)
    [[other_hash]] = world.sql("SELECT password_hash FROM users WHERE id = :id", id=world.person(password=NEW).id)
    with ThreadPoolExecutor() as pool, world.superuser.connect() as holder:
        holder.execute(text("SELECT FROM users WHERE id = :id FOR NO KEY UPDATE"), {"id": person.id})
        asking = pool.submit(person.call, "POST", path, body)
        while world.sql(LOCK_WAITS)[0][0] == 0:
            assert not asking.done(), asking.result().text
        changed = {"hash": other_hash, "id": person.id}
        holder.execute(text("UPDATE users SET password_hash = :hash WHERE id = :id"), changed)
        holder.commit()
        answer = asking.result()
    assert (answer.status_code, answer.get_json()["code"]) == (401, "wrong_credentials")
    assert world.sql("SELECT FROM one_time_tokens WHERE purpose = 'change'") == []
    assert login(world, person.email, NEW) == 200
