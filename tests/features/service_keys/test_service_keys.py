"""Service keys: the operator makes them, and other services send them as Bearer or as Basic."""

from __future__ import annotations

import base64
import json
from collections import Counter
from typing import Any

import pytest
from click.testing import Result
from sqlalchemy.exc import IntegrityError

from authapp.core.clock import FrozenClock
from tests.factories import API, World, all_at_once, statements

FEED = f"{API}/auth/revocations"
CHALLENGES = ("Bearer", 'Basic realm="authapp", charset="UTF-8"')


def run(world: World, *arguments: str) -> Result:
    return world.app.test_cli_runner().invoke(args=["service-keys", *arguments])


def create(world: World, name: str, *rights: str) -> dict[str, Any]:
    options = [option for right in rights for option in ("--right", right)]
    return dict(json.loads(run(world, "create", name, *options, "--json").output))


def basic(password: str, name: str = "any") -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def ask(world: World, authorization: str) -> tuple[int, str | None]:
    answer = world.caller().open(FEED, headers={"Authorization": authorization})
    return answer.status_code, answer.get_json().get("code")


def test_a_key_is_shown_once_and_stored_as_a_hash(world: World) -> None:
    created = create(world, "gateway", "revocations", "introspect", "introspect")
    assert created["rights"] == ["introspect", "revocations"]
    [row] = world.sql("SELECT * FROM service_keys")
    assert created["key"].split("_")[2] not in str(row)
    assert created["key"].startswith(f"sk_{row.id.hex}_")
    listed = run(world, "list").output
    assert listed == f"{row.id}  gateway  introspect, revocations  never used\n"
    [shown] = json.loads(run(world, "list", "--json").output)
    assert shown["created_at"].endswith("Z")
    assert "key" not in shown


@pytest.mark.parametrize("form", ["Bearer {key}", "bearer   {key}", "basic"])
def test_a_key_is_sent_as_bearer_or_as_the_password_of_basic(world: World, form: str) -> None:
    key = world.service_key("revocations")
    assert ask(world, basic(key) if form == "basic" else form.format(key=key)) == (200, None)
    assert ask(world, basic(key, name="")) == (200, None)


def test_a_key_costs_one_statement_and_what_cannot_be_one_costs_none(world: World) -> None:
    caller = world.caller(world.service_key("introspect"))
    with statements(world.app) as sent:
        assert caller.open(FEED).status_code == 403
        assert ask(world, "Bearer sk_junk")[0] == 401
    assert sent == ["select", "one:update"]  # the second is when it was last used


def test_whatever_is_no_live_service_key_is_a_401_that_names_both_schemes(world: World) -> None:
    person = world.person("Acme")
    key = world.service_key("revocations")
    revoked = create(world, "revoked", "revocations")["key"]
    assert run(world, "revoke", "revoked").output == "revoked is revoked.\n"
    another, _ = world.app.opaque_tokens.make("sk", person.id)
    api_key = world.api_key(person, person.organization_id, "viewer")
    refused = [
        f"Bearer {revoked}", f"Bearer {another}", f"Bearer {key[:-1]}", f"Bearer {key}x", f"Bearer {key} {key}",
        f"Bearer {key},Bearer {key}", f"Bearer {key.upper()}", f"Bearer {api_key}", "Bearer", "Bearer sk_", "Basic",
        f"Bearer {api_key.replace('ak_', 'sk_', 1)}", f"Bearer {person.session['access_token']}", "Basic !",
        f"Bearer {person.refresh_token}", basic(revoked), basic(""), basic("x" * 4000), basic(f"{key}\x00"),
        "Basic " + base64.b64encode(b"\xff:\xff").decode(), "Basic " + base64.b64encode(key.encode()).decode(),
    ]  # fmt: skip
    for authorization in refused:
        answer = world.caller().open(FEED, headers={"Authorization": authorization})
        assert (answer.status_code, answer.get_json()["code"]) == (401, "invalid_service_key"), authorization
        assert all(challenge in answer.headers["WWW-Authenticate"] for challenge in CHALLENGES)
    for authorization in ("", f"Digest {key}", key):
        answer = world.caller().open(FEED, headers={"Authorization": authorization})
        assert (answer.status_code, answer.get_json()["code"]) == (401, "missing_service_key"), authorization
        assert all(challenge in answer.headers["WWW-Authenticate"] for challenge in CHALLENGES)


