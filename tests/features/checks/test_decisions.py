"""Decisions by the AuthZEN Authorization API 1.0: what a service may ask of any account and organization."""

from __future__ import annotations

from statistics import median
from time import perf_counter
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.factories import UNKNOWN_ID, AppWith, Person, World, statements

ONE, SEVERAL = "/access/v1/evaluation", "/access/v1/evaluations"
Json = dict[str, Any]


class Service:
    """Another service, with a key that may ask for decisions."""

    def __init__(self, world: World) -> None:
        self.caller = world.caller(world.service_key("decide"))

    def post(self, path: str, json: Any, **options: Any) -> TestResponse:
        return self.caller.open(path, method="POST", json=json, **options)

    def decide(self, evaluation: Json) -> bool:
        answer = self.post(ONE, evaluation)
        assert answer.status_code == 200, answer.text
        assert answer.get_json().keys() == {"decision"}
        return bool(answer.get_json()["decision"])

    def decide_all(self, body: Json) -> list[bool]:
        answer = self.post(SEVERAL, body)
        assert answer.status_code == 200, answer.text
        assert answer.get_json().keys() == {"evaluations"}
        return [each["decision"] for each in answer.get_json()["evaluations"]]


def user(user_id: object) -> Json:
    return {"type": "user", "id": str(user_id)}


def organization(organization_id: object) -> Json:
    return {"type": "organization", "id": str(organization_id)}


def question(person: Person, organization_id: str, action: str) -> Json:
    return {"subject": user(person.id), "action": {"name": action}, "resource": organization(organization_id)}


@pytest.fixture
def service(deploying: World) -> Service:
    return Service(deploying)


def test_a_role_includes_the_lower_ones_and_a_permission_is_held_by_its_role(
    deploying: World, service: Service
) -> None:
    admin, member = deploying.person("Acme"), deploying.person("Other")
    deploying.join(member, admin.organization_id, "developer")
    for action, of_member in (
        ("viewer", True), ("developer", True), ("admin", False), ("models.deploy", True), ("models.delete", False),
    ):  # fmt: skip
        assert service.decide(question(member, admin.organization_id, action)) is of_member, action
        assert service.decide(question(admin, admin.organization_id, action)) is True, action
        assert service.decide(question(admin, member.organization_id, action)) is False, action


@pytest.mark.parametrize(
    "change",
    [
        {"subject": user(UNKNOWN_ID)}, {"subject": user("")}, {"subject": user("ada@example.com")},
        {"subject": user("\x00")}, {"subject": user("\ud800")}, {"subject": user("x" * 50_000)},
        {"subject": {"type": "api_key", "id": "{user}"}}, {"subject": {"type": "User", "id": "{user}"}},
        {"subject": {"type": "", "id": "{user}"}}, {"subject": user("{{user}}")}, {"subject": user("urn:uuid:{user}")},
        {"resource": organization(UNKNOWN_ID)}, {"resource": organization("acme")}, {"resource": organization("*")},
        {"resource": {"type": "team", "id": "{organization}"}}, {"resource": user("{user}")},
        {"action": {"name": "owner"}}, {"action": {"name": ""}}, {"action": {"name": "models.fly"}},
        {"action": {"name": "VIEWER"}}, {"action": {"name": "models.*"}}, {"action": {"name": "\ud800"}},
    ],
)  # fmt: skip
def test_whatever_is_unknown_is_denied(deploying: World, service: Service, change: Json) -> None:
    person = deploying.person("Acme")
    known = question(person, person.organization_id, "viewer")
    assert service.decide(known) is True
    for entity in change.values():
        for name, value in entity.items():
            entity[name] = value.replace("{user}", str(person.id)).replace("{organization}", person.organization_id)
    assert service.decide({**known, **change}) is False


