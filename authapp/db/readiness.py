"""Whether the database can serve this version of the code."""

from __future__ import annotations

from typing import NamedTuple

from alembic.script import ScriptDirectory
from sqlalchemy import text

from authapp.core.errors import ServiceUnavailable
from authapp.db.engine import autocommit_engine
from authapp.db.migrations import heads, is_numbered, scripts, with_ancestors


class Branch(NamedTuple):
    """A branch of migrations: authapp's own, or one of a project.

    Attributes:
        name: its label.
        head: the newest migration that this code has.
        is_migrated: whether the database has it.
    """

    name: str
    head: str
    is_migrated: bool


def check() -> None:
    """Pass if the database is reachable and not behind this code, on any branch.

    One that is ahead passes: in a rolling deploy the migration comes first, and the old processes serve on.

    Raises:
        ServiceUnavailable: if migrations are missing; the log says which ones.
    """
    if missing := [f"{branch.name} {branch.head}" for branch in branches() if not branch.is_migrated]:
        raise ServiceUnavailable(f"the database lacks {', '.join(missing)}: run db upgrade heads")


def branches() -> list[Branch]:
    """Compare each branch with the database."""
    with autocommit_engine().connect() as connection:
        migrated = connection.scalar(text("SELECT to_regclass('alembic_version') IS NOT NULL"))
        rows = set(connection.scalars(text("SELECT version_num FROM alembic_version"))) if migrated else set()
    script = scripts()
    return [
        Branch(min(head.branch_labels, default="authapp"), head.revision, _is_migrated(script, head.revision, rows))
        for head in heads(script)
    ]


def _is_migrated(script: ScriptDirectory, head: str, rows: set[str]) -> bool:
    """Whether a migration has run, in a database whose newest ones are `rows`.

    A row stands for all that it depends on. What a row of newer code depends on cannot be known here.
    """
    known = rows & {migration.revision for migration in script.walk_revisions()}
    if any(head in with_ancestors(script, row) for row in known):
        return True
    if known & with_ancestors(script, head):  # it would not be the newest of its branch if the head had run
        return False
    return any(is_numbered(head) or not is_numbered(row) for row in rows - known)
