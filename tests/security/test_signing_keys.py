"""Signing keys: made at the first use, published before they sign, and what the commands refuse."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC
from typing import Any

import jwt
import pytest
from sqlalchemy.exc import IntegrityError

from authapp.services.signing_keys import PUBLISHED_FOR
from tests.factories import AppWith, Caller, Person, World, all_at_once
from tests.security.test_tokens import key_set, private_jwk

LONG_AGO = (
    "UPDATE signing_keys SET published_at = published_at - interval '1 day', "
    "deactivated_at = deactivated_at - interval '1 day'"
)
STATES = "SELECT state, count(*) FROM signing_keys GROUP BY state ORDER BY state"


@pytest.fixture
def es256(world: World, app_with: AppWith) -> World:
    """The database, served by an application that signs with ES256 and reloads with every use."""
    return with_reload(world.with_app(app_with(algorithm="ES256")))


def with_reload(world: World) -> World:
    world.app.keys.reload_seconds = world.app.keys.fewest_seconds = 0
    return world


def run(world: World, *arguments: str) -> str:
    """What a command says. It must succeed."""
    said = world.app.test_cli_runner().invoke(args=["keys", *arguments])
    assert said.exit_code == 0, said.output
    return said.output


def run_json(world: World, *arguments: str) -> Any:
    return json.loads(run(world, *arguments, "--json"))


def refused(world: World, *arguments: str) -> str:
    said = world.app.test_cli_runner().invoke(args=["keys", *arguments])
    assert said.exit_code == 1, said.output
    return said.output


def published(world: World) -> list[str]:
    document = world.caller().open("/.well-known/jwks.json").get_json()
    return [key["kid"] for key in document["keys"]]


def kid_of(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


def states(world: World) -> dict[str, int]:
    return {row[0]: row[1] for row in world.sql(STATES)}


def refreshed(person: Person) -> dict[str, Any]:
    response = person.caller.call("POST", "/auth/refresh", {"refresh_token": person.refresh_token})
    assert response.status_code == 200, response.text
    person.session |= response.get_json()
    person.caller.access_token = person.session["access_token"]
    return person.session


def me(person: Person) -> int:
    return person.call("GET", "/auth/me").status_code


def test_a_fresh_deployment_makes_its_first_key_itself(es256: World) -> None:
    person = es256.person()
    assert published(es256) == [kid_of(person.session["access_token"])]
    assert states(es256) == {"current": 1}
    [row] = es256.sql("SELECT * FROM signing_keys")
    assert set(row.public_jwk) == {"kty", "crv", "x", "y", "kid", "alg", "use"}
    assert b'"d"' not in bytes(row.encrypted_private_jwk)


def test_processes_that_start_at_once_agree_on_one_first_key(world: World, app_with: AppWith) -> None:
    apps = [app_with(algorithm="EdDSA") for _ in range(8)]
    rings = all_at_once([lambda app=app: app.tokens.ring.signing.kid for app in apps])  # type: ignore[misc]
    assert len(set(rings)) == 1
    assert states(world) == {"current": 1}


def test_jwt_keys_are_imported_once(world: World, app_with: AppWith) -> None:
    first, second, third = (private_jwk("ES256") for _ in range(3))
    apps = [app_with(algorithm="ES256", jwt_keys=key_set(first, second)) for _ in range(4)]
    kids = all_at_once([lambda app=app: tuple(key.kid for key in app.tokens.ring.keys) for app in apps])  # type: ignore[misc]
    assert len(set(kids)) == 1
    assert states(world) == {"current": 1, "previous": 1}
    changed = app_with(algorithm="ES256", jwt_keys=key_set(third))
    assert tuple(key.kid for key in changed.tokens.ring.keys) == kids[0]


def test_a_key_is_published_then_signs_then_verifies_then_is_gone(es256: World) -> None:
    person = es256.person()
    first = kid_of(person.session["access_token"])
    second = run_json(es256, "generate")["kid"]
    assert published(es256) == [first, second]
    assert kid_of(refreshed(person)["access_token"]) == first
    old = es256.caller(person.session["access_token"])
    es256.sql(LONG_AGO)
    assert run(es256, "rotate") == f"The key {second} signs.\n"
    assert kid_of(refreshed(person)["access_token"]) == second
    assert old.call("GET", "/auth/me").status_code == 200
    assert published(es256) == [second, first]
    es256.sql(LONG_AGO)
    assert run(es256, "retire", first) == f"The key {first} is retired.\n"
    assert published(es256) == [second]
    assert old.call("GET", "/auth/me").status_code == 401
    assert me(person) == 200
    assert es256.sql("SELECT kid FROM signing_keys WHERE encrypted_private_jwk IS NOT NULL") == [(second,)]
    recorded = [row[0] for row in es256.sql("SELECT action FROM audit_events WHERE action LIKE 'signing%' ORDER BY id")]
    assert recorded == ["signing_key.generated", "signing_key.rotated", "signing_key.retired"]


def test_a_command_that_comes_too_early_says_when(es256: World) -> None:
    es256.person()
    [first] = published(es256)
    second = run_json(es256, "generate")["kid"]
    assert f"The key {second} may sign from 2" in refused(es256, "rotate")
    assert states(es256) == {"current": 1, "next": 1}
    assert "may refuse" not in run(es256, "rotate", "--force")
    assert f"The key {first} may be retired from 2" in refused(es256, "retire", first)
    assert "Clients refresh" in run(es256, "retire", first, "--force")
    assert states(es256) == {"current": 1, "retired": 1}


@pytest.mark.parametrize(
    ("seconds", "rotates"),
    [(355, False), (361, True)],
)
def test_a_key_signs_after_the_key_sets_and_the_processes_have_it(es256: World, seconds: int, rotates: bool) -> None:
    run(es256, "generate")
    es256.sql("UPDATE signing_keys SET published_at = now() - make_interval(secs => :age)", age=seconds)
    assert (es256.app.test_cli_runner().invoke(args=["keys", "rotate"]).exit_code == 0) is rotates


@pytest.mark.parametrize(("seconds", "retires"), [(1885, False), (1891, True)])
def test_a_key_is_retired_after_its_last_access_token(es256: World, seconds: int, retires: bool) -> None:
    es256.person()
    [first] = published(es256)
    run(es256, "generate")
    run(es256, "rotate", "--force")
    es256.sql(
        "UPDATE signing_keys SET deactivated_at = now() - make_interval(secs => :age) WHERE state = 'previous'",
        age=seconds,
    )
    assert (es256.app.test_cli_runner().invoke(args=["keys", "retire", first]).exit_code == 0) is retires


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["generate"], "There is a next key already"),
        (["retire", "{current}"], "signs. Let another one sign first: keys rotate"),
        (["retire", "{current}", "--force"], "signs. Let another one sign first: keys rotate"),
        (["retire", "unknown"], "There is no key unknown that verifies"),
        (["retire", "{retired}"], "that verifies"),
        (["retire", "unknown", "--compromised"], "There is no key unknown that verifies"),
        (["retire", "{retired}", "--compromised"], "that verifies"),
    ],
)
def test_keys_commands_refuse(es256: World, arguments: list[str], reason: str) -> None:
    es256.person()
    [current] = published(es256)
    retired = run_json(es256, "generate")["kid"]
    run(es256, "retire", retired)  # it has never signed
    run(es256, "generate")
    before = states(es256)
    assert reason in refused(es256, *(each.format(current=current, retired=retired) for each in arguments))
    assert states(es256) == before


@pytest.mark.parametrize("command", [["generate"], ["rotate"], ["rotate", "--compromised"], ["retire", "x"]])
def test_the_key_of_hs256_is_not_in_the_table(world: World, command: list[str]) -> None:
    assert "ALGORITHM is HS256" in refused(world, *command)
    assert run(world, "list") == "There are no keys.\n"
    assert published(world) == []


def test_generate_says_from_when_the_key_may_sign(es256: World) -> None:
    text = run(es256, "generate")
    [[kid, published_at]] = es256.sql("SELECT kid, published_at FROM signing_keys WHERE state = 'next'")
    moment = f"{(published_at + PUBLISHED_FOR).astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    assert text == f"The key {kid} is published. It may sign from {moment} UTC.\n"


def test_rotate_needs_a_next_key(es256: World) -> None:
    assert "Make one with: keys generate" in refused(es256, "rotate", "--force")


def test_of_simultaneous_rotations_one_rotates(es256: World) -> None:
    run(es256, "generate")
    es256.sql(LONG_AGO)
    codes = all_at_once([lambda: es256.app.test_cli_runner().invoke(args=["keys", "rotate"]).exit_code] * 16)
    assert sorted(codes) == [0] + [1] * 15
    assert states(es256) == {"current": 1, "previous": 1}


def test_simultaneous_changes_leave_one_key_that_signs(es256: World) -> None:
    es256.person()
    commands = [["generate"], ["rotate", "--force"], ["rotate", "--compromised"]] * 4
    all_at_once([lambda args=args: es256.app.test_cli_runner().invoke(args=["keys", *args]) for args in commands])  # type: ignore[misc]
    assert states(es256)["current"] == 1
    assert refreshed(es256.person())


@pytest.mark.parametrize("state", ["current", "next"])
def test_an_algorithm_has_one_current_and_one_next_key(es256: World, state: str) -> None:
    run(es256, "generate")
    with pytest.raises(IntegrityError, match="uq_signing_keys_algorithm_state"):
        es256.sql(
            "INSERT INTO signing_keys (kid, algorithm, state, public_jwk, encrypted_private_jwk, key_id, activated_at) "
            "VALUES ('other', 'ES256', :state, '{}', '', 'x', now())",
            state=state,
        )


@pytest.mark.parametrize("which", [["rotate"], ["retire", "{kid}"]])
def test_a_compromised_key_is_out_at_once_and_nobody_is_signed_out(es256: World, which: list[str]) -> None:
    person = es256.person()
    [stolen] = published(es256)
    assert me(person) == 200  # the process has verified it
    said = run_json(es256, *(word.format(kid=stolen) for word in which), "--compromised")
    assert (said["retired"], published(es256)) == ([stolen], [said["kid"]])
    assert "nobody is signed out" in said["broken"][0]
    assert me(person) == 401
    assert kid_of(refreshed(person)["access_token"]) == said["kid"]
    assert me(person) == 200


def test_rotate_compromised_takes_all_keys_out(es256: World) -> None:
    es256.person()
    run(es256, "generate")
    run(es256, "rotate", "--force")
    run(es256, "generate")
    assert len(run_json(es256, "rotate", "--compromised")["retired"]) == 3
    assert states(es256) == {"current": 1, "retired": 3}


def test_an_unknown_key_is_looked_for_at_once_but_not_all_the_time(world: World, app_with: AppWith) -> None:
    first, second = (world.with_app(app_with(algorithm="ES256")) for _ in range(2))
    person = first.person()
    assert second.caller(person.session["access_token"]).call("GET", "/auth/me").status_code == 200
    run(first, "rotate", "--compromised")
    first.app.keys.reload()
    token = refreshed(person)["access_token"]
    second.app.keys.fewest_seconds = 1000
    assert second.caller(token).call("GET", "/auth/me").status_code == 401
    second.app.keys.fewest_seconds = 0
    assert second.caller(token).call("GET", "/auth/me").status_code == 200


def test_introspection_looks_for_an_unknown_key_as_the_guards_do(world: World, app_with: AppWith) -> None:
    first, second = (world.with_app(app_with(algorithm="ES256")) for _ in range(2))
    person, service = first.person(), second.caller(first.service_key("introspect"))
    second.app.keys.fewest_seconds = 0
    run(first, "rotate", "--compromised")
    first.app.keys.reload()
    form = {"token": refreshed(person)["access_token"]}
    assert service.open("/api/v1/auth/introspect", method="POST", data=form).get_json()["active"] is True


def test_a_kid_may_begin_with_a_hyphen(es256: World) -> None:
    said = refused(es256, "retire", "-M_f-kid", "--force")
    assert said.startswith("Error: There is no key -M_f-kid that verifies.")


def test_a_failed_reload_keeps_the_keys(es256: World, caplog: pytest.LogCaptureFixture) -> None:
    person = es256.person()
    es256.sql("ALTER TABLE signing_keys RENAME TO away")
    try:
        assert me(person) == 200
    finally:
        es256.sql("ALTER TABLE away RENAME TO signing_keys")
    assert me(person) == 200


def test_keys_that_another_secret_has_encrypted_are_a_503(es256: World, app_with: AppWith) -> None:
    es256.person()
    other = es256.with_app(app_with(algorithm="ES256", secret_key="another-secret-that-is-long-enough"))
    assert other.caller().open("/.well-known/jwks.json").status_code == 503
    assert other.caller().open("/readyz").status_code == 503


def test_keys_list_says_what_comes_next(es256: World) -> None:
    es256.person()
    run(es256, "generate")
    following, current = run_json(es256, "list")
    assert (following["state"], current["state"]) == ("next", "current")
    assert following["may_sign_from"] > following["published_at"]
    assert "may sign from" in run(es256, "list")
    assert "encrypted_private_jwk" not in current


def caching_verifiers(*callers: Caller) -> Iterator[dict[str, Any]]:
    """What services know that read the key set once and then keep it."""
    for caller in callers:
        yield {key["kid"]: key for key in caller.open("/.well-known/jwks.json").get_json()["keys"]}


def test_three_rotations_under_traffic_refuse_no_token(es256: World, app_with: AppWith) -> None:
    """Two processes, and services that read the key set as late as they may."""
    processes = [es256, with_reload(es256.with_app(app_with(algorithm="ES256")))]
    people = [process.person(email=f"person-of-{place}@example.com") for place, process in enumerate(processes)]
    cached = [*caching_verifiers(*(process.caller() for process in processes))]
    for _ in range(3):
        run(es256, "generate")
        assert_all_accept(processes, people, cached)
        cached = [*caching_verifiers(*(process.caller() for process in processes))]  # 300 s have passed
        es256.sql(LONG_AGO)
        run(es256, "rotate")
        assert_all_accept(processes, people, cached)
        es256.sql(LONG_AGO)
        [old] = es256.sql("SELECT kid FROM signing_keys WHERE state = 'previous'")
        for person in people:
            refreshed(person)
        run(es256, "retire", old[0])
        assert_all_accept(processes, people, cached)
    assert states(es256) == {"current": 1, "retired": 3}


def assert_all_accept(processes: list[World], people: list[Person], cached: list[dict[str, Any]]) -> None:
    for person in people:
        before = person.session["access_token"]
        for token in (before, refreshed(person)["access_token"]):
            for process in processes:
                assert process.caller(token).call("GET", "/auth/me").status_code == 200
            for known in cached:
                public = jwt.PyJWK(known[kid_of(token)])
                assert jwt.decode(token, public, ["ES256"], audience="authapp")["sub"] == str(person.id)
