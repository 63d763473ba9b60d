"""Which constraints `flask db migrate` raises, and what it says to write instead."""

from __future__ import annotations

from functools import partial

import pytest
from sqlalchemy import (
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import TSRANGE, ExcludeConstraint
from sqlalchemy.orm import mapped_column
from sqlalchemy.schema import SchemaItem

from authapp.db.tenant_constraints import constraints_across_organizations
from authapp.db.tenant_model import unique_within, within
from tests.tenant_tables import Columns, a_text, a_uuid, refers, schema, tenant_table

a_span = partial(mapped_column, type_=TSRANGE)
natural = partial(mapped_column, type_=String, primary_key=True)
IN_PLACE = "in __table_args__ in place of primary_key=True, or let the server generate the key (Identified)"


@pytest.mark.parametrize(
    ("columns", "items", "line"),
    [
        (
            {"model_id": partial(mapped_column, ForeignKey("models.id"))},
            [],
            'foreign key (model_id) to models (id): write model_id = within("models")',
        ),
        (
            {"model": partial(mapped_column, ForeignKey("models.name"))},
            [],
            'foreign key (model) to models (name): write model = within("models.name")',
        ),
        (
            {"model_id": a_uuid, "name": a_text},
            [ForeignKeyConstraint(["model_id", "name"], ["models.id", "models.name"])],
            "foreign key (model_id, name) to models (id, name): add organization_id on both sides",
        ),
        (
            {"model_id": a_uuid},
            [ForeignKeyConstraint(["model_id", "organization_id"], ["models.organization_id", "models.id"])],
            "foreign key (model_id, organization_id) to models (organization_id, id): "
            "add organization_id on both sides",
        ),
        (
            {"name": a_text, "number": a_text},
            [UniqueConstraint("name", "number")],
            'unique constraint (name, number): write unique_within("name", "number") in __table_args__',
        ),
        (
            {"name": partial(a_text, unique=True)},
            [],
            'unique constraint (name): write unique_within("name") in __table_args__',
        ),
        (
            {"name": partial(a_text, unique=True, index=True)},
            [],
            "unique index ix_runs_name (name): begin it with organization_id",
        ),
        (
            {"name": a_text},
            [Index("i", "name", text("lower(name)"), unique=True, postgresql_include=["organization_id"])],
            "unique index i (name, lower(name)): begin it with organization_id",
        ),
        (
            {"span": a_span},
            [ExcludeConstraint(("span", "&&"))],
            'exclusion constraint (span WITH &&): add ("organization_id", "=")',
        ),
        (
            {"span": a_span},
            [ExcludeConstraint(("organization_id", "<>"), ("span", "&&"))],
            'exclusion constraint (organization_id WITH <>, span WITH &&): add ("organization_id", "=")',
        ),
        ({"id": natural}, [], f'primary key (id): write PrimaryKeyConstraint("organization_id", "id") {IN_PLACE}'),
        (
            {"id": partial(mapped_column, type_=Uuid, primary_key=True)},  # so the caller sends it
            [],
            f'primary key (id): write PrimaryKeyConstraint("organization_id", "id") {IN_PLACE}',
        ),
        (
            {"id": partial(mapped_column, type_=Integer, primary_key=True, autoincrement=False)},
            [],
            f'primary key (id): write PrimaryKeyConstraint("organization_id", "id") {IN_PLACE}',
        ),
        (
            {"id": partial(refers, "models", primary_key=True)},
            [],
            f'primary key (id): write PrimaryKeyConstraint("organization_id", "id") {IN_PLACE}',
        ),
        (
            {"user_id": partial(mapped_column, ForeignKey("users.id"), primary_key=True)},
            [],
            f'primary key (id, user_id): write PrimaryKeyConstraint("organization_id", "id", "user_id") {IN_PLACE}',
        ),
    ],
)
def test_db_migrate_refuses_constraints_across_organizations(
    columns: Columns, items: list[SchemaItem], line: str
) -> None:
    metadata = schema(models={"name": a_text})
    tenant_table(metadata, "runs", columns, *items)
    assert constraints_across_organizations(metadata.sorted_tables) == [f"runs: {line}"]


@pytest.mark.parametrize(
    ("columns", "items"),
    [
        ({}, []),
        ({"id": a_uuid}, []),
        ({"id": partial(mapped_column, type_=Integer, primary_key=True)}, []),
        ({"id": partial(mapped_column, Identity(), type_=Integer, primary_key=True)}, []),
        ({"id": partial(mapped_column, type_=Uuid, primary_key=True, server_default=func.gen_random_uuid())}, []),
        ({"id": a_text}, [PrimaryKeyConstraint("organization_id", "id")]),
        ({"model_id": partial(refers, "models"), "parent_id": partial(refers, "runs")}, []),
        ({"user_id": partial(mapped_column, ForeignKey("users.id"))}, []),
        ({"name": a_text}, [unique_within("name"), Index("i", "name")]),
        ({"name": a_text}, [Index("i", "organization_id", text("lower(name)"), unique=True)]),
        (
            {"span": a_span},
            [ExcludeConstraint(("organization_id", "="), ("span", "&&"))],
        ),
    ],
)
def test_db_migrate_accepts_constraints_within_an_organization(columns: Columns, items: list[SchemaItem]) -> None:
    metadata = schema(models={})
    tenant_table(metadata, "runs", columns, *items)
    assert constraints_across_organizations(metadata.sorted_tables) == []


def test_a_table_without_organization_id_refers_to_a_tenant_table_only_together_with_the_organization() -> None:
    metadata = schema(models={})
    columns = [Column("id", Uuid, primary_key=True), Column("model_id", Uuid), Column("tenant_id", Uuid)]
    trials = Table("trials", metadata, *columns, UniqueConstraint("model_id"))
    trials.append_constraint(ForeignKeyConstraint(["tenant_id", "model_id"], ["models.organization_id", "models.id"]))
    assert constraints_across_organizations(metadata.sorted_tables) == []
    trials.append_constraint(ForeignKeyConstraint(["model_id"], ["models.id"]))
    assert constraints_across_organizations(metadata.sorted_tables) == [
        "trials: foreign key (model_id) to models (id): make the table a TenantModel and use within(), "
        "or keep the column without a foreign key"
    ]


def test_migrate_refuses_within_where_it_comes_too_late_to_make_a_foreign_key() -> None:
    metadata = schema(models={})
    metadata.tables["models"].append_column(within("models", name="base_id", type_=Uuid).column)
    assert constraints_across_organizations(metadata.sorted_tables) == [
        "models: column base_id: within() belongs in the class that has the table, not in a subclass of it"
    ]
