"""Trusted identities: which rules an admin may make, and whose."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

import pytest

from authapp.services.trusted_identities import MOST
from tests.factories import CLIENTS, UNKNOWN_ID, Person, World, all_at_once
from tests.workloads import RULE, trust

MORE = (
    "INSERT INTO trusted_identities (id, organization_id, name, issuer, claims, role, created_by) "
    "SELECT uuidv7(), :organization, 'more', 'https://gitlab.com', '{}', 'viewer', :id FROM generate_series(1, :number)"
)


def path_of(admin: Person) -> str:
    return f"/organizations/{admin.organization_id}/trusted-identities"


def test_an_admin_creates_lists_and_deletes_trusted_identities(world: World) -> None:
    admin = world.person("Acme")
    first = trust(admin)
    assert first.items() >= RULE.items()
    assert first["created_by"] == str(admin.id)
    second = trust(admin, issuer="https://gitlab.example.com", claims={"sub": "project:1", "protected": True, "n": 1})
    assert admin.call("GET", path_of(admin)).get_json() == {"items": [second, first], "next_cursor": None}
    assert admin.call("DELETE", f"{path_of(admin)}/{first['id']}").status_code == 204
    assert admin.call("GET", path_of(admin)).get_json()["items"] == [second]
    events = world.sql(
        "SELECT action, target_id::text, details FROM audit_events WHERE action LIKE 'trusted%' ORDER BY id"
    )
    assert [tuple(event) for event in events][::2] == [
        ("trusted_identity.created", first["id"], RULE),
        ("trusted_identity.deleted", first["id"], {"name": "deployments"}),
    ]


def test_the_address_of_github_is_github(world: World) -> None:
    admin = world.person("Acme")
    assert trust(admin, issuer="https://token.actions.githubusercontent.com")["issuer"] == "github"


@pytest.mark.parametrize(
    "changes",
    [
        {"claims": {"repository_owner_id": "65", "ref": "refs/heads/main"}},
        {"claims": {"repository_id": "74"}},
        {"issuer": "gitlab", "claims": {"project_id": "20", "ref": "main", "ref_type": "branch"}},
        {"issuer": "gitlab", "claims": {"namespace_id": "20", "ref_path": "refs/heads/main"}},
        {
            "issuer": "https://oidc.eks.eu-west-1.amazonaws.com/id/ABC",
            "claims": {"sub": "system:serviceaccount:ml:job"},
        },
        {"issuer": "https://auth.example.com/", "claims": {"sub": "größe 💡", "level": 3}},
    ],
)
def test_a_rule_that_names_whose_job_it_is_is_accepted(world: World, changes: dict[str, Any]) -> None:
    assert trust(world.person("Acme"), **changes).items() >= changes.items()


REPOSITORY = {"repository_id": "74"}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"claims": {}}, "1 to 20 claims"),
        ({"claims": ["repository_id"]}, "1 to 20 claims"),
        ({"claims": {f"c{n}": "x" for n in range(21)}}, "1 to 20 claims"),
        ({"claims": {**REPOSITORY, "aud": "x"}}, "aud: This is no condition"),
        ({"claims": {**REPOSITORY, "jti": "x"}}, "jti: This is no condition"),
        ({"claims": {**REPOSITORY, "a b": "x"}}, "no space"),
        ({"claims": {**REPOSITORY, "": "x"}}, "no space"),
        ({"claims": {**REPOSITORY, "n" * 101: "x"}}, "no space"),
        ({"claims": {**REPOSITORY, "ref": "refs/heads/*"}}, "no wildcards"),
        ({"claims": {**REPOSITORY, "ref": ""}}, "one line"),
        ({"claims": {**REPOSITORY, "ref": "x" * 501}}, "one line"),
        ({"claims": {**REPOSITORY, "ref": "a\nb"}}, "one line"),
        ({"claims": {**REPOSITORY, "ref": "\ud800"}}, "one line"),
        ({"claims": {**REPOSITORY, "ref": None}}, "one line"),
        ({"claims": {**REPOSITORY, "ref": 1.5}}, "one line"),
        ({"claims": {**REPOSITORY, "ref": 2**60}}, "one line"),
        ({"claims": {**REPOSITORY, "ref": {"sub": "x"}}}, "one line"),
        ({"claims": {**REPOSITORY, "event_name": "pull_request_target"}}, "never accepted"),
        ({"claims": {"repository": "octo/models"}}, "repository_id or repository_owner_id"),
        ({"claims": {"sub": "repo:octo/models:ref:refs/heads/main"}}, "repository_id or repository_owner_id"),
        (
            {"issuer": "https://token.actions.githubusercontent.com/octo", "claims": {"repository": "octo/models"}},
            "repository_id or repository_owner_id",
        ),
        ({"claims": {"repository_id": 74}}, "number in quotes"),
        ({"claims": {"repository_id": "octo"}}, "number in quotes"),
        ({"claims": {"repository_owner_id": "65"}}, "lets every job in"),
        ({"claims": {"repository_owner_id": "65", "event_name": "push"}}, "lets every job in"),
        ({"issuer": "gitlab", "claims": {"project_path": "a/b"}}, "project_id or namespace_id"),
        ({"issuer": "gitlab", "claims": {"namespace_id": "1"}}, "lets every job in"),
        ({"issuer": "gitlab", "claims": {"project_id": "1", "ref": "main"}}, "ref_type"),
        ({"issuer": "https://auth.example.com", "claims": {"email_verified": True}}, "whose job it is"),
    ],
)
def test_a_rule_that_would_let_others_in_is_refused_with_a_sentence(
    world: World, changes: dict[str, Any], sentence: str
) -> None:
    admin = world.person("Acme")
    refused = admin.call("POST", path_of(admin), {**RULE, **changes})
    assert refused.status_code == 422
    assert sentence in str(refused.get_json()["errors"]["json"]["claims"])


@pytest.mark.parametrize(
    "changes",
    [
        {"role": "admin"},
        {"name": ""},
        {"name": "x" * 101},
        *[
            {"issuer": issuer}
            for issuer in (
                None, 1, "", "GitHub", "bitbucket", "http://auth.example.com", "https://", "https://a b.example.com",
                "https://u:p@example.com", "https://example.com?x=1", "https://example.com#x", "https://EXAMPLE.com",
                "https://[::1]", "https://example.com/" + "x" * 300, "https://example.com/\x00",
            )
        ],
        {"audience": "mine"},
    ],
)  # fmt: skip
def test_what_is_no_trusted_identity(world: World, changes: dict[str, Any]) -> None:
    admin = world.person("Acme")
    assert admin.call("POST", path_of(admin), {**RULE, **changes}).status_code == 422
    assert admin.call("GET", path_of(admin)).get_json()["items"] == []


@pytest.mark.parametrize("who", ["developer", "stranger"])
def test_only_admins_of_the_organization_see_and_change_its_trusted_identities(world: World, who: str) -> None:
    admin, developer, stranger = world.person("Acme"), world.person(), world.person("Other")
    world.join(developer, admin.organization_id, "developer")
    made = trust(admin)
    caller, code = {"developer": (developer, "role_too_low"), "stranger": (stranger, "not_a_member")}[who]
    for method, path, body in (
        ("GET", path_of(admin), None),
        ("POST", path_of(admin), RULE),
        ("DELETE", f"{path_of(admin)}/{made['id']}", None),
    ):
        refused = caller.call(method, path, body)
        assert (refused.status_code, refused.get_json()["code"]) == (403, code)
    assert admin.call("GET", path_of(admin)).get_json()["items"] == [made]


def test_a_trusted_identity_of_another_organization_is_not_found(world: World) -> None:
    admin, other = world.person("Acme"), world.person("Other")
    foreign = trust(other)
    for trusted_identity_id in (foreign["id"], UNKNOWN_ID):
        refused = admin.call("DELETE", f"{path_of(admin)}/{trusted_identity_id}")
        assert (refused.status_code, refused.get_json()["code"]) == (404, "trusted_identity_not_found")
    assert other.call("GET", path_of(other)).get_json()["items"] == [foreign]


def test_of_simultaneous_requests_only_as_many_create_one_as_the_limit_leaves(world: World) -> None:
    admin = world.person("Acme")
    admins = [admin] + [world.person() for _ in range(CLIENTS - 1)]
    for other in admins[1:]:
        world.join(other, admin.organization_id, "admin")
    world.sql(MORE, organization=admin.organization_id, id=admin.id, number=MOST - 2)

    def create(person: Person) -> tuple[int, str | None]:
        while (response := person.call("POST", path_of(admin), RULE)).status_code == 503:
            pass  # too many wait for one lock at the moment: a client tries again
        return response.status_code, response.get_json().get("code")

    answers = Counter(all_at_once([partial(create, person) for person in admins]))
    assert answers == {(201, None): 2, (409, "limit_reached"): CLIENTS - 2}


def test_one_of_simultaneous_requests_deletes_it(world: World) -> None:
    admin = world.person("Acme")
    path = f"{path_of(admin)}/{trust(admin)['id']}"
    answers = Counter(all_at_once([lambda: admin.call("DELETE", path).status_code] * CLIENTS))
    assert answers[204] == 1
    assert answers.keys() <= {204, 404, 503}
