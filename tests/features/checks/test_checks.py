"""The check that proxies ask: 204, 401 or 403 and nothing else, by the look-up of the guards."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from flask import Response
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from authapp.core.clock import FrozenClock
from tests.factories import API, UNKNOWN_ID, AppWith, Caller, Person, World, statements

CHECK = "/auth/check"
NAMES = ("Subject", "Type", "Session", "Organization", "Role")


def ask(caller: Caller | Person, query: str = "", method: str = "GET", **options: Any) -> TestResponse:
    return caller.call(method, f"{CHECK}?{query}" if query else CHECK, **options)


def told(answer: TestResponse) -> dict[str, str]:
    assert (answer.status_code, answer.data) == (204, b"")
    return {name: value for name in NAMES if (value := answer.headers.get(f"X-Auth-{name}")) is not None}


def code(answer: TestResponse) -> str:
    assert not [name for name, _ in answer.headers if name.startswith("X-Auth-")]
    return f"{answer.status_code} {answer.get_json()['code']}"


def about(person: Person) -> dict[str, str]:
    return {"Subject": str(person.id), "Type": "user", "Session": session_id(person)}


def session_id(person: Person) -> str:
    [current] = [each for each in person.call("GET", "/auth/sessions").get_json()["items"] if each["current"]]
    return str(current["id"])


def test_without_conditions_an_account_only_has_to_be_signed_in(world: World) -> None:
    person = world.person("Acme")
    assert told(ask(person)) == about(person)


def test_a_member_passes_with_the_role_of_the_query_or_a_higher_one(world: World) -> None:
    admin, member = world.person("Acme"), world.person()
    world.join(member, admin.organization_id, "developer")
    here = f"organization_id={admin.organization_id}"
    for query in (here, f"{here}&role=viewer", f"role=developer&{here}"):
        expected = {**about(member), "Organization": admin.organization_id, "Role": "developer"}
        assert told(ask(member, query)) == expected
    assert code(ask(member, f"{here}&role=admin")) == "403 role_too_low"
    assert told(ask(admin, f"{here}&role=admin"))["Role"] == "admin"


def test_an_api_key_is_in_its_own_organization_where_the_query_names_none(world: World) -> None:
    admin, stranger = world.person("Acme"), world.person("Other")
    key = world.api_key(admin, admin.organization_id, "developer")
    [shown] = admin.call("GET", f"/organizations/{admin.organization_id}/api-keys").get_json()["items"]
    expected = {
        "Subject": shown["id"], "Type": "api_key", "Organization": admin.organization_id, "Role": "developer"
    }  # fmt: skip
    for query in ("", "role=developer", f"organization_id={admin.organization_id}&role=viewer"):
        assert told(ask(world.caller(key), query)) == expected
    assert code(ask(world.caller(key), "role=admin")) == "403 role_too_low"
    assert code(ask(world.caller(key), f"organization_id={stranger.organization_id}")) == "403 not_a_member"
    assert code(ask(world.caller(key), f"organization_id={UNKNOWN_ID}")) == "403 not_a_member"


def test_whoever_holds_the_permission_of_the_query_passes(deploying: World) -> None:
    admin, member = deploying.person("Acme"), deploying.person()
    deploying.join(member, admin.organization_id, "developer")
    key = deploying.caller(deploying.api_key(admin, admin.organization_id, "viewer"))
    here = f"organization_id={admin.organization_id}"
    assert told(ask(member, f"{here}&permission=models.deploy"))["Role"] == "developer"
    assert told(ask(admin, f"{here}&permission=models.delete&role=admin"))["Role"] == "admin"
    assert code(ask(member, f"{here}&permission=models.delete")) == "403 permission_missing"
    assert code(ask(member, f"{here}&permission=models.deploy&role=admin")) == "403 role_too_low"
    assert code(ask(key, "permission=models.deploy")) == "403 permission_missing"
    assert code(ask(member, "permission=models.deploy")) == "403 invalid_check"
    for permission in ("models.fly", "", "models", "MODELS.DEPLOY", "models.deploy%00", "x" * 5000, "models.*"):
        assert code(ask(admin, f"{here}&permission={permission}")) == "403 invalid_check", permission
    for caller, status in ((member, 204), (admin, 204), (key, 403)):
        with statements(deploying.app) as sent:
            assert ask(caller, f"{here}&permission=models.deploy").status_code == status
        assert sent[0] == "one:select"
    assert not deploying.sql("SELECT FROM audit_events WHERE action = 'access.refused'")


def test_head_is_answered_as_get(world: World) -> None:
    person = world.person("Acme")
    assert told(ask(person, f"organization_id={person.organization_id}", "HEAD"))["Role"] == "admin"
    for query, status in ((f"organization_id={UNKNOWN_ID}", 403), ("x=1", 403)):
        path, headers = f"{API}{CHECK}?{query}", {"Authorization": bearer(person)}
        assert FlaskClient(world.app, Response).head(path, headers=headers).status_code == status


@pytest.mark.parametrize(
    "query",
    [
        "organization_id=", "organization_id=x", "organization_id={id}x", "organization_id=%7B{id}%7D",
        "organization_id=urn:uuid:{id}", "organization_id={hex}", "organization_id=%00", "organization_id=%ff",
        "organization_id=null", "organization_id={id}%00", "organization_id=%20{id}", "organization_id[]={id}",
        "organization_id={id}&organization_id={id}", "organization_id={id}&organization_id=" + UNKNOWN_ID,
        "organization_id={id}&role=", "organization_id={id}&role=owner", "organization_id={id}&role=ADMIN",
        "organization_id={id}&role=viewer&role=viewer", "organization_id={id}&role=viewer,admin",
        "organization_id={id}&x=1", "organization_id={id}&x", "organization_id={id}&Role=viewer",
        "organization_id={id}&organisation_id={id}", "role=owner", "x=1", "=", "%ff=%ff", "a" * 3000 + "=" + "b" * 3000,
    ],
)  # fmt: skip
def test_a_malformed_query_is_403_for_every_caller_that_is_known_and_401_for_others(world: World, query: str) -> None:
    person = world.person("Acme")
    query = query.replace("{id}", person.organization_id).replace("{hex}", UUID(person.organization_id).hex)
    key = world.api_key(person, person.organization_id, "developer")
    for caller in (person.caller, world.caller(key)):
        answer = ask(caller, query)
        assert code(answer) == "403 invalid_check"
        assert len(answer.data) < 1000
    assert code(ask(world.caller(), query)) == "401 missing_token"
    assert code(ask(world.caller("junk"), query)) == "401 invalid_token"


def test_an_account_has_a_role_only_in_an_organization_that_is_named(world: World) -> None:
    person = world.person("Acme")
    answer = ask(person, "role=viewer")
    assert code(answer) == "403 invalid_check"
    assert "organization_id" in answer.get_json()["detail"]


def test_the_answer_says_what_is_malformed(world: World) -> None:
    detail = ask(world.person(), "organization_id=acme").get_json()["detail"]
    assert detail == "This check is malformed, and nobody passes it. organization_id: Not a valid UUID."


def test_whoever_the_guards_refuse_is_refused(world: World, time: FrozenClock) -> None:
    admin = world.person("Acme")
    here = f"organization_id={admin.organization_id}"
    key, other_key = (world.api_key(admin, admin.organization_id, "viewer") for _ in range(2))
    revoked, *_ = admin.call("GET", f"/organizations/{admin.organization_id}/api-keys").get_json()["items"]
    ended, off, gone = (world.person() for _ in range(3))
    for each in (ended, off, gone):
        world.join(each, admin.organization_id, "admin")
        assert told(ask(each, here))["Role"] == "admin"
    ended.call("POST", "/auth/logout")
    world.sql("UPDATE users SET is_active = false WHERE id = :id", id=off.id)
    world.sql("UPDATE users SET deleted_at = now() WHERE id = :id", id=gone.id)
    admin.call("DELETE", f"/organizations/{admin.organization_id}/api-keys/{revoked['id']}")
    for query in ("", here, "organization_id=x"):
        assert [code(ask(each, query)) for each in (ended, off, gone)] == ["401 revoked_token"] * 3
        assert code(ask(world.caller(admin.refresh_token), query)) == "401 invalid_token"
        assert code(ask(world.caller(other_key), query)) == "401 invalid_api_key"
        assert code(ask(world.caller(key + "x"), query)) == "401 invalid_api_key"
        assert code(ask(world.caller(world.service_key("introspect")), query)) == "401 invalid_token"
    assert told(ask(world.caller(key)))
    time.advance(minutes=30)
    assert code(ask(admin, here)) == "401 expired_token"


def test_a_new_role_a_removal_and_a_suspension_are_known_at_once(world: World) -> None:
    admin, member = world.person("Acme"), world.person()
    world.join(member, admin.organization_id, "viewer")
    key = world.caller(world.api_key(admin, admin.organization_id, "viewer"))
    here = f"organization_id={admin.organization_id}"
    path = f"/organizations/{admin.organization_id}"
    admin.call("PATCH", f"{path}/members/{member.id}", {"role": "developer"})
    assert told(ask(member, here))["Role"] == "developer"
    world.app.test_cli_runner().invoke(args=["organizations", "suspend", admin.organization_id])
    refused = [code(ask(each, here)) for each in (admin, member, key)]
    assert [*refused, code(ask(key))] == ["403 organization_suspended"] * 4
    assert told(ask(member)) == about(member)
    world.app.test_cli_runner().invoke(args=["organizations", "restore", admin.organization_id])
    admin.call("DELETE", f"{path}/members/{member.id}")
    assert code(ask(member, here)) == "403 not_a_member"
    admin.call("DELETE", path)
    assert code(ask(admin, here)) == "403 not_a_member"
    assert [code(ask(key, query)) for query in ("", here)] == ["401 invalid_api_key"] * 2


def test_a_foreign_organization_and_one_that_does_not_exist_give_the_same_answer(world: World) -> None:
    person, other = world.person("Acme"), world.person("Other")
    bodies = [
        ask(person, f"organization_id={each}", headers={"X-Request-ID": "the-same-id"}).data
        for each in (other.organization_id, UNKNOWN_ID)
    ]
    assert bodies[0] == bodies[1]


def test_an_unverified_account_is_in_no_organization_where_that_is_required(world: World, app_with: AppWith) -> None:
    person = world.person("Acme")
    caller = world.with_app(app_with(email_verification="required")).caller(person.session["access_token"])
    assert code(ask(caller, f"organization_id={person.organization_id}")) == "403 email_not_verified"
    assert told(ask(caller)) == about(person)


def test_a_check_is_one_select_and_leaves_nothing_but_the_last_use_of_a_key(world: World) -> None:
    person = world.person("Acme")
    key = world.caller(world.api_key(person, person.organization_id, "developer"))
    assert told(ask(key))
    events = world.sql("SELECT count(*) FROM audit_events")
    here = f"organization_id={person.organization_id}"
    for caller in (person.caller, key):
        for query in ("", here, f"{here}&role=admin", f"{here}&role=viewer", f"organization_id={UNKNOWN_ID}", "x=1"):
            with statements(world.app) as sent:
                ask(caller, query)
            assert sent == ["one:select"]
    with statements(world.app) as sent:
        ask(world.caller("junk"))
    assert sent == []
    assert world.sql("SELECT count(*) FROM audit_events") == events


def test_the_last_use_of_a_key_is_recorded_once_a_minute(world: World, time: FrozenClock) -> None:
    person = world.person("Acme")
    key = world.caller(world.api_key(person, person.organization_id, "developer"))
    for expected in (["one:select", "one:select"], ["one:select"]):
        with statements(world.app) as sent:
            ask(key)
        assert sent == expected
    path = f"/organizations/{person.organization_id}/api-keys"
    assert person.call("GET", path).get_json()["items"][0]["last_used_at"]


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Original-URI": "/api/v1/auth/check?organization_id=x"},
        {"X-Original-URL": "/x", "X-Original-Method": "DELETE"},
        {"X-Forwarded-Uri": "/x", "X-Forwarded-Method": "POST", "X-Forwarded-Host": "a.example", "Host": "a.example"},
        {"X-Forwarded-Proto": "http", "X-Forwarded-For": "junk", "Forwarded": "for=_x"},
        {"X-Auth-Subject": UNKNOWN_ID, "X-Auth-Role": "admin", "X-Auth-Organization": UNKNOWN_ID},
        {"Authapp-Client": "browser", "Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
        {"Cookie": "__Host-authapp_refresh=x; authapp_refresh=x"},
        {"X-HTTP-Method-Override": "DELETE", "Accept": "text/html", "Content-Type": "text/xml", "Range": "bytes=0-1"},
    ],
)  # fmt: skip
def test_nothing_of_the_request_counts_but_its_authorization(world: World, headers: dict[str, str]) -> None:
    person = world.person("Acme")
    query = f"organization_id={person.organization_id}"
    expected = {**about(person), "Organization": person.organization_id, "Role": "admin"}
    assert told(ask(person, query, headers={**headers, "Authorization": bearer(person)})) == expected
    assert code(ask(world.caller(), query, headers=headers)) == "401 missing_token"


def bearer(person: Person) -> str:
    return f"Bearer {person.session['access_token']}"
