"""Row-level security in the contexts of migration 0004: all organizations of an account, and what it has founded."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from authapp.db import transaction
from authapp.db.tenancy import set_account, set_operator, set_tenant
from tests.db.test_row_level_security import Tenant
from tests.factories import Person, World

EVENT = "INSERT INTO audit_events (id, action, organization_id) VALUES (:id, 'a.b', :organization)"
INVITATION = (
    "INSERT INTO invitations (id, organization_id, email, role, invited_by, expires_at) "
    "VALUES (uuidv7(), :organization, 'friend@example.com', 'viewer', :sender, now() + interval '1 day')"
)


class Scene:
    """A member of two organizations, and a third one, who has sent an invitation in one of these and in the third."""

    def __init__(self, world: World) -> None:
        self.world, self.member = world, world.person()
        self.tenants = [Tenant(world, name) for name in ("One", "Two", "Foreign")]
        self.one, self.two, self.foreign = (tenant.id for tenant in self.tenants)
        for organization_id in (self.one, self.two):
            world.join(self.member, organization_id, "viewer")
        for organization_id in (self.one, self.foreign):
            world.sql(INVITATION, organization=organization_id, sender=self.member.id)

    def run(self, statement: str, person: Person | None = None, *, many: bool = True, **parameters: Any) -> Any:
        """Run a statement in the context of an account, and undo it."""
        with self.world.app.app_context():
            set_account((person or self.member).id, all_organizations=many)
            try:
                result = transaction.connection().execute(text(statement), parameters)
                return [tuple(row) for row in result] if result.returns_rows else result.rowcount
            finally:
                transaction.rollback()


@pytest.mark.parametrize("table", ["organizations", "memberships"])
def test_all_organizations_of_an_account_show_its_tenants_rows_and_no_others(world: World, table: str) -> None:
    scene = Scene(world)
    column = "id" if table == "organizations" else "organization_id"
    shown = scene.run(f"SELECT {column}, count(*) FROM {table} GROUP BY 1")
    members = {"organizations": 1, "memberships": 3}[table]
    assert sorted(shown) == sorted((UUID(id_), members) for id_ in (scene.one, scene.two))
    without = scene.run(f"SELECT {column} FROM {table}", many=False)
    assert len(without) == 2


def test_all_organizations_of_an_account_show_the_invitations_that_it_has_sent_and_no_others(world: World) -> None:
    scene = Scene(world)
    sent = "SELECT organization_id, invited_by FROM invitations ORDER BY 1"
    assert scene.run(sent) == [(UUID(id_), scene.member.id) for id_ in sorted((scene.one, scene.foreign))]
    assert scene.run(sent, many=False) == []


@pytest.mark.parametrize(
    ("statement", "reached"),
    [
        ("UPDATE organizations SET name = name", 2),
        ("UPDATE invitations SET status = status", 2),
        ("DELETE FROM memberships", 2),
        ("UPDATE memberships SET role = role", 0),
        ("UPDATE api_keys SET name = name", 0),
        ("DELETE FROM invitations", 0),
        ("DELETE FROM organizations", 0),
        ("UPDATE audit_events SET action = action", 0),
    ],
)
def test_all_organizations_of_an_account_are_changed_only_as_leaving_them_needs(
    world: World, statement: str, reached: int
) -> None:
    scene = Scene(world)
    assert scene.run(statement) == reached
    assert scene.run(statement, many=False) == 0


def test_all_organizations_of_an_account_take_events_and_others_do_not(world: World) -> None:
    scene = Scene(world)
    assert scene.run(EVENT, id=uuid4(), organization=scene.two) == 1
    for organization, many in ((scene.foreign, True), (scene.two, False)):
        with pytest.raises(ProgrammingError, match="row-level security"):
            scene.run(EVENT, many=many, id=uuid4(), organization=organization)


def test_one_organization_that_is_open_goes_before_all_of_the_account(world: World) -> None:
    scene = Scene(world)
    with world.app.app_context():
        set_account(scene.member.id, all_organizations=True)
        set_tenant(UUID(scene.one))
        for table in ("organizations", "memberships", "invitations"):
            column = "id" if table == "organizations" else "organization_id"
            rows = transaction.execute(text(f"SELECT DISTINCT {column} FROM {table}"))
            assert [str(row[0]) for row in rows] == [scene.one]
        with pytest.raises(ProgrammingError, match="row-level security"):
            transaction.connection().execute(text(EVENT), {"id": uuid4(), "organization": scene.two})
        transaction.rollback()


def test_the_context_of_all_organizations_ends_with_the_transaction_and_with_another_account(world: World) -> None:
    scene = Scene(world)
    count = text("SELECT count(*) FROM memberships")
    with world.app.app_context():
        set_account(scene.member.id, all_organizations=True)
        assert transaction.scalar(count) == 6
        set_account(scene.tenants[2].admin.id)
        assert transaction.scalar(count) == 1
        set_account(scene.member.id, all_organizations=True)
        transaction.commit()
        assert transaction.scalar(count) == 0
        transaction.rollback()


def test_a_founder_sees_that_the_organization_exists_after_leaving_it_and_nothing_in_it(world: World) -> None:
    founder, other = world.person("Acme"), world.person()
    world.join(other, founder.organization_id, "admin")
    members = f"/organizations/{founder.organization_id}/members"
    assert founder.call("DELETE", f"{members}/{founder.id}").status_code == 204
    scene = Scene(world)
    for many in (True, False):
        shown = scene.run("SELECT id FROM organizations", founder, many=many)
        assert shown == [(UUID(founder.organization_id),)]
        for table in ("memberships", "invitations"):
            assert scene.run(f"SELECT FROM {table}", founder, many=many) == []
        assert scene.run("UPDATE organizations SET name = name", founder, many=many) == 0
    assert founder.call("GET", "/organizations").get_json()["items"] == []


def test_an_operator_sees_the_rows_of_all_organizations(world: World) -> None:
    scene = Scene(world)
    with world.app.app_context():
        tables = {"organizations": "id"} | dict.fromkeys(
            ("memberships", "invitations", "api_keys", "audit_events"), "organization_id"
        )
        statements = {table: text(f"SELECT count(DISTINCT {column}) FROM {table}") for table, column in tables.items()}
        set_tenant(UUID(scene.one))
        assert {table: transaction.scalar(statement) for table, statement in statements.items()} == dict.fromkeys(
            tables, 1
        )
        set_operator()
        assert {table: transaction.scalar(statement) for table, statement in statements.items()} == dict.fromkeys(
            tables, 3
        )
        transaction.rollback()
        assert transaction.scalar(statements["organizations"]) == 0
        transaction.rollback()
