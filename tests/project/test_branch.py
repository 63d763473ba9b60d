"""The migrations of a project: a branch of their own, beside those of authapp and of its next version."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.project.conftest import Project

pytestmark = pytest.mark.xdist_group("project")  # one after the other: they share an installed wheel

NEWER = "9998"
NEWER_MIGRATION = '''"""Add a table that the models of the version before do not know."""

from alembic import op

revision = "{revision}"
down_revision = "{before}"


def upgrade() -> None:
    op.execute("CREATE TABLE plans (id uuid PRIMARY KEY)")


def downgrade() -> None:
    op.execute("DROP TABLE plans")
'''
NOTHING = '''"""Change nothing."""

revision = "{revision}"
down_revision = "{before}"


def upgrade() -> None:
    pass
'''
EXPERIMENTS = '''

class Experiment(Identified, Created, TenantModel):
    """An experiment with a model."""

    __tablename__ = "experiments"

    model_id: Mapped[UUID] = within("models", ondelete="CASCADE", index=False)
'''


def head_of(migrations: Path) -> str:
    return max(name[:4] for name in (path.name for path in migrations.glob("versions/*.py")))


@pytest.fixture
def newer(venv: Path, tmp_path: Path) -> Path:
    """The next version of authapp, which has one more migration."""
    [installed] = venv.glob("lib/python*/site-packages/authapp")
    path = tmp_path / "newer"
    shutil.copytree(installed, path / "authapp")
    migrations = path / "authapp" / "migrations"
    text = NEWER_MIGRATION.format(revision=NEWER, before=head_of(migrations))
    (migrations / "versions" / f"{NEWER}_plans.py").write_text(text)
    return path


def with_experiments(project: Project) -> None:
    """Change the models of the project."""
    models = project.folder / "mlops" / "models.py"
    source = models.read_text().replace("from authapp import", "from uuid import UUID\n\nfrom authapp import", 1)
    models.write_text(source.replace("unique_within\n", "unique_within, within\n", 1) + EXPERIMENTS)


def test_the_first_migration_is_what_db_migrate_writes_for_the_models(project: Project) -> None:
    [path] = project.migrations()
    text = path.read_text()
    first = path.name.removesuffix("_models.py")
    path.unlink()
    written = project.write_migration("Create models.")
    [path] = project.migrations()
    assert written.replace(path.name.removesuffix("_create_models.py"), first) == text


def test_a_migration_has_the_tables_of_the_project_alone_and_stands_on_its_branch(project: Project, venv: Path) -> None:
    [first] = project.migrations()
    upgraded, unchanged = project.flask("db upgrade", "db migrate")
    assert upgraded.startswith("0 Upgraded to 0001")
    assert unchanged == "0 The models have not changed. No migration is written.\n"
    before = project.tables() | {"later"}
    project.sql("ALTER TABLE users ADD COLUMN nickname text; CREATE TABLE later (id uuid)")  # past the models
    with_experiments(project)
    project.make("migration", "m=add experiments")
    [second] = project.migrations() - {first}
    text = second.read_text()
    assert set(re.findall(r"create_table\('(\w+)'", text)) == {"experiments"}
    changed = set(re.findall(r"(?:drop_table|alter_table|_column)\('(\w+)'", text))
    assert changed == {"experiments"}  # by the downgrade
    assert f"down_revision = '{first.name[:12]}'" in text
    assert "depends_on = None" in text  # the first one depends on authapp's newest
    [installed] = venv.glob("lib/python*/site-packages/authapp/migrations/versions")
    assert not any("experiments" in path.name for path in installed.iterdir())

    missing, *said = project.flask(
        "db check", "db upgrade heads", "db check", "readyz", "db current", "db downgrade mlops@base"
    )
    assert missing.startswith("1 ")
    assert [answer.split()[0] for answer in said] == ["0", "0", "200", "0", "0"]
    assert project.tables() == before - {"models"}
    assert project.sql("SELECT version_num FROM alembic_version") == [head_of(installed.parent)]


def test_a_model_that_is_removed_has_its_table_dropped(project: Project) -> None:
    with_experiments(project)
    project.write_migration("add experiments")
    models = project.folder / "mlops" / "models.py"
    models.write_text(models.read_text().replace(EXPERIMENTS, ""))
    text = project.write_migration("remove experiments")
    assert re.findall(r"drop_table\('(\w+)'", text.partition("def downgrade")[0]) == ["experiments"]


def test_an_update_of_authapp_needs_no_merge_and_no_change_of_the_project(project: Project, newer: Path) -> None:
    written, updated = project.migrations(), project.on(newer)
    assert project.flask("db upgrade heads", "readyz")[1] == "200"
    before, doctor, upgraded, after = updated.flask("readyz", "doctor", "db upgrade heads", "readyz")
    assert (before, after) == ("503", "200")
    assert f"migrations: authapp {NEWER} is missing, mlops" in doctor
    assert upgraded == f"0 Upgraded to {NEWER}: Add a table that the models of the version before do not know.\n"
    assert project.flask("readyz") == ["200"]  # the old processes serve on
    assert updated.migrations() == written

    with_experiments(project)
    text = updated.write_migration("add experiments")
    assert f"depends_on = '{NEWER}'" in text
    assert "plans" not in text
    before, _, after, check, _ = updated.flask(
        "readyz", "db upgrade heads", "readyz", "db check", "db downgrade mlops@base"
    )
    assert (before, after, check[:1]) == ("503", "200", "0")
    assert {"plans", "users"} <= updated.tables()
    assert not {"models", "experiments"} & updated.tables()
    updated.flask("db downgrade base")
    assert updated.tables() == {"alembic_version", "invoices"}
    assert updated.flask("db upgrade heads", "readyz")[1] == "200"  # of a fresh database


def test_two_newest_migrations_of_a_project_are_joined_before_the_next_one(project: Project) -> None:
    [first] = project.migrations()
    for revision in ("1" * 12, "2" * 12):
        path = first.parent / f"{revision}_nothing.py"
        path.write_text(NOTHING.format(revision=revision, before=first.name[:12]))
    with_experiments(project)
    merge = f"db merge {'1' * 12} {'2' * 12}"
    refused, _ = project.flask("db upgrade", "db migrate", merge)[1:]
    assert f"Several migrations are the newest. Join them: flask --app wsgi {merge}\n" in refused
    assert "create_table('experiments'" in project.write_migration("add experiments")
