"""`flask db migrate` with foreign keys between tenant tables: its migrations run as written, up, down and up again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

import pytest
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Integer, Text, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import mapped_column

from authapp.db.tenant_model import within
from tests.factories import World
from tests.tenant_tables import (
    Columns,
    a_text,
    a_uuid,
    act_in,
    as_application,
    differences,
    migrate,
    refers,
    schema,
    write,
)

Tables = dict[str, Columns]

an_integer = {"id": partial(mapped_column, type_=Integer, primary_key=True)}
# experiments sorts before models, runs after
MODELS: Tables = {"models": {}}
NAMED: Tables = {"models": {"name": a_text}}
UNCONNECTED: Tables = {"experiments": {"model_id": a_uuid}, "models": {}, "runs": {"model_id": a_uuid}}
CONNECTED: Tables = {name: {"model_id": partial(refers, "models")} for name in ("experiments", "runs")} | MODELS
CASCADING: Tables = {**CONNECTED, "runs": {"model_id": partial(refers, "models", ondelete="CASCADE")}}
EMPTYING: Tables = {**CONNECTED, "runs": {"model_id": partial(refers, "models", ondelete="SET NULL")}}
ITSELF: Tables = {"models": {"group": partial(refers, "models", ondelete="SET NULL")}}
APART: Tables = {"models": {}, "versions": {}}
EACH_OTHER: Tables = {
    "models": {"version_id": partial(refers, "versions")},
    "versions": {"model_id": partial(refers, "models")},
}


@pytest.fixture
def connection(world: World) -> Iterator[Connection]:
    with as_application(world) as connection:
        yield connection


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, CONNECTED),
        (MODELS, CONNECTED),
        (UNCONNECTED, CONNECTED),
        (CONNECTED, UNCONNECTED),
        (CONNECTED, MODELS),
        (CONNECTED, {}),
        (CONNECTED, CASCADING),
        (CASCADING, EMPTYING),
        ({}, EMPTYING),
        ({}, ITSELF),
        (MODELS, ITSELF),
        ({}, EACH_OTHER),
        (APART, EACH_OTHER),
        (EACH_OTHER, APART),
        (EACH_OTHER, {}),
        ({}, {"models": an_integer, "runs": {"model_id": partial(within, "models", type_=Integer)}}),
        (
            {"models": {"name": a_text}},
            {"models": {"name": a_text}, "runs": {"model": partial(within, "models.name", type_=Text)}},
        ),
    ],
)
def test_a_migration_runs_as_written(connection: Connection, before: Tables, after: Tables) -> None:
    migrate(connection, schema(**before))
    downgrade = migrate(connection, schema(**after))
    downgrade()
    assert differences(connection, schema(**before)) == []
    migrate(connection, schema(**after))


def test_the_foreign_keys_of_a_new_table_are_written_in_order(connection: Connection) -> None:
    upgrade, _ = write(
        MigrationContext.configure(connection),
        schema(models={}, runs={f"model_{name}": partial(refers, "models") for name in "edcba"}),
    )
    names = re.findall(r"op.create_foreign_key\(op.f\('(\w+)'", upgrade)
    assert names == sorted(names)
    assert len(names) == 7
    assert "use_alter" not in upgrade


@pytest.mark.parametrize(("owner", "is_taken"), [(0, True), (1, False)])
def test_a_new_foreign_key_is_checked_against_the_rows_that_are_there(
    world: World, connection: Connection, owner: int, is_taken: bool
) -> None:
    organizations = [world.person(name).organization_id for name in ("Mine", "Other")]
    migrate(connection, schema(**UNCONNECTED))
    act_in(connection, organizations[owner])
    model = connection.scalar(text("INSERT INTO models (id) VALUES (gen_random_uuid()) RETURNING id"))
    act_in(connection, organizations[0])
    connection.execute(text("INSERT INTO runs (id, model_id) VALUES (gen_random_uuid(), :model)"), {"model": model})
    act_in(connection, "")  # as in a migration
    if is_taken:
        migrate(connection, schema(**CONNECTED))
        forced = connection.scalars(text("SELECT relname FROM pg_class WHERE relforcerowsecurity"))
        assert {"runs", "models"} <= set(forced)
    else:
        with pytest.raises(IntegrityError, match="fk_runs_organization_id_model_id"):
            migrate(connection, schema(**CONNECTED))
