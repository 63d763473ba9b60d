"""Registering, and reading and changing my own account."""

from __future__ import annotations

from typing import Any

import email_validator
import pytest

from tests.factories import PASSWORD, AppWith, Caller, World


def test_registering_signs_in_and_founds_the_organization(client: Caller) -> None:
    response = client.call(
        "POST",
        "/auth/register",
        {
            "email": "ada@example.com",
            "password": PASSWORD,
            "first_name": "Ada",
            "last_name": "Lovelace",
            "organization_name": "Acme Research",
        },
    )
    body = response.get_json()
    assert response.status_code == 201
    assert body["token_type"] == "Bearer"
    assert (body["expires_in"], body["refresh_expires_in"]) == (1800, 604800)
    assert body["user"]["email"] == "ada@example.com"
    assert (body["user"]["first_name"], body["user"]["last_name"]) == ("Ada", "Lovelace")
    assert (body["user"]["is_active"], body["user"]["email_verified"]) == (True, False)
    assert (body["organization"]["slug"], body["organization"]["role"]) == ("acme-research", "admin")
    assert body["organization"]["subscription"] == {
        "plan": "free",
        "status": "active",
        "seats": None,
        "trial_ends_at": None,
    }


def test_registering_without_an_organization_founds_none(world: World) -> None:
    person = world.person()
    assert person.session["organization"] is None
    assert person.call("GET", "/auth/me").get_json()["memberships"] == []


def test_me_shows_my_memberships_oldest_first(world: World) -> None:
    person = world.person("First")
    person.call("POST", "/organizations", {"name": "Second"})
    other = world.person("Third")
    world.join(person, other.organization_id, "viewer")
    memberships = person.call("GET", "/auth/me").get_json()["memberships"]
    assert [(m["organization"]["slug"], m["role"]) for m in memberships] == [
        ("first", "admin"),
        ("second", "admin"),
        ("third", "viewer"),
    ]


def test_me_leaves_out_deleted_organizations(world: World) -> None:
    person = world.person("Gone")
    world.sql("UPDATE organizations SET deleted_at = now()")
    assert person.call("GET", "/auth/me").get_json()["memberships"] == []


def test_my_names_change_and_can_be_cleared(world: World) -> None:
    person = world.person(first_name="Ada", last_name="Byron")
    changed = person.call("PATCH", "/auth/me", {"last_name": "Lovelace"}).get_json()
    assert (changed["first_name"], changed["last_name"]) == ("Ada", "Lovelace")
    assert changed["updated_at"] > changed["created_at"]
    assert person.call("PATCH", "/auth/me", {}).get_json() == changed
    assert person.call("PATCH", "/auth/me", {"first_name": None}).get_json()["first_name"] is None


def test_an_email_is_one_account_however_it_is_spelled(client: Caller) -> None:
    body = {"email": "Ada@Example.COM", "password": PASSWORD}
    assert client.call("POST", "/auth/register", body).get_json()["user"]["email"] == "ada@example.com"
    again = client.call("POST", "/auth/register", {**body, "email": "ada@EXAMPLE.com"})
    assert (again.status_code, again.get_json()["code"]) == (409, "email_taken")


def test_a_refused_registration_leaves_nothing_behind(world: World) -> None:
    world.person("Acme", email="ada@example.com")
    body = {"email": "ada@example.com", "password": PASSWORD, "organization_name": "Second"}
    assert world.caller().call("POST", "/auth/register", body).status_code == 409
    assert world.sql("SELECT count(*) FROM organizations")[0][0] == 1


def test_a_deleted_account_frees_its_address_and_bequeaths_nothing(world: World) -> None:
    former = world.person("Acme")
    assert former.call("DELETE", "/auth/me", {"password": PASSWORD}).status_code == 204
    assert former.call("GET", "/auth/me").status_code == 401
    refreshed = former.call("POST", "/auth/refresh", {"refresh_token": former.refresh_token})
    assert (refreshed.status_code, refreshed.get_json()["code"]) == (401, "revoked_token")
    heir = world.person(email=former.email)
    assert heir.id != former.id
    assert heir.call("GET", "/auth/me").get_json()["memberships"] == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": None}, "email"),
        ({"email": "=?utf-8?q?grace?=@example.com"}, "email"),
        ({"email": "ada"}, "email"),
        ({"email": "ada@example"}, "email"),
        ({"email": "ada@example.com\n"}, "email"),
        ({"email": "ada\x00@example.com"}, "email"),
        ({"email": "a" * 250 + "@example.com"}, "email"),
        ({"email": ["ada@example.com"]}, "email"),
        ({"email": "\u212aate@example.com"}, "email"),
        ({"email": "a" * 65 + "@example.com"}, "email"),
        ({"password": "Short12"}, "password"),
        ({"password": "onlyletters"}, "password"),
        ({"password": "1234567890"}, "password"),
        ({"password": "password123"}, "password"),
        ({"password": "grace1906"}, "password"),
        ({"password": "authapp2026"}, "password"),
        ({"password": "NavyLab1906", "organization_name": "Navy Lab"}, "password"),
        ({"password": "x1" * 600}, "password"),
        ({"password": 12345678}, "password"),
        ({"first_name": "A\x00da"}, "first_name"),
        ({"first_name": "\ud800"}, "first_name"),
        ({"first_name": "Ada\r\nBcc: x"}, "first_name"),
        ({"first_name": "\u202eadA"}, "first_name"),
        ({"first_name": " "}, "first_name"),
        ({"first_name": "a" * 101}, "first_name"),
        ({"organization_name": ""}, "organization_name"),
        ({"is_active": True}, "is_active"),
        ({"role": "admin"}, "role"),
    ],
)
def test_an_invalid_registration_names_the_field(client: Caller, change: dict[str, Any], field: str) -> None:
    body = {"email": "grace@example.com", "password": PASSWORD, "first_name": "Grace", **change}
    response = client.call("POST", "/auth/register", body)
    assert response.status_code == 422
    assert list(response.get_json()["errors"]["json"]) == [field]


