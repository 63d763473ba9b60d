"""The profile of accounts: fields of the application, checked by its schema."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from marshmallow import fields

from authapp.schemas.fields import Request, SingleLine, StrictBoolean
from authapp.services.profiles import LARGEST
from authapp.web.application import TakenName
from tests.factories import PASSWORD, World, WorldWith, all_at_once, statements


class Address(Request):
    """Where somebody lives."""

    city = SingleLine(longest=50, required=True)


class ProfileSchema(Request):
    """What this product knows of a person."""

    phone = SingleLine(longest=30, allow_none=True, metadata={"examples": ["+49 30 123456"]})
    newsletter = StrictBoolean(required=True)
    born_on = fields.Date(allow_none=True)
    address = fields.Nested(Address, data_key="homeAddress")
    notes = fields.Raw(allow_none=True)
    plan = fields.String(load_default="free")


class SmallerSchema(Request):
    """The same some years later."""

    newsletter = StrictBoolean(required=True)


GIVEN = {"phone": " 123 ", "newsletter": True, "born_on": "1815-12-10", "homeAddress": {"city": "London"}}
STORED = {**GIVEN, "phone": "123", "plan": "free"}
BODY = {"email": "ada@example.com", "password": PASSWORD}


@pytest.fixture
def with_profile(world_with: WorldWith) -> World:
    return world_with(profile=ProfileSchema)


def stored(world: World) -> Any:
    [row] = world.sql("SELECT profile FROM users")
    return row.profile


def test_a_profile_is_given_at_registration_shown_changed_and_recorded_by_the_names_of_its_fields(
    with_profile: World,
) -> None:
    ada = with_profile.person(profile=GIVEN)
    assert ada.call("GET", "/auth/me").get_json()["profile"] == stored(with_profile) == STORED
    assert "profile" not in ada.session["user"]
    changed = ada.call("PATCH", "/auth/me", {"first_name": "Ada", "profile": {"phone": None, "newsletter": False}})
    left = {name: value for name, value in STORED.items() if name != "phone"} | {"newsletter": False}
    assert (changed.get_json()["profile"], changed.get_json()["first_name"]) == (left, "Ada")
    assert ada.call("GET", "/auth/me").get_json()["profile"] == stored(with_profile) == left
    [event] = with_profile.sql("SELECT details FROM audit_events WHERE action = 'user.updated'")
    assert event.details == {"fields": ["first_name", "profile.newsletter", "profile.phone"]}


def test_an_account_without_a_profile_has_an_empty_one_and_what_is_the_same_is_no_change(with_profile: World) -> None:
    ada = with_profile.person()
    assert ada.call("GET", "/auth/me").get_json()["profile"] == {}
    for _ in range(2):
        changed = ada.call("PATCH", "/auth/me", {"profile": {"phone": "1"}})
        assert changed.get_json()["profile"] == {"phone": "1"}
    assert ada.call("PATCH", "/auth/me", {"profile": {}}).get_json()["profile"] == {"phone": "1"}
    assert ada.call("PATCH", "/auth/me", {"first_name": "A"}).get_json()["profile"] == {"phone": "1"}
    assert len(with_profile.sql("SELECT FROM audit_events WHERE action = 'user.updated'")) == 2


def test_simultaneous_changes_of_different_fields_lose_nothing(with_profile: World) -> None:
    ada = with_profile.person()
    changes: list[dict[str, Any]] = [{"phone": "1"}, {"newsletter": True}, {"born_on": "1815-12-10"}, {"notes": [1]}]
    for _ in range(10):
        with_profile.sql("UPDATE users SET profile = '{}'")
        calls: list[Callable[[], Any]] = [
            partial(ada.call, "PATCH", "/auth/me", {"profile": change}) for change in changes
        ]
        assert [response.status_code for response in all_at_once(calls)] == [200] * len(changes)
        assert stored(with_profile) == {name: value for change in changes for name, value in change.items()}


@pytest.mark.parametrize(
    ("profile", "errors"),
    [
        (None, ["Send a JSON object."]),
        ([], ["Send a JSON object."]),
        ("x", ["Send a JSON object."]),
        ({"newsletter": "yes"}, {"newsletter": ["Not a valid boolean."]}),
        ({"newsletter": True, "role": "admin"}, {"role": ["Unknown field."]}),
        ({"newsletter": True, "plan": None}, {"plan": ["Field may not be null."]}),
        ({"newsletter": True, "homeAddress": {}}, {"homeAddress": {"city": ["Missing data for required field."]}}),
        ({"newsletter": True, "homeAddress": {"city": "x", "a": 1}}, {"homeAddress": {"a": ["Unknown field."]}}),
        ({"newsletter": True, "phone": "1\x00"}, {"phone": ["Contains a character that cannot be stored."]}),
        ({"newsletter": True, "notes": "\x00"}, ["Contains a character that cannot be stored."]),
        ({"newsletter": True, "notes": [{"\ud800": 1}]}, ["Contains a character that cannot be stored."]),
        ({"newsletter": True, "notes": ["a", {"b": "\udfff"}]}, ["Contains a character that cannot be stored."]),
        ({"newsletter": True, "plan": "\x00"}, ["Contains a character that cannot be stored."]),
        ({"newsletter": True, "notes": "é" * LARGEST}, ["This would make the profile larger than 8 KiB."]),
    ],
)  # fmt: skip
def test_a_profile_that_the_schema_or_the_database_refuses_is_answered_with_its_fields(
    with_profile: World, profile: Any, errors: Any
) -> None:
    refused = with_profile.caller().call("POST", "/auth/register", {**BODY, "profile": profile})
    assert (refused.status_code, refused.get_json()["errors"]) == (422, {"json": {"profile": errors}})
    assert with_profile.sql("SELECT FROM users") == []
    ada = with_profile.person()
    refused = ada.call("PATCH", "/auth/me", {"profile": profile})
    assert (refused.status_code, refused.get_json()["errors"]) == (422, {"json": {"profile": errors}})
    assert stored(with_profile) == {}


def test_required_fields_are_required_at_registration_alone_and_all_mistakes_are_told_at_once(
    with_profile: World,
) -> None:
    refused = with_profile.caller().call("POST", "/auth/register", {**BODY, "password": "x", "profile": {"role": 1}})
    found = refused.get_json()["errors"]["json"]
    assert found.keys() == {"password", "profile"}
    assert found["profile"].keys() == {"newsletter", "role"}
    assert with_profile.person().call("PATCH", "/auth/me", {"profile": {"phone": "1"}}).status_code == 200


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        ('{"profile": {"notes": 1e400}}', 422),
        ('{"profile": {"notes": NaN}}', 400),
        ('{"profile": {"notes": ' + "[" * 30 + "]" * 30 + "}}", 400),
        ('{"profile": {"phone": "1", "phone": "2"}}', 400),
        ('{"profile": {"notes": [' + ",".join(["1e308"] * 900) + "]}}", 422),  # 300 digits each, as PostgreSQL has them
        ('{"profile": {' + ",".join(f'"{"x" * 200}{each}": 1' for each in range(250)) + "}}", 422),
    ],
)
def test_hostile_json_is_refused_and_the_answer_stays_short(with_profile: World, raw: str, status: int) -> None:
    ada = with_profile.person()
    refused = ada.call("PATCH", "/auth/me", data=raw, content_type="application/json")
    assert refused.status_code == status, refused.text
    assert len(refused.text) < 5000
    assert stored(with_profile) == {}


def test_many_changes_together_cannot_make_a_profile_larger_than_one_may_be(with_profile: World) -> None:
    ada = with_profile.person()
    assert ada.call("PATCH", "/auth/me", {"profile": {"notes": "x" * (LARGEST - 100)}}).status_code == 200
    refused = ada.call("PATCH", "/auth/me", {"profile": {"plan": "y" * 100}})
    expected = {"json": {"profile": ["This would make the profile larger than 8 KiB."]}}
    assert (refused.status_code, refused.get_json()["errors"]) == (422, expected)
    assert ada.call("PATCH", "/auth/me", {"profile": {"notes": None, "plan": "y" * 100}}).status_code == 200


def test_with_safe_registration_the_profile_waits_with_the_account(world_with: WorldWith) -> None:
    safe = world_with(profile=ProfileSchema, registration_mode="safe")
    assert safe.caller().call("POST", "/auth/register", {**BODY, "profile": GIVEN}).status_code == 202
    safe.emails()
    assert stored(safe) == STORED


def test_a_field_that_has_left_the_schema_is_not_shown_and_stays_until_it_is_erased(
    world_with: WorldWith, with_profile: World
) -> None:
    ada = with_profile.person(profile=GIVEN)
    later = world_with(profile=SmallerSchema)
    again = later.sign_in(ada)
    assert again.call("GET", "/auth/me").get_json()["profile"] == {"newsletter": True}
    refused = again.call("PATCH", "/auth/me", {"profile": {"phone": "2"}})
    assert refused.get_json()["errors"] == {"json": {"profile": {"phone": ["Unknown field."]}}}
    changed = again.call("PATCH", "/auth/me", {"profile": {"newsletter": False}})
    assert changed.get_json()["profile"] == {"newsletter": False}
    assert stored(later) == {**STORED, "newsletter": False}
    assert again.call("GET", "/auth/me/export").get_json()["user"]["profile"] == stored(later)


def test_the_profile_is_exported_and_erased_with_the_account(with_profile: World) -> None:
    ada = with_profile.person(profile=GIVEN)
    assert ada.call("GET", "/auth/me/export").get_json()["user"]["profile"] == STORED
    runner = with_profile.app.test_cli_runner()
    exported = runner.invoke(args=["users", "export", ada.email])
    assert json.loads(exported.output)["user"]["profile"] == STORED
    erased = runner.invoke(args=["users", "erase", ada.email, "--yes"])
    assert erased.exit_code == 0, erased.output
    assert stored(with_profile) == {}


def test_without_a_schema_nothing_has_a_profile(world: World, openapi: dict[str, Any]) -> None:
    ada = world.person()
    for method, path, body in (
        ("PATCH", "/auth/me", {}),
        ("POST", "/auth/register", {**BODY}),
    ):
        refused = ada.call(method, path, {**body, "profile": {"phone": "1"}})
        assert refused.get_json()["errors"] == {"json": {"profile": ["Unknown field."]}}
        refused = ada.call(method, path, {**body, "profile": None})
        assert refused.get_json()["errors"] == {"json": {"profile": ["Unknown field."]}}
    for path in ("/auth/me", "/auth/me/export"):
        assert '"profile"' not in ada.call("GET", path).text
    assert '"profile"' not in json.dumps(openapi)


def test_without_a_schema_no_statement_is_sent_for_it(with_profile: World, world: World) -> None:
    counts = []
    for each, email in ((world, "a@example.com"), (with_profile, "b@example.com")):
        ada = each.person(email=email)
        with statements(each.app) as sent:
            assert ada.call("GET", "/auth/me").status_code == 200
        counts.append(sent)
    assert counts == [["one:select"], ["one:select", "select"]]


def test_the_document_has_the_schema_of_the_application(with_profile: World) -> None:
    schemas = with_profile._openapi["components"]["schemas"]
    assert schemas["Profile"]["properties"].keys() == {
        "phone", "newsletter", "born_on", "homeAddress", "notes", "plan",
    }  # fmt: skip
    assert "required" not in schemas["Profile"]
    assert schemas["Address"]["required"] == ["city"]
    reference = {"$ref": "#/components/schemas/Profile"}
    assert schemas["Registration"]["properties"]["profile"]["allOf"] == [reference, {"required": ["newsletter"]}]
    for name in ("User", "Me", "ProfileChange", "ExportedUser"):
        assert reference.items() <= schemas[name]["properties"]["profile"].items()
        assert "profile" not in schemas[name].get("required", [])


def test_a_schema_with_the_name_of_another_is_refused_at_the_start(world_with: WorldWith) -> None:
    class Organization(Request):
        """No profile."""

    with pytest.raises(TakenName, match="named Organization"):
        world_with(profile=Organization)
