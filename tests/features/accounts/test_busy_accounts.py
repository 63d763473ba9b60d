"""An account with many sessions or organizations: a few statements for all of them, and one event with their number."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from authapp.cli.lookup import lock_account
from authapp.db import transaction
from authapp.services import accounts
from tests.factories import PASSWORD, Person, World, all_at_once, statements
from tests.plans import plans

MANY = 300
ENDED = "SELECT target_id, user_id, actor_id, details FROM audit_events WHERE action = 'session.ended'"
SESSIONS = (
    "INSERT INTO sessions (id, user_id, refresh_id, authenticated_at, amr, last_used_at, expires_at, ends_at_latest) "
    "SELECT uuidv7(), :id, uuidv7(), now(), '{pwd}', now(), now() + interval '1 day', now() + interval '1 day' "
    "FROM generate_series(1, :number)"
)
INVITATIONS = (
    "INSERT INTO invitations (id, organization_id, email, role, invited_by, expires_at) "
    "SELECT uuidv7(), :organization, n || '@example.com', 'viewer', :id, now() + interval '1 day' "
    "FROM generate_series(1, :number) AS n"
)
ORGANIZATIONS = (
    "WITH founded AS (INSERT INTO organizations (id, name, slug) "
    "SELECT uuidv7(), :name, :name || n FROM generate_series(1, :number) AS n RETURNING id) "
    "INSERT INTO memberships (organization_id, user_id, role) "
    "SELECT founded.id, m.id, m.role FROM founded, "
    "unnest(CAST(:members AS uuid[]), CAST(:roles AS text[])) AS m (id, role) RETURNING organization_id"
)


def organizations(world: World, name: str, number: int, **roles: Person) -> set[str]:
    """So many organizations with a member of each of these roles: `admin`, `other_admin`, `viewer`, `developer`."""
    members = {"members": [str(person.id) for person in roles.values()]}
    rows = world.sql(
        ORGANIZATIONS, name=name, number=number, roles=[role.removeprefix("other_") for role in roles], **members
    )
    return {str(row.organization_id) for row in rows}


@contextmanager
def without_triggers(world: World) -> Iterator[None]:
    """Only what the service itself sees to."""
    tables = ("memberships", "users")
    for table in tables:
        world.sql(f"ALTER TABLE {table} DISABLE TRIGGER {table}_keep_an_admin")
    try:
        yield
    finally:
        for table in tables:
            world.sql(f"ALTER TABLE {table} ENABLE TRIGGER {table}_keep_an_admin")


@pytest.mark.parametrize(
    ("method", "path", "body", "reason", "ended"),
    [
        ("POST", "/auth/logout", {"everywhere": True}, "logout", MANY + 1),
        ("DELETE", "/auth/sessions", None, "revoked", MANY),
    ],
)
def test_many_sessions_are_signed_out_in_one_statement_with_one_event(
    world: World, method: str, path: str, body: dict[str, Any] | None, reason: str, ended: int
) -> None:
    person, stranger = world.person(), world.person()
    world.sql(SESSIONS, id=person.id, number=MANY)
    with statements(world.app) as sent:
        assert person.call(method, path, body).status_code == 204
    assert sent == ["select", "with", "insert"]  # the second ends sessions and tells other services
    [event] = world.sql(ENDED)
    assert tuple(event) == (None, person.id, person.id, {"reason": reason, "count": ended})
    assert len(world.sql("SELECT FROM sessions WHERE ended_at IS NOT NULL")) == ended
    assert stranger.call("GET", "/auth/me").status_code == 200


@pytest.mark.parametrize("path", ["/auth/sessions", "/auth/sessions/{id}", "/auth/logout"])
def test_one_session_that_ends_is_named_in_its_event(world: World, path: str) -> None:
    person = world.person()
    elsewhere = world.sign_in(person)
    current, other = [row.id for row in world.sql("SELECT id FROM sessions ORDER BY id DESC")]
    method, session_id = ("POST", current) if path == "/auth/logout" else ("DELETE", other)
    assert elsewhere.call(method, path.format(id=other)).status_code == 204
    [event] = world.sql(ENDED)
    assert (event.target_id, event.details["count"]) == (session_id, 1)


def test_an_account_leaves_many_organizations_in_as_many_statements_as_one(world: World) -> None:
    person, other, viewer = world.person(), world.person(), world.person()
    alone = organizations(world, "alone", MANY, admin=person)
    shared = organizations(world, "shared", MANY, admin=person, other_admin=other)
    joined = organizations(world, "joined", MANY, viewer=person, admin=other)
    for organization_id in [min(alone), min(shared), organizations(world, "theirs", 1, admin=viewer).pop()]:
        world.sql(
            "INSERT INTO invitations (id, organization_id, email, role, invited_by, expires_at) "
            "SELECT uuidv7(), :organization, u.email, 'viewer', u.id, now() + interval '1 day' FROM users AS u",
            organization=organization_id,
        )
    with statements(world.app) as sent:
        assert person.call("DELETE", "/auth/me", {"password": PASSWORD}).status_code == 204
    assert len(sent) <= 30
    assert {str(row.id) for row in world.sql("SELECT id FROM organizations WHERE deleted_at IS NOT NULL")} == alone
    assert world.sql("SELECT FROM memberships WHERE user_id = :id", id=person.id) == []
    assert len(world.sql("SELECT FROM memberships WHERE user_id = :id", id=other.id)) == 2 * MANY
    revoked = world.sql("SELECT invited_by, count(*) FROM invitations WHERE status = 'revoked' GROUP BY 1")
    assert [tuple(row) for row in revoked] == [(person.id, 3)]  # its own, wherever they are
    left = world.sql("SELECT * FROM audit_events WHERE action = 'member.left'")
    assert {str(row.organization_id) for row in left} == shared | joined
    assert len(left) == len({row.id for row in left}) == 2 * MANY
    assert {(row.target_id, row.user_id, row.actor_id) for row in left} == {(person.id,) * 3}
    deleted = world.sql("SELECT target_id, organization_id FROM audit_events WHERE action = 'organization.deleted'")
    assert {str(row.organization_id) for row in deleted} == {str(row.target_id) for row in deleted} == alone
    seen = other.call("GET", f"/organizations/{min(shared)}/audit-events").get_json()["items"]
    assert [(event["action"], event["target_id"]) for event in seen] == [("member.left", str(person.id))]


def test_no_function_is_called_for_each_invitation_of_an_account_that_leaves(world: World) -> None:
    person = world.person()
    world.sql(
        INVITATIONS, id=person.id, organization=organizations(world, "shared", 1, admin=person).pop(), number=MANY
    )
    with plans(world.app) as found:
        assert person.call("DELETE", "/auth/me", {"password": PASSWORD}).status_code == 204
    [revoked] = [plan for plan in found if plan.statement.startswith("WITH revoked")]
    assert "authapp.all_organizations" in revoked.text  # of its policies
    assert "authapp_account_belongs_to" not in revoked.text
    assert world.sql("SELECT DISTINCT status FROM invitations") == [("revoked",)]


def test_the_last_admin_of_one_among_many_organizations_is_refused_and_the_organization_named(world: World) -> None:
    person, other = world.person(), world.person()
    organizations(world, "alone", 5, admin=person)
    organizations(world, "shared", 5, admin=person, other_admin=other)
    organizations(world, "joined", 5, viewer=person, admin=other)
    [last] = organizations(world, "last", 1, admin=person, developer=other)
    before = world.sql("SELECT count(*) FROM organizations WHERE deleted_at IS NULL")
    refused = person.call("DELETE", "/auth/me", {"password": PASSWORD})
    assert (refused.status_code, refused.get_json()["code"]) == (409, "last_admin")
    assert last in refused.get_json()["detail"]
    assert world.sql("SELECT count(*) FROM organizations WHERE deleted_at IS NULL") == before
    assert person.call("GET", "/auth/me").status_code == 200


def test_an_account_is_deactivated_in_a_few_statements_and_suspends_what_it_has_administered_alone(
    world: World,
) -> None:
    person, other = world.person(), world.person()
    organizations(world, "shared", MANY, admin=person, other_admin=other)
    organizations(world, "joined", MANY, viewer=person, admin=other)
    alone = organizations(world, "alone", MANY, admin=person, viewer=other)
    with statements(world.app) as sent, world.app.app_context():
        suspended = accounts.deactivate(lock_account(person.email))
        transaction.commit()
    assert len(sent) <= 22
    assert {str(each.id) for each in suspended} == alone
    assert person.call("GET", "/auth/me").status_code == 401
    recorded = world.sql("SELECT organization_id, target_id FROM audit_events WHERE action LIKE '%.suspended'")
    assert {str(event.organization_id) for event in recorded} == {str(event.target_id) for event in recorded} == alone
    with statements(world.app) as sent, world.app.app_context():
        restored = accounts.activate(lock_account(person.email))
        transaction.commit()
    assert len(sent) <= 8
    assert {str(each.id) for each in restored} == alone


def test_two_admins_of_many_organizations_who_delete_their_accounts_at_once_leave_each_of_them_one(
    world: World,
) -> None:
    def delete(person: Person) -> int:
        answer = person.call("DELETE", "/auth/me", {"password": PASSWORD})
        assert answer.status_code == 204 or answer.get_json()["code"] == "last_admin", answer.text
        return answer.status_code

    with without_triggers(world):
        for round_ in range(5):
            one, two, viewer = world.person(), world.person(), world.person()
            organizations(world, f"pair-{round_}-", 40, admin=one, other_admin=two, viewer=viewer)
            assert sorted(all_at_once([partial(delete, one), partial(delete, two)])) == [204, 409]
