"""What `within` and `unique_within` declare."""

from __future__ import annotations

from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import DeclarativeBase, Mapped, configure_mappers, mapped_column, relationship
from uuid_utils.compat import uuid7

from authapp.db.engine import db
from authapp.db.tenant_model import unique_within, within
from tests.tenant_tables import a_uuid, refers, schema, tenant_table


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=db.metadata.naming_convention)


class Tenant(Base):
    __abstract__ = True

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    organization_id: Mapped[UUID]


class Evaluated:
    """A mixin with a reference, to a table that comes later."""

    model_id: Mapped[UUID | None] = within("models", ondelete="set null")


class Run(Evaluated, Tenant):
    __tablename__ = "runs"

    parent_id: Mapped[UUID | None] = within("runs.id", ondelete="cascade", index=False, comment="the run it repeats")
    model_name: Mapped[str] = within("models.name")
    name: Mapped[str]

    __table_args__ = (unique_within("name", "model_id", name="uq_names"), CheckConstraint("name <> ''", name="named"))

    model: Mapped[Model | None] = relationship(foreign_keys="Run.model_id")
    parent: Mapped[Run | None] = relationship(foreign_keys=[parent_id], remote_side="Run.id")


class Model(Tenant):
    __tablename__ = "models"

    name: Mapped[str]

    __table_args__ = (unique_within("name"),)


def constraints(name: str) -> list[str]:
    table = Base.metadata.tables[name]
    named: list[UniqueConstraint | Index] = [item for item in table.constraints if isinstance(item, UniqueConstraint)]
    found = [f"{item.name}: {' '.join(item.columns.keys())}" for item in (*named, *table.indexes)]
    for key in table.foreign_key_constraints:
        targets = [part.target_fullname for part in key.elements]
        found.append(f"{' '.join(key.column_keys)} to {' '.join(targets)}, {key.ondelete}")
    return sorted(found)


def test_within_makes_a_composite_foreign_key_an_index_and_the_unique_pair_on_the_other_side() -> None:
    assert constraints("runs") == [
        "ix_runs_organization_id_model_id: organization_id model_id",
        "ix_runs_organization_id_model_name: organization_id model_name",
        "organization_id model_id to models.organization_id models.id, set null (model_id)",
        "organization_id model_name to models.organization_id models.name, None",
        "organization_id parent_id to runs.organization_id runs.id, cascade",
        "uq_names: organization_id name model_id",
        "uq_runs_organization_id_id: organization_id id",
    ]
    assert constraints("models") == [
        "uq_models_organization_id_id: organization_id id",
        "uq_models_organization_id_name: organization_id name",  # once, though both ask for it
    ]


def test_within_leaves_the_column_as_its_annotation_and_options_say() -> None:
    columns = Base.metadata.tables["runs"].c
    assert [columns[name].nullable for name in ("model_id", "parent_id", "model_name")] == [True, True, False]
    assert columns.parent_id.comment == "the run it repeats"
    assert isinstance(columns.model_name.type, String)


def test_a_relationship_over_the_column_alone_leaves_organization_id_alone() -> None:
    configure_mappers()  # which warns, and so fails, where two relationships write one column
    assert [column.name for column in Run.model.property.local_columns] == ["model_id"]
    assert [column.name for column in Run.parent.property.local_columns] == ["parent_id"]


def test_a_primary_key_of_both_columns_is_the_unique_pair() -> None:
    metadata = schema(runs={"user_id": partial(refers, "grants.user_id")})
    key = PrimaryKeyConstraint("user_id", "organization_id")
    table = tenant_table(metadata, "grants", {"id": a_uuid, "user_id": a_uuid}, key)
    assert [item for item in table.constraints if isinstance(item, UniqueConstraint)] == []


def test_within_refuses_a_target_without_organization_id() -> None:
    for define_target_first in (True, False):
        metadata = schema()
        with pytest.raises(ArgumentError, match="labels has no organization_id: use ForeignKey"):  # noqa: PT012
            if define_target_first:
                Table("labels", metadata, Column("id", Uuid, primary_key=True))
            tenant_table(metadata, "runs", {"label_id": partial(refers, "labels")})
            Table("labels", metadata, Column("id", Uuid, primary_key=True))


def test_within_refuses_to_stand_in_a_table_without_organization_id() -> None:
    with pytest.raises(ArgumentError, match="labels has no organization_id"):
        Table("labels", schema(models={}), within("models", name="model_id", type_=Uuid).column)