def test_a_decision_follows_the_account_the_membership_and_the_organization_at_once(
    deploying: World, service: Service
) -> None:
    admin, member = deploying.person("Acme"), deploying.person()
    here = admin.organization_id
    deploying.join(member, here, "viewer")
    asked = question(member, here, "viewer")
    assert service.decide(asked) is True
    member.call("POST", "/auth/logout")
    assert service.decide(asked) is True, "no session is needed"
    for change, undo in (
        ("UPDATE users SET is_active = false WHERE id = :user", "UPDATE users SET is_active = true"),
        ("UPDATE users SET deleted_at = now() WHERE id = :user", "UPDATE users SET deleted_at = NULL"),
        ("UPDATE organizations SET suspended_at = now(), suspension_reason = 'operator' WHERE name = 'Acme'",
         "UPDATE organizations SET suspended_at = NULL, suspension_reason = NULL"),
        ("UPDATE organizations SET deleted_at = now() WHERE name = 'Acme'",
         "UPDATE organizations SET deleted_at = NULL"),
    ):  # fmt: skip
        deploying.sql(change, **({"user": member.id} if ":user" in change else {}))
        assert service.decide(asked) is False, change
        deploying.sql(undo)
        assert service.decide(asked) is True, undo
    admin.call("DELETE", f"/organizations/{here}/members/{member.id}")
    assert service.decide(asked) is False


def test_an_unverified_account_holds_nothing_where_verified_addresses_are_required(
    world: World, app_with: AppWith
) -> None:
    person = world.person("Acme")
    service = Service(world.with_app(app_with(email_verification="required")))
    assert service.decide(question(person, person.organization_id, "admin")) is False
    world.sql("UPDATE users SET email_verified = true")
    assert service.decide(question(person, person.organization_id, "admin")) is True


def test_context_properties_and_unknown_members_are_ignored(deploying: World, service: Service) -> None:
    person = deploying.person("Acme")
    asked = question(person, person.organization_id, "admin")
    for part in ("subject", "action", "resource"):
        asked[part] |= {"properties": {"role": "viewer", "deep": [{}]}, "x": 1}
    assert service.decide({**asked, "context": {"time": "now"}, "foo": "bar", "futureField": {"nested": True}}) is True


@pytest.mark.parametrize("path", [ONE, SEVERAL])
@pytest.mark.parametrize(
    "change",
    [
        {"subject": None}, {"action": None}, {"resource": None}, {"subject": {"type": "user"}},
        {"subject": {"id": "x"}}, {"action": {}}, {"resource": {"type": "organization"}}, {"resource": {"id": "x"}},
        {"subject": "alice"},
        {"action": {"name": 123}}, {"subject": {"type": "user", "id": 1}}, {"subject": {"type": [], "id": "x"}},
        {"subject": []}, {"action": {"name": None}}, {"context": "x"},
    ],
)  # fmt: skip
def test_a_malformed_question_is_400_and_the_answer_says_why(service: Service, path: str, change: Json) -> None:
    asked = {"subject": user("x"), "action": {"name": "x"}, "resource": organization("x"), **change}
    for body in (asked, {name: value for name, value in asked.items() if value is not None}):
        answer = service.post(path, body)
        assert (answer.status_code, answer.get_json()["code"]) == (400, "invalid_evaluation")
        assert next(iter(change)) in answer.get_json()["detail"]


@pytest.mark.parametrize("path", [ONE, SEVERAL])
@pytest.mark.parametrize(
    ("body", "content_type", "code"),
    [
        (b"{", "application/json", "400 invalid_json"),
        (b"[]", "application/json", "400 invalid_evaluation"),
        (b"null", "application/json", "400 invalid_evaluation"),
        (b"{}", "text/plain", "400 invalid_evaluation"),
        (b"{}", None, "400 invalid_evaluation"),
        (b'{"subject": {}, "subject": {}}', "application/json", "400 invalid_json"),
        (b'{"context": ' + b"[" * 30 + b"]" * 30 + b"}", "application/json", "400 invalid_json"),
        (b" " * (64 * 1024 + 1), "application/json", "413 body_too_large"),
    ],
)
def test_a_body_that_is_no_json_is_400(
    service: Service, path: str, body: bytes, content_type: str | None, code: str
) -> None:
    answer = service.caller.open(path, method="POST", data=body, content_type=content_type)
    assert f"{answer.status_code} {answer.get_json()['code']}" == code
    assert service.caller.open(path, method="POST", content_type="application/json").status_code == 400


