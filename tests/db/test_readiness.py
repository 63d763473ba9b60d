"""When a database is ready for this code, where a project has a branch of migrations of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from authapp import create_app
from authapp.db.engine import db
from tests.factories import World

FIRST, SECOND = "aaaaaaaaaaaa", "bbbbbbbbbbbb"  # of the project; both ran after authapp's 0016
MIGRATION = "revision = {!r}\ndown_revision = {!r}\nbranch_labels = {!r}\ndepends_on = {!r}\n"


@pytest.fixture
def project(world: World, tmp_path: Path) -> Iterator[World]:
    """The same database, served by the code of a project."""
    (tmp_path / f"{FIRST}_first.py").write_text(MIGRATION.format(FIRST, None, ("mlops",), "0016"))
    (tmp_path / f"{SECOND}_second.py").write_text(MIGRATION.format(SECOND, FIRST, None, None))
    rows = [row for (row,) in world.sql("SELECT version_num FROM alembic_version")]
    app = create_app(world.app.settings, migrations=tmp_path)
    yield world.with_app(app)
    found(world, *rows)
    with app.app_context():
        for engine in db.engines.values():
            engine.dispose()


def found(world: World, *rows: str) -> None:
    world.sql("DELETE FROM alembic_version")
    for row in rows:
        world.sql("INSERT INTO alembic_version VALUES (:row)", row=row)


def newest(world: World) -> str:
    [row] = [row for (row,) in world.sql("SELECT version_num FROM alembic_version")]
    return str(row)


@pytest.mark.parametrize(
    ("rows", "status"),
    [
        ([SECOND, "newest"], 200),
        ([SECOND], 503),  # authapp's newest is missing, and the project's says nothing of it
        (["newest"], 503),
        ([FIRST, "newest"], 503),
        ([FIRST], 503),
        ([], 503),
        # of newer code: Alembic makes long revisions for a project, authapp's have four digits
        ([SECOND, "9999"], 200),
        (["cccccccccccc", "newest"], 200),
        (["cccccccccccc", "9999"], 200),
        (["cccccccccccc"], 200),  # it may have run after authapp's newest
        (["cccccccccccc", "0016"], 503),
        ([FIRST, "9999"], 503),
        (["9999"], 503),  # none of authapp's depends on a project
    ],
)
def test_a_database_is_ready_if_no_branch_lacks_a_migration(project: World, rows: list[str], status: int) -> None:
    head = newest(project)
    found(project, *(head if row == "newest" else row for row in rows))
    assert project.caller().get("/readyz").status_code == status


def test_doctor_shows_each_branch(project: World) -> None:
    head = newest(project)
    for rows, text in [
        ([head], f"authapp {head}, mlops {SECOND} is missing. Run: flask --app wsgi db upgrade heads"),
        ([SECOND], f"authapp {head} is missing, mlops {SECOND}. Run: flask --app wsgi db upgrade heads"),
        ([SECOND, head], f"authapp {head}, mlops {SECOND}"),
    ]:
        found(project, *rows)
        said = project.app.test_cli_runner().invoke(args=["doctor"]).output
        [line] = [line for line in said.splitlines() if " migrations: " in line]
        assert line.partition(" migrations: ")[2] == text


def test_a_folder_that_does_not_exist_is_refused_at_the_start(world: World, tmp_path: Path) -> None:
    with pytest.raises(NotADirectoryError, match=r"migrations: there is no folder /.*/nowhere\."):
        create_app(world.app.settings, migrations=tmp_path / "nowhere")
