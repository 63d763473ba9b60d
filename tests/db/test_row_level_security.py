"""Row-level security separates organizations where the code forgets to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import BinaryExpression, BindParameter, Column, Connection, event, text, true
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.sql import operators
from sqlalchemy.sql.visitors import replacement_traverse

from authapp.db.engine import db
from authapp.db.tenancy import ACCOUNT, CREDENTIAL, ORGANIZATION
from authapp.web.application import Application
from tests.factories import AppWith, World
from tests.tenant_tables import own_tables
from tests.workloads import RULE, trust

WITH_ORGANIZATION = (
    "SELECT table_name FROM information_schema.columns "
    "WHERE column_name = 'organization_id' AND table_schema = current_schema() AND NOT EXISTS "
    "(SELECT FROM pg_class WHERE oid = to_regclass(table_name) AND relispartition) ORDER BY 1"
)
OPEN_PARTITIONS = (
    "SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r' AND NOT "
    "(relrowsecurity AND relforcerowsecurity AND NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = pg_class.oid))"
)
SECURED = (
    "SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity AND EXISTS (SELECT FROM pg_policy "
    "WHERE polrelid = pg_class.oid AND pg_get_expr(polqual, polrelid) LIKE '%authapp_organization_id()%') ORDER BY 1"
)
TENANT_TABLES = [
    "api_keys", "audit_events", "invitations", "memberships", "organizations", "trusted_identities",
    "webhook_deliveries", "webhooks",
]  # fmt: skip
KEY = {table: "id" if table == "organizations" else "organization_id" for table in TENANT_TABLES}


class Tenant:
    """An organization in which every tenant table has rows."""

    def __init__(self, world: World, name: str) -> None:
        world.sql("DELETE FROM outbox")  # an address gets five emails an hour
        self.name, self.admin = name, world.person(name)
        self.id = self.admin.organization_id
        self.member = world.person()
        world.join(self.member, self.id, "viewer")
        path = f"/organizations/{self.id}"
        self.invitee = f"{name.lower()}-invitee@example.com"
        self.invitation = self.admin.call(
            "POST", f"{path}/invitations", {"email": self.invitee, "role": "viewer"}
        ).get_json()["id"]
        body = {"name": f"{name} key", "role": "viewer"}
        self.api_key = self.admin.call("POST", f"{path}/api-keys", body).get_json()["id"]
        webhook = self.admin.call("POST", f"{path}/webhooks", {"url": "https://example.com/", "actions": None})
        self.webhook = webhook.get_json()["id"]
        world.sql(
            "INSERT INTO webhook_deliveries (id, organization_id, webhook_id, event_id, action) "
            "SELECT uuidv7(), organization_id, :webhook, id, action FROM audit_events "
            "WHERE organization_id = :id LIMIT 1",
            webhook=self.webhook,
            id=self.id,
        )
        self.trusted_identity = trust(self.admin, name=f"{name} jobs")["id"]

    def marks(self) -> set[str]:
        """What must show in no reply to anybody else."""
        return {self.name, str(self.admin.id), str(self.member.id), self.member.email, self.admin.email, self.invitee}


@contextmanager
def as_application(world: World, **context: Any) -> Iterator[Connection]:
    """A connection of the role that the application has, with these settings, rolled back in the end."""
    with world.app.app_context(), db.engine.connect() as connection:
        for setting, value in context.items():
            name = {"organization": ORGANIZATION, "account": ACCOUNT, "credential": CREDENTIAL}[setting]
            connection.execute(text("SELECT set_config(:name, :value, true)"), {"name": name, "value": str(value)})
        yield connection
        connection.rollback()


def rows_of(world: World, table: str, organization_id: str) -> list[dict[str, Any]]:
    rows = f"SELECT to_jsonb(t) FROM {table} t WHERE {KEY[table]} = :id ORDER BY t::text"
    found = world.sql(rows, id=organization_id)
    return [row[0] for row in found]


def test_every_table_with_an_organization_has_row_level_security(world: World) -> None:
    assert {table for (table,) in world.sql(WITH_ORGANIZATION)} - secured_tables(world) == set()
    assert secured_tables(world) & own_tables() == set(TENANT_TABLES)
    world.sql("CREATE TABLE forgotten (organization_id uuid)")  # and the search finds what has none
    try:
        assert {table for (table,) in world.sql(WITH_ORGANIZATION)} - secured_tables(world) == {"forgotten"}
    finally:
        world.sql("DROP TABLE forgotten")


def test_nobody_reads_a_partition_by_its_own_name(world: World) -> None:
    acme = Tenant(world, "Acme")
    partitions = [
        name for (name,) in world.sql("SELECT relid::text FROM pg_partition_tree('audit_events') WHERE isleaf")
    ]
    assert len(partitions) >= 2
    assert world.sql(OPEN_PARTITIONS) == []
    for partition in partitions:
        with as_application(world, organization=acme.id, account=acme.admin.id) as connection:
            assert connection.execute(text(f"SELECT FROM {partition}")).rowcount == 0
            assert connection.execute(text(f"UPDATE {partition} SET action = action")).rowcount == 0
            assert connection.execute(text(f"DELETE FROM {partition}")).rowcount == 0


def secured_tables(world: World) -> set[str]:
    return {table for (table,) in world.sql(SECURED)}


def test_row_level_security_binds_the_role_of_the_application(world: World) -> None:
    with as_application(world) as connection:
        role = connection.execute(text("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"))
        assert tuple(role.one()) == (False, False)


@pytest.mark.parametrize("table", TENANT_TABLES)
def test_with_one_organization_open_everything_unfiltered_reaches_that_one_alone(world: World, table: str) -> None:
    acme, other = Tenant(world, "Acme"), Tenant(world, "Other")
    own = len(rows_of(world, table, acme.id))
    assert own >= 1
    assert rows_of(world, table, other.id)
    changeable = 0 if table == "audit_events" else own  # the audit log is only ever added to
    # also with the other organization's people and keys presented: what is open is open alone
    context = {"organization": acme.id, "account": other.admin.id, "credential": other.api_key}
    with as_application(world, **context) as connection:
        assert [str(row[0]) for row in connection.execute(text(f"SELECT {KEY[table]} FROM {table}"))] == [acme.id] * own
        assert connection.execute(text(f"UPDATE {table} SET created_at = created_at")).rowcount == changeable
    with as_application(world, **context) as connection:
        if table != "organizations":  # to which others refer
            assert connection.execute(text(f"DELETE FROM {table}")).rowcount == changeable
        else:
            assert connection.execute(text(f"DELETE FROM {table} WHERE id <> :id"), {"id": acme.id}).rowcount == 0


def insert_into(connection: Connection, table: str, row: dict[str, Any], **changes: Any) -> int:
    new = {**row, **({"id": str(uuid4())} if "id" in row else {}), **changes}
    statement = text(f"INSERT INTO {table} SELECT * FROM jsonb_populate_record(NULL::{table}, CAST(:row AS jsonb))")
    return connection.execute(statement, {"row": json.dumps(new)}).rowcount


@pytest.mark.parametrize("table", [table for table in TENANT_TABLES if table != "organizations"])
def test_nothing_is_written_into_an_organization_that_is_not_open(world: World, table: str) -> None:
    acme, other = Tenant(world, "Acme"), Tenant(world, "Other")
    row = rows_of(world, table, other.id)[0]
    with as_application(world, organization=acme.id) as connection:
        own = {"webhook_id": acme.webhook} if table == "webhook_deliveries" else {}
        assert insert_into(connection, table, row, organization_id=acme.id, **own) == 1  # the control
    newcomer = {"user_id": str(world.person().id)} if table == "memberships" else {}
    for context in ({"organization": acme.id}, {}, {"account": other.admin.id}):
        with (
            as_application(world, **context) as connection,
            pytest.raises(ProgrammingError, match="row-level security"),
        ):
            insert_into(connection, table, {**row, "email": "x@example.com"} if "email" in row else row, **newcomer)
    if table == "audit_events":
        return
    with as_application(world, organization=acme.id) as connection:  # nor moved there
        moved = text(f"UPDATE {table} SET organization_id = :other")
        with pytest.raises(ProgrammingError, match="row-level security"):
            connection.execute(moved, {"other": other.id})


@pytest.mark.parametrize("table", TENANT_TABLES)
def test_with_nothing_open_there_is_nothing(world: World, table: str) -> None:
    Tenant(world, "Acme")
    with as_application(world) as connection:
        assert connection.execute(text(f"SELECT FROM {table}")).rowcount == 0
        assert connection.execute(text(f"UPDATE {table} SET created_at = created_at")).rowcount == 0
        assert connection.execute(text(f"DELETE FROM {table}")).rowcount == 0


def test_an_account_sees_where_it_belongs_and_changes_nothing(world: World) -> None:
    acme, other = Tenant(world, "Acme"), Tenant(world, "Other")
    world.join(acme.member, other.id, "viewer")
    with as_application(world, account=acme.member.id) as connection:
        assert {str(id_) for (id_,) in connection.execute(text("SELECT id FROM organizations"))} == {acme.id, other.id}
        assert connection.execute(text("SELECT FROM memberships")).rowcount == 2
        for table in ("invitations", "api_keys", "trusted_identities"):
            assert connection.execute(text(f"SELECT FROM {table}")).rowcount == 0
        users = connection.execute(text("SELECT DISTINCT user_id FROM audit_events"))
        assert [str(id_) for (id_,) in users] == [str(acme.member.id)]
        for table in TENANT_TABLES:
            assert connection.execute(text(f"UPDATE {table} SET created_at = created_at")).rowcount == 0
            assert connection.execute(text(f"DELETE FROM {table}")).rowcount == 0


def test_what_was_open_is_closed_with_the_transaction(world: World) -> None:
    acme = Tenant(world, "Acme")
    with world.app.app_context(), db.engine.connect() as connection:
        for _ in range(2):
            assert connection.execute(text("SELECT FROM organizations")).rowcount == 0
            connection.execute(text("SELECT set_config(:name, :value, true)"), {"name": ORGANIZATION, "value": acme.id})
            assert connection.execute(text("SELECT FROM organizations")).rowcount == 1
            connection.commit()


class Forgetful:
    """An application that forgets to ask for the organization in one of its statements."""

    def __init__(self, app: Application) -> None:
        self.app, self.filtered, self.forgets = app, set[str](), ""

    @contextmanager
    def listening(self) -> Iterator[None]:
        with self.app.app_context():
            engines = list(db.engines.values())
        for engine in engines:
            event.listen(engine, "before_execute", self._forget, retval=True)
        try:
            yield
        finally:
            for engine in engines:
                event.remove(engine, "before_execute", self._forget)

    def _forget(self, connection: Any, statement: Any, multiparams: Any, params: Any, options: Any) -> Any:
        if isinstance(statement, str) or not hasattr(statement, "get_children"):
            return statement, multiparams, params
        if self.forgets and str(statement) != self.forgets:
            return statement, multiparams, params
        stripped = replacement_traverse(statement, {}, without_organization)
        if str(stripped) != str(statement):
            self.filtered.add(str(statement))
            if str(statement) == self.forgets:
                return stripped, multiparams, params
        return statement, multiparams, params


def without_organization(element: Any, **_: Any) -> Any:
    """True in place of `organization_id = :value` and `organizations.id = :value`."""
    if isinstance(element, BinaryExpression) and element.operator is operators.eq:
        column, value = element.left, element.right
        if isinstance(column, Column) and isinstance(value, BindParameter):
            of_organization = column.name == KEY.get(column.table.name, "organization_id")
            return true() if of_organization else None
    return None


def try_everything(me: Tenant, other: Tenant, my_key: Any) -> str:
    """Every call on organizations, on mine with the other's ids and on the other's. Gives all replies."""
    calls: list[tuple[str, str, Any]] = []
    for organization_id in (me.id, other.id):
        path = f"/organizations/{organization_id}"
        calls += [("GET", "/organizations", None), ("GET", path, None), ("GET", f"{path}/members", None)]
        calls += [
            ("GET", f"{path}/{things}", None)
            for things in ("invitations", "api-keys", "trusted-identities", "audit-events")
        ]
        calls += [
            ("PATCH", f"{path}/members/{other.member.id}", {"role": "admin"}),
            ("PATCH", path, {"name": "Mine now"}),
            ("POST", f"{path}/invitations", {"email": "i@example.com", "role": "viewer"}),
            ("POST", f"{path}/invitations/{other.invitation}/resend", None),
            ("DELETE", f"{path}/invitations/{other.invitation}", None),
            ("POST", f"{path}/api-keys", {"name": "k", "role": "viewer"}),
            ("POST", f"{path}/api-keys/{other.api_key}/rotate", {}),
            ("DELETE", f"{path}/api-keys/{other.api_key}", None),
            ("POST", f"{path}/trusted-identities", RULE),
            ("DELETE", f"{path}/trusted-identities/{other.trusted_identity}", None),
            ("DELETE", f"{path}/members/{other.member.id}", None),
            ("PATCH", f"{path}/members/{me.member.id}", {"role": "developer"}),
            ("DELETE", f"{path}/members/{me.member.id}", None),
        ]
    calls += [("GET", f"/organizations/{organization_id}", None) for organization_id in (me.id, other.id)]
    calls += [("DELETE", f"/organizations/{organization_id}", None) for organization_id in (other.id, me.id)]
    replies = [my_key.call("GET", f"/organizations/{id_}/members").text for id_ in (me.id, other.id)]
    return "\n".join(replies + [me.admin.call(*call).text for call in calls])


def leaks(world: World, app: Application, forgets: str = "") -> tuple[set[str], set[str]]:
    """What somebody else's admin sees and changes of an organization, and every statement that filters by it."""
    other, me = Tenant(world, "Other"), Tenant(world, "Mine")
    key = world.caller(world.api_key(me.admin, me.id, "developer"))
    for caller in (me.admin.caller, key):
        caller.application = app
    forgetful = Forgetful(app)
    forgetful.forgets = forgets
    before = {table: rows_of(world, table, other.id) for table in TENANT_TABLES}
    with forgetful.listening():
        replies = try_everything(me, other, key)
    changed = {table for table in TENANT_TABLES if rows_of(world, table, other.id) != before[table]}
    return {mark for mark in other.marks() if mark in replies} | changed, forgetful.filtered


PARTS = 6  # of the statements that filter: a test for each, which workers share


@pytest.mark.parametrize("part", range(PARTS))
def test_forgetting_the_organization_in_any_one_statement_leaks_nothing(world: World, part: int) -> None:
    leaked, filtered = leaks(world, world.app)
    assert leaked == set()
    assert len(filtered) >= 19
    for forgets in sorted(filtered)[part::PARTS]:
        assert leaks(world, world.app, forgets)[0] == set(), forgets


def test_forgetting_the_organization_in_any_one_statement_leaks_without_policies(
    world: World, app_with: AppWith
) -> None:
    """The control, without which the test above could not fail: a superuser, whom no policy binds."""
    without_policies = app_with(database_url=world.app.settings.database_url.replace("authapp@", "postgres@"))
    expected, unprotected = {"invitations", "api_keys", "trusted_identities", "organizations", "Other"}, set[str]()
    for forgets in sorted(leaks(world, world.app)[1]):
        unprotected |= leaks(world, without_policies, forgets)[0]
        if unprotected >= expected:
            return
    assert unprotected >= expected
