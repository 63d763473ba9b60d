"""Models of somebody's own: the trigger of `Timestamped`, and tables that are read across organizations."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from alembic.migration import MigrationContext
from sqlalchemy import Connection, ForeignKey, MetaData, UniqueConstraint, text
from sqlalchemy.exc import ArgumentError, ProgrammingError
from sqlalchemy.orm import Mapped, mapped_column

from authapp import Model, TenantModel, unique_within, within
from authapp.db.engine import db
from authapp.db.row_level_security import unsecured_tables
from authapp.db.tenancy import set_operator
from authapp.db.tenant_constraints import constraints_across_organizations
from authapp.models.columns import Identified, Timestamped
from authapp.services.personal_data import purge
from tests.factories import World
from tests.tenant_tables import act_in, as_application, differences, migrate, schema, tenant_table, write

OWN = MetaData(naming_convention=db.metadata.naming_convention)


class Own(Model):
    """Keeps these tables apart from those of authapp."""

    __abstract__ = True
    metadata = OWN


class OwnTenant(TenantModel):
    __abstract__ = True
    metadata = OWN


class Order(Identified, Timestamped, OwnTenant):  # a reserved word, which has to be quoted
    __tablename__ = "order"

    name: Mapped[str]
    task_id: Mapped[UUID | None] = within("tasks")

    __table_args__ = (unique_within("name"),)


class Task(Identified, Timestamped, Own):
    """A queue that a worker reads across organizations."""

    __tablename__ = "tasks"
    __tenant__ = False

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organizations.id"), index=True)
    number: Mapped[int] = mapped_column(unique=True)
    order_id: Mapped[UUID | None] = within("order", ondelete="CASCADE")


for table in db.metadata.sorted_tables:
    table.to_metadata(OWN)


def without(*names: str) -> MetaData:
    """These tables, and of `order` no column with these names."""
    metadata = MetaData(naming_convention=db.metadata.naming_convention)
    for table in OWN.sorted_tables:
        table.to_metadata(metadata)
    order = metadata.tables["order"]
    for name in names:
        order._columns.remove(order.c[name])
    return metadata


@pytest.fixture
def connection(world: World) -> Iterator[Connection]:
    with as_application(world) as connection:
        yield connection


def insert(connection: Connection, table: str, **values: object) -> UUID:
    id_ = uuid4()
    row = {"id": id_, **values}
    names = ", ".join(row)
    connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({', '.join(f':{name}' for name in row)})"), row)
    return id_


def updated_at(connection: Connection, id_: UUID) -> datetime:
    found = connection.scalar(text('SELECT updated_at FROM "order" WHERE id = :id'), {"id": id_})
    assert isinstance(found, datetime)
    return found


def test_the_trigger_of_timestamped_moves_updated_at_and_leaves_with_the_column(
    world: World, connection: Connection
) -> None:
    act_in(connection, world.person("Acme").organization_id)
    back = migrate(connection, OWN)
    order = insert(connection, '"order"', name="first", updated_at="2020-01-01T00:00:00Z")
    connection.execute(text("UPDATE \"order\" SET name = 'second'"))
    assert updated_at(connection, order).year > 2020
    again = migrate(connection, without("updated_at"))
    connection.execute(text("UPDATE \"order\" SET name = 'third'"))  # with the trigger it would fail
    again()
    assert differences(connection, OWN) == []
    back()
    assert differences(connection, schema()) == []


def test_db_check_finds_a_table_whose_trigger_is_missing_or_disabled(world: World, connection: Connection) -> None:
    migrate(connection, OWN)
    for statement in ("DISABLE TRIGGER order_touch_updated_at", None):
        if statement:
            connection.execute(text(f'ALTER TABLE "order" {statement}'))
            assert ("add_touch_trigger", "order") in differences(connection, OWN)
            connection.execute(text('DROP TRIGGER order_touch_updated_at ON "order"'))
        else:
            migrate(connection, OWN)  # writes the trigger and nothing else


def test_a_migration_has_the_trigger_as_a_literal_and_no_policy_of_a_shared_table(connection: Connection) -> None:
    upgrade, downgrade = write(MigrationContext.configure(connection), OWN)
    made = 'CREATE TRIGGER order_touch_updated_at BEFORE UPDATE ON "order" FOR EACH ROW EXECUTE FUNCTION'
    assert f"op.execute('{made} authapp_touch_updated_at()')" in upgrade
    assert "op.execute('DROP TRIGGER order_touch_updated_at ON \"order\"')" in downgrade
    assert 'CREATE POLICY order_shown ON "order" FOR SELECT' in upgrade
    assert "tasks_touch_updated_at" in upgrade
    assert "POLICY tasks" not in upgrade


def test_a_shared_table_shows_its_rows_in_every_tenant_context_and_refers_to_one_organization(
    world: World, connection: Connection
) -> None:
    mine, other = (world.person(name).organization_id for name in ("Mine", "Other"))
    migrate(connection, OWN)
    act_in(connection, mine)
    order = insert(connection, '"order"', name="one")
    insert(connection, "tasks", organization_id=mine, number=1, order_id=order)
    act_in(connection, other)
    theirs = insert(connection, "tasks", organization_id=other, number=2)
    act_in(connection, "")
    assert connection.scalars(text("SELECT number FROM tasks ORDER BY number")).all() == [1, 2]
    with pytest.raises(Exception, match="fk_tasks_organization_id_order_id"), connection.begin_nested():
        insert(connection, "tasks", organization_id=other, number=3, order_id=order)
    act_in(connection, mine)
    with pytest.raises(Exception, match="fk_order_organization_id_task_id"), connection.begin_nested():
        insert(connection, '"order"', name="two", task_id=theirs)


def test_a_table_that_becomes_shared_loses_its_policies_and_gets_them_back_with_the_downgrade(
    world: World, connection: Connection
) -> None:
    mine, other = (world.person(name).organization_id for name in ("Mine", "Other"))
    separated = schema()
    tenant_table(separated, "notes", {})
    migrate(connection, separated)
    shared = schema()
    tenant_table(shared, "notes", {})
    shared.tables["notes"].info.update(OWN.tables["tasks"].info)
    back = migrate(connection, shared)
    connection.execute(text("SELECT FROM notes"))
    insert(connection, "notes", organization_id=mine)
    back()
    assert differences(connection, separated) == []
    with pytest.raises(ProgrammingError, match="row-level security"):
        insert(connection, "notes", organization_id=other)


def test_the_constraints_of_a_shared_table_may_span_organizations_but_for_foreign_keys_of_tenant_tables() -> None:
    assert constraints_across_organizations(OWN.sorted_tables) == []
    metadata = without()
    tasks, order = metadata.tables["tasks"], metadata.tables["order"]
    bare = partial(mapped_column, name="other_id")
    tasks.append_column(bare(ForeignKey("order.id")).column)
    order.append_column(bare(ForeignKey("tasks.id")).column)
    tenant_table(metadata, "plain", {"a": partial(mapped_column, ForeignKey("tasks.id"))})
    tasks.append_constraint(UniqueConstraint("number", "other_id"))
    assert constraints_across_organizations(metadata.tables.values()) == [
        'order: foreign key (other_id) to tasks (id): write other_id = within("tasks")',
        'plain: foreign key (a) to tasks (id): write a = within("tasks")',
        'tasks: foreign key (other_id) to order (id): write other_id = within("order")',
    ]


def test_a_tenant_model_cannot_be_a_shared_table() -> None:
    with pytest.raises(ArgumentError, match=r"Label is a TenantModel.*derive it from Model, with a column"):

        class Label(Identified, OwnTenant):
            __tenant__ = False

    assert "label" not in OWN.tables


def test_the_doctor_asks_for_no_policies_of_a_shared_table(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(connection, OWN)
    monkeypatch.setattr(db, "metadatas", {None: OWN})
    assert unsecured_tables(connection) == []
    connection.execute(text('ALTER TABLE "order" NO FORCE ROW LEVEL SECURITY'))
    assert unsecured_tables(connection) == ["order"]


def test_a_purge_deletes_the_rows_of_its_organization_in_a_shared_table(world: World) -> None:
    ada, bob = world.person("Acme"), world.person("Other")
    ada.call("DELETE", f"/organizations/{ada.organization_id}")
    with world.app.app_context():
        connection = db.session.connection()
        undo = migrate(connection, OWN)
        for number, person in enumerate((ada, bob)):
            act_in(connection, person.organization_id)
            order = insert(connection, '"order"', name="one")
            insert(connection, "tasks", organization_id=person.organization_id, number=number, order_id=order)
        set_operator()
        receipt = purge.purge(UUID(ada.organization_id), force=True)
        assert receipt
        assert {name: receipt.erased[name] for name in ("tasks", "order")} == {"tasks": 1, "order": 1}
        left: Any = connection.scalars(text("SELECT organization_id::text FROM tasks")).all()
        assert left == [bob.organization_id]
        undo()
        db.session.rollback()
