"""A clone's own tables, which authapp's models do not know, and authapp's own tests."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from authapp.db.engine import db
from tests.factories import World


@pytest.mark.parametrize("name", ["labels", '"Labels"', "own.labels"])
def test_a_table_that_refers_to_organizations_is_emptied_with_them_after_a_test(world: World, name: str) -> None:
    organization_id = world.person("Acme").organization_id
    with world.app.app_context():
        db.session.execute(text("CREATE SCHEMA own"))
        db.session.execute(text(f"CREATE TABLE {name} (organization_id uuid REFERENCES organizations)"))
        db.session.execute(text(f"INSERT INTO {name} VALUES (:id)"), {"id": organization_id})
        db.session.commit()
        try:
            world.clear()
            assert world.sql(f"SELECT FROM {name}") == world.sql("SELECT FROM organizations") == []
            assert world.sql("SELECT FROM alembic_version") != []
        finally:
            db.session.execute(text(f"DROP TABLE {name}"))
            db.session.execute(text("DROP SCHEMA own"))
            db.session.commit()
