"""Founding, listing and reading organizations."""

from __future__ import annotations

import re

import pytest

from authapp.core.slugs import RESERVED_SLUGS
from tests.factories import UNKNOWN_ID, World


def test_whoever_founds_an_organization_is_its_admin(world: World) -> None:
    person = world.person()
    response = person.call("POST", "/organizations", {"name": "  Acme Research "})
    body = response.get_json()
    assert response.status_code == 201
    assert (body["name"], body["slug"], body["role"]) == ("Acme Research", "acme-research", "admin")
    assert person.call("GET", f"/organizations/{body['id']}").get_json() == body


def test_my_organizations_come_in_pages_oldest_first(world: World) -> None:
    person = world.person("One")
    for name in ("Two", "Three"):
        person.call("POST", "/organizations", {"name": name})
    world.person("Foreign")
    first = person.call("GET", "/organizations?limit=2").get_json()
    second = person.call("GET", f"/organizations?limit=2&cursor={first['next_cursor']}").get_json()
    assert [o["name"] for o in first["items"]] == ["One", "Two"]
    assert [o["name"] for o in second["items"]] == ["Three"]
    assert second["next_cursor"] is None


def test_my_organization_is_found_by_its_slug_and_no_other_one(world: World) -> None:
    person = world.person("One")
    person.call("POST", "/organizations", {"name": "Two"})
    world.person("Foreign")
    gone = person.call("POST", "/organizations", {"name": "Gone"}).get_json()
    person.call("DELETE", f"/organizations/{gone['id']}")

    def named(slug: str) -> list[str]:
        page = person.call("GET", f"/organizations?slug={slug}").get_json()
        assert page["next_cursor"] is None
        return [found["name"] for found in page["items"]]

    assert named("two") == ["Two"]
    assert [named(slug) for slug in ("foreign", "gone", "none", "TWO", "t%25", "%F0%9F%98%80")] == [[]] * 6
    assert person.call("GET", f"/organizations?slug={'x' * 64}").get_json()["code"] == "validation_failed"
    assert person.call("GET", "/organizations?slug=a%00").get_json()["code"] == "validation_failed"


@pytest.mark.parametrize("role", ["viewer", "developer", "admin"])
def test_every_member_reads_the_organization_and_sees_the_own_role(world: World, role: str) -> None:
    founder, member = world.person("Acme"), world.person()
    world.join(member, founder.organization_id, role)
    assert member.call("GET", f"/organizations/{founder.organization_id}").get_json()["role"] == role


def test_foreign_deleted_and_unknown_organizations_answer_alike(world: World) -> None:
    person, founder = world.person(), world.person("Foreign")
    gone = world.person("Gone")
    world.join(person, gone.organization_id, "admin")
    world.sql("UPDATE organizations SET deleted_at = now() WHERE id = :id", id=gone.organization_id)
    answers = [
        person.call("GET", f"/organizations/{id_}", headers={"X-Request-ID": "the-same-id"})
        for id_ in (founder.organization_id, gone.organization_id, UNKNOWN_ID)
    ]
    assert {answer.status_code for answer in answers} == {403}
    assert len({answer.data for answer in answers}) == 1
    assert answers[0].get_json()["code"] == "not_a_member"


def test_losing_the_membership_binds_on_the_next_request(world: World) -> None:
    person, other = world.person("Acme"), world.person()
    world.join(other, person.organization_id, "admin")
    path = f"/organizations/{person.organization_id}"
    assert other.call("DELETE", f"{path}/members/{person.id}").status_code == 204
    assert person.call("GET", f"/organizations/{person.organization_id}").status_code == 403


@pytest.mark.parametrize("organization_id", ["1", "acme", UNKNOWN_ID + "0", UNKNOWN_ID.replace("-", ""), "%FF"])
def test_a_malformed_organization_id_is_said_to_be_so(world: World, organization_id: str) -> None:
    response = world.person().call("GET", f"/organizations/{organization_id}")
    assert response.status_code == 422
    assert response.get_json()["errors"] == {"path": {"organization_id": ["Not a valid UUID."]}}


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Acme", "acme"),
        ("Ärzte & Söhne GmbH", "arzte-sohne-gmbh"),
        ("Компания", "kompaniia"),
        ("日本", "ri-ben"),
        ("!!!", r"organization-\w{6}"),
        ("🚀", r"organization-\w{6}"),
        ("Admin", r"admin-\w{6}"),
        ("a" * 200, "a{56}"),
    ],
)
def test_a_slug_is_made_of_any_name(world: World, name: str, slug: str) -> None:
    made = world.person(name).session["organization"]["slug"]
    assert re.fullmatch(slug, made), made


