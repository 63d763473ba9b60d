"""Foreign keys and unique constraints of tenant tables stay inside the organization, past row-level security."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import psycopg2
import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from click import ClickException
from sqlalchemy import Connection, ForeignKey, MetaData, Text, UniqueConstraint, text
from sqlalchemy.exc import IntegrityError, ProgrammingError
from sqlalchemy.orm import mapped_column

from authapp.db.row_level_security import enable_rls
from authapp.db.tenant_model import unique_within, within
from tests.factories import World
from tests.tenant_tables import a_text, act_in, as_application, migrate, refers, schema, tenant_table

# What PostgreSQL holds, whoever made it: foreign keys to tenant tables, unique indexes and exclusion constraints of
# tenant tables, all without organization_id; but for a primary key that the server generates.
ACROSS_ORGANIZATIONS = """
WITH tenant AS (
    SELECT attrelid AS id, attnum AS organization FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE attname = 'organization_id' AND NOT attisdropped AND relkind IN ('r', 'p')
), generated AS (
    SELECT attrelid AS id, attnum AS key FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attidentity <> '' OR pg_get_expr(adbin, adrelid) LIKE 'nextval(%' OR (
        atttypid = 'uuid'::regtype
        AND NOT EXISTS (SELECT FROM pg_constraint WHERE contype = 'f' AND conrelid = attrelid AND attnum = ANY (conkey))
    )
)
SELECT conname FROM pg_constraint
JOIN tenant referred ON referred.id = confrelid LEFT JOIN tenant ON tenant.id = conrelid
WHERE NOT EXISTS (
    SELECT FROM unnest(conkey, confkey) AS pair (own, other)
    WHERE other = referred.organization AND own = coalesce(tenant.organization, own)
)
UNION ALL
SELECT relname FROM pg_index JOIN tenant ON tenant.id = indrelid JOIN pg_class ON pg_class.oid = indexrelid
WHERE (indisunique OR indisexclusion) AND organization <> ALL (indkey[0:indnkeyatts - 1]) AND NOT (
    indisprimary AND indnkeyatts = 1 AND EXISTS (SELECT FROM generated WHERE id = indrelid AND key = indkey[0])
)
"""
TABLE = "CREATE TABLE models (id uuid PRIMARY KEY, organization_id uuid, name text, UNIQUE (organization_id, id))"


@pytest.fixture
def connection(world: World) -> Iterator[Connection]:
    with as_application(world) as connection:
        yield connection


def test_no_constraint_in_the_database_reaches_across_organizations(connection: Connection) -> None:
    assert connection.scalars(text(ACROSS_ORGANIZATIONS)).all() == []


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("CREATE TABLE a (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, organization_id uuid)", ""),
        ("CREATE TABLE a (id bigserial PRIMARY KEY, organization_id uuid)", ""),
        ("CREATE TABLE a (id uuid PRIMARY KEY REFERENCES users, organization_id uuid)", "a_pkey"),
        ("CREATE TABLE a (id int PRIMARY KEY, organization_id uuid)", "a_pkey"),
        ("CREATE TABLE a (id uuid, name text, organization_id uuid, PRIMARY KEY (id, name))", "a_pkey"),
        ("CREATE TABLE a (id uuid, organization_id uuid, PRIMARY KEY (id, organization_id))", ""),
        ("ALTER TABLE models ADD UNIQUE (organization_id, name)", ""),
        ("ALTER TABLE models ADD UNIQUE (name)", "models_name_key"),
        ("ALTER TABLE models ADD number uuid UNIQUE", "models_number_key"),
        ("CREATE UNIQUE INDEX i ON models (name) INCLUDE (organization_id)", "i"),
        ("CREATE UNIQUE INDEX i ON models (lower(name)) WHERE name > 'm'", "i"),
        ("CREATE INDEX i ON models (name)", ""),
        ("CREATE TABLE a (span tsrange, organization_id uuid, EXCLUDE USING gist (span WITH &&))", "a_span_excl"),
        ("CREATE TABLE a (model_id uuid REFERENCES models)", "a_model_id_fkey"),
        ("CREATE TABLE a (model_id uuid REFERENCES models, organization_id uuid)", "a_model_id_fkey"),
        (
            "CREATE TABLE a (organization_id uuid, b uuid, CONSTRAINT f FOREIGN KEY (b, organization_id) "
            "REFERENCES models (organization_id, id))",
            "f",
        ),
        (
            "CREATE TABLE a (organization_id uuid, b uuid, FOREIGN KEY (b, organization_id) "
            "REFERENCES models (id, organization_id))",
            "",
        ),
        ("CREATE TABLE a (b uuid, c uuid, FOREIGN KEY (b, c) REFERENCES models (organization_id, id))", ""),
        ("CREATE TABLE a (organization_id uuid REFERENCES organizations, user_id uuid REFERENCES users)", ""),
    ],
)
def test_the_search_finds_constraints_across_organizations(connection: Connection, statement: str, found: str) -> None:
    connection.execute(text(TABLE))
    connection.execute(text(statement))
    assert connection.scalars(text(ACROSS_ORGANIZATIONS)).all() == ([found] if found else [])


@pytest.fixture
def organizations(world: World) -> tuple[str, str]:
    return world.person("Mine").organization_id, world.person("Other").organization_id


def closed() -> MetaData:
    metadata = schema()
    tenant_table(metadata, "models", {"name": a_text}, unique_within("name"))
    by_id = partial(refers, "models", ondelete="CASCADE")
    by_name = partial(within, "models.name", type_=Text, ondelete="SET NULL")
    tenant_table(metadata, "runs", {"model_id": by_id, "model": by_name})
    return metadata


def insert(connection: Connection, table: str, **values: object) -> UUID:
    id_ = uuid4()
    row = {"id": id_, **values}
    connection.execute(
        text(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(f':{name}' for name in row)})"), row
    )
    return id_


def violation(connection: Connection, table: str, **values: object) -> list[str]:
    """All that PostgreSQL answers to the insertion of a row, without the values that the caller knows."""
    with pytest.raises(IntegrityError) as error, connection.begin_nested():
        insert(connection, table, **values)
    assert isinstance(error.value.orig, psycopg2.Error)
    told = error.value.orig.diag
    answer = [told.sqlstate, told.constraint_name, told.message_primary, told.message_detail]
    return [re.sub("|".join(str(value) for value in values.values()), "value", str(part)) for part in answer]


def rows(connection: Connection, table: str, columns: str = "id") -> list[tuple[Any, ...]]:
    return [tuple(row) for row in connection.execute(text(f"SELECT {columns} FROM {table}"))]


@pytest.mark.parametrize("column", ["model_id", "model"])
def test_a_row_of_another_organization_is_refused_like_one_that_does_not_exist(
    connection: Connection, organizations: tuple[str, str], column: str
) -> None:
    mine, other = organizations
    migrate(connection, closed())
    act_in(connection, other)
    model = insert(connection, "models", name="churn")
    value, unknown = (model, uuid4()) if column == "model_id" else ("churn", "fraud")
    act_in(connection, mine)
    assert violation(connection, "runs", **{column: value}) == violation(connection, "runs", **{column: unknown})
    assert insert(connection, "runs", model_id=None, model=None)
    act_in(connection, other)
    assert insert(connection, "runs", **{column: value})


def test_two_organizations_use_the_same_value_and_one_of_them_deletes_its_row(
    connection: Connection, organizations: tuple[str, str]
) -> None:
    migrate(connection, closed())
    for organization_id in organizations:
        act_in(connection, organization_id)
        model = insert(connection, "models", name="churn")
        assert violation(connection, "models", name="churn")[1] == "uq_models_organization_id_name"
        insert(connection, "runs", model_id=model, model="churn")
    connection.execute(text("DELETE FROM models"))
    assert rows(connection, "runs") == []
    act_in(connection, organizations[0])
    assert rows(connection, "models", "name") == [("churn",)]
    assert rows(connection, "runs", "model") == [("churn",)]


def test_a_deleted_row_empties_the_column_that_referred_to_it_and_no_other(
    connection: Connection, organizations: tuple[str, str]
) -> None:
    migrate(connection, closed())
    act_in(connection, organizations[0])
    insert(connection, "models", name="churn")
    insert(connection, "runs", model="churn")
    connection.execute(text("DELETE FROM models"))
    assert rows(connection, "runs", "model, organization_id::text") == [(None, organizations[0])]


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO models (id, organization_id) VALUES (gen_random_uuid(), :other)",
        "UPDATE models SET organization_id = :other",
    ],
)
def test_row_level_security_of_a_tenant_table_takes_no_row_for_another_organization(
    connection: Connection, organizations: tuple[str, str], statement: str
) -> None:
    migrate(connection, closed())
    act_in(connection, organizations[0])
    insert(connection, "models", name="churn")
    with pytest.raises(ProgrammingError, match="row-level security"):
        connection.execute(text(statement), {"other": organizations[1]})


def test_without_organization_id_all_of_this_reaches_across_and_is_refused(
    connection: Connection, organizations: tuple[str, str]
) -> None:
    metadata = schema(runs={"model_id": partial(mapped_column, ForeignKey("models.id", ondelete="CASCADE"))})
    tenant_table(metadata, "models", {"name": a_text}, UniqueConstraint("name"))
    metadata.create_all(connection)
    with Operations.context(MigrationContext.configure(connection)):
        for statement in (*enable_rls("models"), *enable_rls("runs")):
            connection.execute(text(statement))
    act_in(connection, organizations[0])
    model = insert(connection, "models", name="churn")
    act_in(connection, organizations[1])
    assert rows(connection, "models") == []
    assert violation(connection, "models", name="churn")[1] == "uq_models_name"
    run = insert(connection, "runs", model_id=model)
    assert rows(connection, "runs") == [(run,)]
    act_in(connection, organizations[0])
    connection.execute(text("DELETE FROM models"))
    act_in(connection, organizations[1])
    assert rows(connection, "runs") == []
    assert connection.scalars(text(ACROSS_ORGANIZATIONS)).all() == ["fk_runs_model_id", "uq_models_name"]
    with pytest.raises(ClickException) as error:
        migrate(connection, metadata)
    assert str(error.value).splitlines()[1:] == [
        '  models: unique constraint (name): write unique_within("name") in __table_args__',
        '  runs: foreign key (model_id) to models (id): write model_id = within("models")',
    ]
    migrate(connection, closed())
    assert connection.scalars(text(ACROSS_ORGANIZATIONS)).all() == []
