"""Founding, listing and reading organizations."""

from __future__ import annotations

import re

import pytest

from authapp.services.organizations import RESERVED_SLUGS
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
    person = world.person("Acme")
    world.sql("DELETE FROM memberships")
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