@pytest.mark.parametrize("rights", [("introspect",), ("metrics", "revocations")])
def test_only_a_key_with_the_right_may_ask(deploying: World, rights: tuple[str, ...]) -> None:
    person = deploying.person("Acme")
    api_key = deploying.api_key(person, person.organization_id, "developer")
    for token, code in (
        (None, "401 missing_service_key"),
        (person.session["access_token"], "401 invalid_service_key"),
        (api_key, "401 invalid_service_key"),
        (deploying.service_key(*rights), "403 right_missing"),
    ):
        for path in (ONE, SEVERAL):
            answer = deploying.caller(token).open(path, method="POST", json={})
            assert f"{answer.status_code} {answer.get_json()['code']}" == code


def test_several_questions_are_answered_in_their_order_with_the_defaults_of_the_request(
    deploying: World, service: Service
) -> None:
    admin, member = deploying.person("Acme"), deploying.person("Other")
    deploying.join(member, admin.organization_id, "developer")
    here, there = admin.organization_id, member.organization_id
    body = {
        "subject": user(member.id), "action": {"name": "admin"}, "resource": organization(here), "context": {},
        "evaluations": [
            {},
            {"action": {"name": "developer"}},
            {"resource": organization(there)},
            {"resource": {"id": there}},
            {"subject": {"id": str(admin.id)}},
            {"subject": user(admin.id), "resource": organization(there)},
            {"context": {"x": 1}, "action": {"name": "models.deploy"}},
        ],
    }  # fmt: skip
    assert service.decide_all(body) == [False, True, True, True, True, False, True]
    alone = [question(admin, here, "admin"), question(member, here, "admin")]
    assert service.decide_all({"evaluations": alone}) == [True, False]


def test_a_malformed_question_among_several_is_denied_and_says_so(deploying: World, service: Service) -> None:
    person = deploying.person("Acme")
    good = question(person, person.organization_id, "admin")
    answer = service.post(
        SEVERAL, {"evaluations": [good, {}, {**good, "subject": "alice"}, {**good, "action": {}}, good]}
    )
    found = answer.get_json()["evaluations"]
    assert [each["decision"] for each in found] == [True, False, False, False, True]
    assert [each.get("context", {}).get("error", {}).get("status") for each in found] == [None, 400, 400, 400, None]


@pytest.mark.parametrize(
    ("semantic", "expected"),
    [
        (None, "TTFTF"), ("execute_all", "TTFTF"), ("deny_on_first_deny", "TTF"), ("permit_on_first_permit", "T"),
    ],
)  # fmt: skip
def test_the_semantic_says_where_the_answers_end(
    deploying: World, service: Service, semantic: str | None, expected: str
) -> None:
    person = deploying.person("Acme")
    permitted, denied = question(person, person.organization_id, "admin"), question(person, UNKNOWN_ID, "admin")
    options = {"options": {"evaluations_semantic": semantic, "another_option": 1}} if semantic else {}
    body = {"evaluations": [permitted, permitted, denied, permitted, denied], **options}
    assert "".join("FT"[each] for each in service.decide_all(body)) == expected
    of_denied = {"evaluations": [denied, denied], **options}
    assert (
        "".join("FT"[each] for each in service.decide_all(of_denied))
        == "FF"[: 1 if semantic == "deny_on_first_deny" else 2]
    )
    of_permitted = {"evaluations": [permitted, permitted], **options}
    ends = 1 if semantic == "permit_on_first_permit" else 2
    assert service.decide_all(of_permitted) == [True, True][:ends]