def test_a_rotated_key_lives_on_for_the_overlap_and_any_older_one_is_dead(world: World, time: FrozenClock) -> None:
    first = create(world, "gateway", "revocations")["key"]
    second = json.loads(run(world, "rotate", "gateway", "--overlap-seconds", "60", "--json").output)["key"]
    assert [ask(world, f"Bearer {key}")[0] for key in (first, second)] == [200, 200]
    time.advance(seconds=60)
    assert [ask(world, f"Bearer {key}")[0] for key in (first, second)] == [401, 200]
    third = run(world, "rotate", "gateway").output.split()[0]
    assert [ask(world, f"Bearer {key}")[0] for key in (first, second, third)] == [401, 401, 200]
    assert run(world, "revoke", "gateway", "--json").output == '{"name": "gateway", "revoked": true}\n'
    assert ask(world, f"Bearer {third}")[0] == 401
    assert run(world, "list").output == "There is no service key.\n"
    create(world, "gateway", "metrics")  # the name is free again
    recorded = world.sql("SELECT action, actor_id, details FROM audit_events WHERE action LIKE 'service_key.%'")
    assert [tuple(row) for row in recorded] == [
        ("service_key.created", None, {"name": "gateway", "rights": ["revocations"]}),
        ("service_key.rotated", None, {"name": "gateway", "overlap_seconds": 60}),
        ("service_key.rotated", None, {"name": "gateway", "overlap_seconds": 0}),
        ("service_key.revoked", None, {"name": "gateway"}),
        ("service_key.created", None, {"name": "gateway", "rights": ["metrics"]}),
    ]


@pytest.mark.parametrize(
    ("arguments", "exit_code", "said"),
    [
        (["create", "gateway"], 2, "Missing option '--right'"),
        (["create", "gateway", "--right", "everything"], 2, "'everything' is not one of"),
        (["create", "taken", "--right", "metrics"], 1, "Error: There is a service key taken. Rotate or revoke it"),
        (["create", "A key", "--right", "metrics"], 1, "Error: Make a name of a-z, 0-9"),
        (["create", "a" * 64, "--right", "metrics"], 1, "Error: Make a name of a-z, 0-9"),
        (["rotate", "nothing"], 1, "Error: There is no live service key nothing. List them with: service-keys list"),
        (["rotate", "taken", "--overlap-seconds", "-1"], 2, "-1 is not in the range"),
        (["revoke", "nothing"], 1, "Error: There is no live service key nothing."),
    ],
)
def test_a_command_that_cannot_be_done_says_why(world: World, arguments: list[str], exit_code: int, said: str) -> None:
    create(world, "taken", "metrics")
    done = run(world, *arguments)
    assert done.exit_code == exit_code
    assert said in done.output


def test_a_name_is_given_once_however_many_ask(world: World) -> None:
    found = all_at_once([lambda: run(world, "create", "gateway", "--right", "metrics").exit_code] * 8)
    assert Counter(found) == {0: 1, 1: 7}


@pytest.mark.parametrize("rights", ["{}", "{everything}", "{introspect,everything}"])
def test_the_database_accepts_no_unknown_right_and_no_key_without_one(world: World, rights: str) -> None:
    with pytest.raises(IntegrityError, match="ck_service_keys_known_rights"):
        world.sql(
            "INSERT INTO service_keys (id, name, rights, secret_hash) VALUES (gen_random_uuid(), 'x', :rights, '')",
            rights=rights,
        )


def test_when_a_key_was_last_used_is_recorded_to_the_minute(world: World, time: FrozenClock) -> None:
    key = world.service_key("revocations")
    began = time.now()
    for _ in range(3):
        ask(world, f"Bearer {key}")
        time.advance(seconds=25)
    [[used]] = world.sql("SELECT last_used_at FROM service_keys")
    assert used == began
    ask(world, f"Bearer {key}")
    [[used]] = world.sql("SELECT last_used_at FROM service_keys")
    assert used == time.now()
