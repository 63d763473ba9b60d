"""Codes, recovery codes and challenges that many clients use at once, on a real PostgreSQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from sqlalchemy import text

from authapp.core.clock import FrozenClock
from tests.factories import CLIENTS, LOCK_WAITS, PASSWORD, ROUNDS, Person, World, all_at_once
from tests.second_factors import WRONG, WRONG_RECOVERY_CODE, Authenticator, answer, begin, complete, enrol

BUDGET = 5


def forget_attempts(world: World) -> None:
    world.sql("DELETE FROM attempt_counters")


def sessions(world: World) -> int:
    return len(world.sql("SELECT id FROM sessions"))


def next_round(world: World, time: FrozenClock) -> None:
    time.advance(seconds=30)
    forget_attempts(world)


def test_a_totp_code_given_for_many_challenges_at_once_is_accepted_once(world: World, time: FrozenClock) -> None:
    app = enrol(person := world.person())
    for _ in range(ROUNDS):
        tokens = [begin(world, person) for _ in range(CLIENTS)]
        before = sessions(world)
        answers = all_at_once([partial(complete, world, token, code=app.code()) for token in tokens])
        found = Counter(map(answer, answers))
        assert found[200, None] == 1
        assert found.keys() <= {(200, None), (401, "wrong_code"), (429, "too_many_attempts")}
        assert sessions(world) == before + 1
        next_round(world, time)


def test_a_recovery_code_given_for_many_challenges_at_once_is_spent_once(world: World, time: FrozenClock) -> None:
    app = enrol(person := world.person())
    for used in range(ROUNDS):
        code = app.recovery_codes[used]
        tokens = [begin(world, person) for _ in range(CLIENTS)]
        answers = all_at_once([partial(complete, world, token, recovery_code=code) for token in tokens])
        assert Counter(map(answer, answers))[200, None] == 1
        assert person.call("GET", "/auth/mfa").get_json()["recovery_codes_left"] == 9 - used
        forget_attempts(world)


def test_a_challenge_that_is_met_by_both_factors_at_once_signs_in_once(world: World, time: FrozenClock) -> None:
    for _ in range(ROUNDS):
        app = enrol(person := world.person())
        token, before = begin(world, person), sessions(world)
        codes = [partial(complete, world, token, code=app.code())]
        spares = [partial(complete, world, token, recovery_code=code) for code in app.recovery_codes[:3]]
        found = Counter(map(answer, all_at_once([*codes * 4, *spares * 4])))
        assert found[200, None] == 1
        assert found.keys() <= {(200, None), (401, "invalid_mfa_token"), (429, "too_many_attempts")}
        assert sessions(world) == before + 1
        left = person.call("GET", "/auth/mfa").get_json()["recovery_codes_left"]
        [[last_step]] = world.sql("SELECT last_step FROM totp_factors WHERE user_id = :id", id=person.id)
        code_was_used = last_step == int(time.now().timestamp()) // 30
        assert (10 - left) + code_was_used == 1  # the other codes are as good as before
        [[failures]] = world.sql("SELECT coalesce(sum(failures), 0) FROM attempt_counters WHERE subject IS NULL")
        assert failures == 0
        next_round(world, time)


def test_wrong_codes_for_many_challenges_and_routes_at_once_never_exceed_the_budget(
    world: World, time: FrozenClock
) -> None:
    for _ in range(ROUNDS):
        app = enrol(person := world.person())
        tokens = [begin(world, person) for _ in range(CLIENTS)]
        wrong = [{"code": WRONG}, {"recovery_code": WRONG_RECOVERY_CODE}]
        guesses: list[Callable[[], object]] = [
            partial(complete, world, token, **wrong[number % 2]) for number, token in enumerate(tokens)
        ]
        guesses += [partial(person.call, "DELETE", "/auth/mfa/totp", {"code": WRONG})] * 4
        guesses += [partial(person.call, "POST", "/auth/mfa/recovery-codes", {"code": WRONG})] * 4
        found = Counter(answer(response) for response in all_at_once(guesses))  # type: ignore[arg-type]
        assert found == {(401, "wrong_code"): BUDGET, (429, "too_many_attempts"): len(guesses) - BUDGET}
        assert answer(complete(world, tokens[0], code=app.code())) == (429, "too_many_attempts")
        told = world.sql("SELECT id FROM outbox WHERE recipient = :to AND kind = 'wrong_code'", to=person.email)
        assert len(told) <= 1
        next_round(world, time)


def test_two_confirmations_at_once_make_one_set_of_recovery_codes(world: World, time: FrozenClock) -> None:
    def confirm(person: Person, code: str) -> tuple[int, str | None]:
        return answer(person.call("POST", "/auth/mfa/totp/confirm", {"code": code}))

    for _ in range(ROUNDS):
        person = world.person()
        secret = person.call("POST", "/auth/mfa/totp").get_json()["secret"]
        code = Authenticator(secret, []).code()
        found = Counter(all_at_once([partial(confirm, person, code)] * 5))
        assert found[200, None] == 1
        assert person.call("GET", "/auth/mfa").get_json()["recovery_codes_left"] == 10
        next_round(world, time)


@pytest.mark.parametrize("way", ["login", "reauthenticate"])
def test_no_session_has_mfa_in_its_amr_once_the_factor_is_removed(world: World, time: FrozenClock, way: str) -> None:
    for _ in range(2 * ROUNDS):
        app = enrol(person := world.person())
        token = begin(world, person)
        again = {"password": PASSWORD, "code": app.code()}
        use = {
            "login": partial(complete, world, token, code=app.code()),
            "reauthenticate": partial(person.call, "POST", "/auth/reauthenticate", again),
        }[way]
        remove = partial(person.call, "DELETE", "/auth/mfa/totp", {"recovery_code": app.recovery_codes[0]})
        removed, used = all_at_once([remove, use])
        assert removed.status_code == 204
        assert answer(used) in {(200, None), (401, "wrong_code"), (401, "invalid_mfa_token")}
        [[left]] = world.sql("SELECT count(*) FROM sessions WHERE user_id = :id AND 'mfa' = ANY(amr)", id=person.id)
        assert left == 0
        next_round(world, time)


ENDED = "UPDATE sessions SET ended_at = now()"
DEACTIVATED = "UPDATE users SET is_active = false"
REVOKED = (401, "revoked_token")
BODIES: dict[str, tuple[str, str, dict[str, str] | None]] = {
    "set up": ("POST", "/auth/mfa/totp", None),
    "confirm": ("POST", "/auth/mfa/totp/confirm", {"code": "{code}"}),
    "remove": ("DELETE", "/auth/mfa/totp", {"code": "{code}"}),
    "renew": ("POST", "/auth/mfa/recovery-codes", {"code": "{code}"}),
    "reauthenticate": ("POST", "/auth/reauthenticate", {"password": PASSWORD}),
    "reauthenticate with a code": ("POST", "/auth/reauthenticate", {"password": PASSWORD, "code": "{code}"}),
    "complete": ("POST", "/auth/login/mfa", {"mfa_token": "{mfa_token}", "code": "{code}"}),
    "complete with a recovery code": (
        "POST",
        "/auth/login/mfa",
        {"mfa_token": "{mfa_token}", "recovery_code": "{recovery_code}"},
    ),
}
WITHOUT_FACTOR = ("set up", "confirm", "reauthenticate")
UNCHANGED = (
    "SELECT (SELECT json_agg(t) FROM totp_factors t) AS factors, (SELECT json_agg(c) FROM recovery_codes c) AS codes, "
    "(SELECT count(*) FROM sessions) AS sessions, (SELECT json_agg(authenticated_at) FROM sessions) AS authenticated"
)


@pytest.mark.parametrize(
    ("request_", "meanwhile", "expected"),
    [
        *((name, ENDED, REVOKED) for name in BODIES if not name.startswith("complete")),
        *((name, DEACTIVATED, REVOKED) for name in BODIES if not name.startswith("complete")),
        ("reauthenticate", "UPDATE users SET password_hash = 'another'", (401, "wrong_credentials")),
        ("reauthenticate with a code", "UPDATE users SET password_hash = 'another'", (401, "wrong_credentials")),
        ("reauthenticate", "UPDATE users SET mfa_enabled = true", (422, "validation_failed")),
        ("reauthenticate with a code", "UPDATE users SET mfa_enabled = false", (422, "validation_failed")),
        ("complete", "DELETE FROM mfa_challenges", (401, "invalid_mfa_token")),
        ("complete with a recovery code", "DELETE FROM mfa_challenges", (401, "invalid_mfa_token")),
        ("complete", DEACTIVATED, (403, "inactive_account")),
    ],
)
def test_what_changes_while_a_request_waits_for_the_account_still_counts(
    world: World, time: FrozenClock, request_: str, meanwhile: str, expected: tuple[int, str]
) -> None:
    person = world.person()
    if request_ in WITHOUT_FACTOR:
        secret = person.call("POST", "/auth/mfa/totp").get_json()["secret"]
        known = {"code": Authenticator(secret, []).code()}
    else:
        app = enrol(person)
        known = {
            "code": app.code(),
            "recovery_code": app.recovery_codes[0],
            "mfa_token": begin(world, person),
        }
    method, path, body = BODIES[request_]
    filled = {name: value.format(**known) for name, value in body.items()} if body else None
    [before] = world.sql(UNCHANGED)
    with ThreadPoolExecutor() as pool, world.superuser.connect() as holder:
        holder.execute(text("SELECT FROM users FOR NO KEY UPDATE"))
        asking = pool.submit(person.call, method, path, filled)
        while world.sql(LOCK_WAITS)[0][0] == 0:
            assert not asking.done(), asking.result().text
        holder.execute(text(meanwhile))
        holder.commit()
        response = asking.result()
    assert answer(response) == expected
    if expected[0] != 403:  # a right code of an inactive account is used up
        assert world.sql(UNCHANGED) == [before]
    else:
        assert world.sql(UNCHANGED)[0].sessions == before.sessions