def test_without_evaluations_it_is_a_single_question(deploying: World, service: Service) -> None:
    person = deploying.person("Acme")
    asked = question(person, person.organization_id, "admin")
    for body in (asked, {**asked, "evaluations": []}):
        assert service.post(SEVERAL, body).get_json() == {"decision": True}


@pytest.mark.parametrize(
    "body",
    [
        {"evaluations": [{}] * 101}, {"evaluations": [1]}, {"evaluations": "x"}, {"evaluations": {}},
        {"evaluations": [{}], "options": {"evaluations_semantic": "x"}}, {"evaluations": [{}], "options": []},
        {"evaluations": [{}], "options": {"evaluations_semantic": ["execute_all"]}},
        {"evaluations": [{}], "subject": 1},
    ],
)  # fmt: skip
def test_a_malformed_batch_is_400(service: Service, body: Json) -> None:
    answer = service.post(SEVERAL, body)
    assert (answer.status_code, answer.get_json()["code"]) == (400, "invalid_evaluation")


def test_a_hundred_questions_cost_as_many_statements_as_one(deploying: World, service: Service) -> None:
    people = [deploying.person(f"Acme {number}") for number in range(10)]
    each = [question(one, other.organization_id, "admin") for one in people for other in people]
    service.decide(each[0])  # the use of the key is recorded
    expected = [one is other for one in people for other in people]
    for path, body in ((ONE, each[0]), (SEVERAL, {"evaluations": each})):
        with statements(deploying.app) as sent:
            answer = service.post(path, body)
        assert sent == ["select", "select", "select"]  # the key; all organizations are made visible; the roles
    assert [found["decision"] for found in answer.get_json()["evaluations"]] == expected


def test_an_unknown_account_costs_what_a_known_one_does_and_the_bytes_are_the_same(
    deploying: World, service: Service
) -> None:
    person, other = deploying.person("Acme"), deploying.person("Other")
    known = question(other, person.organization_id, "viewer")
    asked = {
        "no member": known,
        "no account": {**known, "subject": user(UNKNOWN_ID)},
        "no organization": {**known, "resource": organization(UNKNOWN_ID)},
    }
    taken: dict[str, list[float]] = {name: [] for name in asked}
    for _ in range(20):
        for name, body in asked.items():
            began = perf_counter()
            assert service.post(ONE, body).data == b'{"decision":false}\n'
            taken[name].append(perf_counter() - began)
    slowest, fastest = (choose(map(median, taken.values())) for choose in (max, min))
    assert slowest / fastest < 2


@pytest.mark.parametrize("offered", ["bfe9eb29-ab87-4ca3-be83-a1d5d8305716", "x", "any text: ünd 'quotes'", "a" * 500])
def test_the_request_id_comes_back_whatever_it_is(deploying: World, service: Service, offered: str) -> None:
    key = str(service.caller.access_token)
    for authorization, status in ((f"Bearer {key}", 400), ("Bearer junk", 401)):
        headers = {"Authorization": authorization, "X-Request-ID": offered}
        answer = FlaskClient(deploying.app).post(ONE, json={}, headers=headers)
        assert answer.status_code == status
        assert answer.headers.getlist("X-Request-ID") == [offered]
    unnamed = service.post(ONE, {}).headers.getlist("X-Request-ID")
    assert len(unnamed) == 1
    assert len(unnamed[0]) == 36


def test_asking_changes_nothing_and_is_in_no_audit_log(deploying: World, service: Service) -> None:
    person = deploying.person("Acme")
    before = deploying.sql("SELECT count(*) FROM audit_events")
    for action in ("admin", "owner"):
        service.decide(question(person, person.organization_id, action))
    assert deploying.sql("SELECT count(*) FROM audit_events") == before