def test_an_invalid_registration_names_all_fields_at_once_the_password_too(client: Caller) -> None:
    body = {"email": "grace", "password": "grace12", "first_name": "", "colour": "blue"}
    response = client.call("POST", "/auth/register", body)
    assert response.status_code == 422
    errors = response.get_json()["errors"]["json"]
    assert list(errors) == ["email", "first_name", "colour", "password"]
    assert errors["password"][0] == "Use at least 8 characters."


@pytest.mark.parametrize("email", ["ada@localhost", "ada@example.test", "ada@printer.local"])
def test_addresses_of_this_machine_are_accepted_in_development_alone(
    app_with: AppWith, monkeypatch: pytest.MonkeyPatch, email: str
) -> None:
    monkeypatch.setattr(email_validator, "GLOBALLY_DELIVERABLE", True)  # so that they are put back afterwards
    monkeypatch.setattr(email_validator, "SPECIAL_USE_DOMAIN_NAMES", [*email_validator.SPECIAL_USE_DOMAIN_NAMES])
    body = {"email": email, "password": PASSWORD}
    assert app_with().test_client().post("/api/v1/auth/register", json=body).status_code == 422
    development = app_with(app_env="development").test_client()
    assert development.post("/api/v1/auth/register", json=body).status_code == 201


def test_a_reply_does_not_grow_with_made_up_names(client: Caller) -> None:
    body = {"email": "ada@example.com", "password": PASSWORD, **{f"{n}{'x' * 500}": n for n in range(100)}}
    response = client.call("POST", "/auth/register", body)
    assert response.status_code == 422
    assert len(response.data) < 5000


@pytest.mark.parametrize("body", [{"email": "x@example.com"}, {"first_name": 1}, {"last_name": ["x"]}])
def test_an_invalid_profile_change_changes_nothing(world: World, body: dict[str, Any]) -> None:
    person = world.person(first_name="Ada")
    assert person.call("PATCH", "/auth/me", body).status_code == 422
    assert person.call("GET", "/auth/me").get_json()["first_name"] == "Ada"


def test_my_audit_events_come_in_pages_newest_first(world: World) -> None:
    person = world.person("Acme")
    world.person("Other")
    first = person.call("GET", "/auth/audit-events?limit=2").get_json()
    rest = person.call("GET", f"/auth/audit-events?limit=2&cursor={first['next_cursor']}").get_json()
    actions = [event["action"] for event in first["items"] + rest["items"]]
    assert actions == ["session.started", "organization.created", "user.registered"]
    assert rest["next_cursor"] is None
    assert first["items"][0]["ip_address"] == "127.0.0.1"


LISTS = ["/auth/sessions", "/auth/audit-events", "/organizations", *(
    f"/organizations/{{id}}/{name}" for name in ("members", "invitations", "api-keys", "audit-events")
)]  # fmt: skip


@pytest.mark.parametrize("other", LISTS)
def test_a_cursor_of_another_list_is_refused(world: World, other: str) -> None:
    person = world.person("Acme")
    world.sign_in(person)
    cursor = person.call("GET", "/auth/sessions?limit=1").get_json()["next_cursor"]
    response = person.call("GET", f"{other.format(id=person.organization_id)}?cursor={cursor}")
    assert response.status_code == (200 if other == "/auth/sessions" else 422)


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=1.5", "limit=1_0", "limit=١", "cursor=x", "x=1"])
def test_an_invalid_page_is_refused(world: World, query: str) -> None:
    response = world.person().call("GET", f"/auth/audit-events?{query}")
    assert response.status_code == 422
    assert list(response.get_json()["errors"]) == ["query"]


def test_a_query_field_sent_twice_is_refused(world: World) -> None:
    assert world.person().call("GET", "/auth/audit-events?limit=1&limit=2").status_code == 422


def test_my_account_shows_at_most_100_memberships_and_says_whether_there_are_more(world: World) -> None:
    person = world.person("Acme")
    for number, truncated in ((98, False), (1, False), (1, True)):
        world.sql(
            "WITH joined AS (INSERT INTO organizations (id, name, slug) "
            "SELECT id, 'Acme', id FROM (SELECT uuidv7() AS id FROM generate_series(1, :number)) AS n RETURNING id) "
            "INSERT INTO memberships (organization_id, user_id, role) SELECT id, :person, 'admin' FROM joined",
            number=number,
            person=person.id,
        )
        me = person.call("GET", "/auth/me").get_json()
        assert me["memberships_truncated"] is truncated
    page = person.call("GET", "/organizations?limit=100").get_json()
    assert [m["organization"]["id"] for m in me["memberships"]] == [item["id"] for item in page["items"]]
    assert len(me["memberships"]) == 100
    assert page["next_cursor"]