def test_no_reserved_word_becomes_a_slug(world: World) -> None:
    person = world.person()
    for word in sorted(RESERVED_SLUGS):
        made = person.call("POST", "/organizations", {"name": word}).get_json()["slug"]
        assert made not in RESERVED_SLUGS


def test_a_slug_is_free_again_when_its_organization_is_deleted(world: World) -> None:
    world.person("Acme")
    world.sql("UPDATE organizations SET deleted_at = now()")
    assert world.person("Acme").session["organization"]["slug"] == "acme"


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": "  "}, {"name": "a" * 201}, {"name": "x", "slug": "y"}])
def test_an_invalid_organization_is_not_founded(world: World, body: dict[str, str]) -> None:
    person = world.person()
    assert person.call("POST", "/organizations", body).status_code == 422
    assert person.call("GET", "/organizations").get_json()["items"] == []


@pytest.mark.parametrize("name", ["\u3164", "\u2800 \u2800", "\u034f", "\u0301", "\u200d", "\U0010ffff"])
def test_a_name_is_something_to_see(world: World, name: str) -> None:
    refused = world.person().call("POST", "/organizations", {"name": name})
    assert list(refused.get_json()["errors"]["json"]) == ["name"]


@pytest.mark.parametrize("name", ["\u65e5\u672c", "\U0001f469\u200d\U0001f52c", "4", "!", "e\u0301"])
def test_a_name_need_not_be_latin(world: World, name: str) -> None:
    assert world.person().call("POST", "/organizations", {"name": name}).status_code == 201


def test_an_admin_renames_the_organization_and_its_slug(world: World) -> None:
    admin = world.person("Acme")
    path = f"/organizations/{admin.organization_id}"
    changed = admin.call("PATCH", path, {"name": "Acme Labs", "slug": "acme-labs"})
    assert changed.status_code == 200
    assert (changed.get_json()["name"], changed.get_json()["slug"]) == ("Acme Labs", "acme-labs")
    assert changed.get_json() == admin.call("GET", path).get_json()
    assert changed.get_json()["updated_at"] > changed.get_json()["created_at"]
    unchanged = admin.call("PATCH", path, {})
    assert (unchanged.status_code, unchanged.get_json()) == (200, changed.get_json())


def test_a_slug_is_taken_until_its_organization_is_deleted(world: World) -> None:
    one, two = world.person("One"), world.person("Two")
    path = f"/organizations/{two.organization_id}"
    refused = two.call("PATCH", path, {"name": "Two and a half", "slug": "one"})
    assert (refused.status_code, refused.get_json()["code"]) == (409, "slug_taken")
    assert two.call("GET", path).get_json()["name"] == "Two"
    assert one.call("DELETE", f"/organizations/{one.organization_id}").status_code == 204
    assert two.call("PATCH", path, {"slug": "one"}).get_json()["slug"] == "one"


@pytest.mark.parametrize(
    "slug",
    [
        "",
        "Acme",
        "acme_labs",
        "-acme",
        "acme-",
        "a--b",
        "ac me",
        "\u0430cme",
        "acme\n",
        "a" * 64,
        "admin",
        "api",
        None,
        7,
    ],
)
def test_a_slug_that_is_none_is_refused(world: World, slug: object) -> None:
    admin = world.person("Acme")
    refused = admin.call("PATCH", f"/organizations/{admin.organization_id}", {"slug": slug})
    assert refused.status_code == 422
    assert list(refused.get_json()["errors"]["json"]) == ["slug"]


@pytest.mark.parametrize("field", ["role", "subscription", "seats", "id", "deleted_at"])
def test_what_is_not_the_admins_to_change_is_refused(world: World, field: str) -> None:
    admin = world.person("Acme")
    refused = admin.call("PATCH", f"/organizations/{admin.organization_id}", {field: 1})
    assert list(refused.get_json()["errors"]["json"]) == [field]


def test_a_deleted_organization_is_gone_for_everybody_at_once(world: World) -> None:
    admin, viewer = world.person("Acme"), world.person()
    world.join(viewer, admin.organization_id, "viewer")
    path = f"/organizations/{admin.organization_id}"
    key = world.api_key(admin, admin.organization_id, "developer")
    assert admin.call("DELETE", path).status_code == 204
    for caller in (admin.caller, viewer.caller):
        assert caller.call("GET", path).get_json()["code"] == "not_a_member"
    assert world.caller(key).call("GET", path).get_json()["code"] == "invalid_api_key"
    assert admin.call("GET", "/organizations").get_json()["items"] == []
    assert viewer.call("GET", "/auth/me").get_json()["memberships"] == []
