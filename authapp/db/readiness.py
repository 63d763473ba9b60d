"""Whether the database can serve this version of the code."""

from __future__ import annotations

from functools import cache

from alembic.script import ScriptDirectory
from sqlalchemy import text

from authapp.core.errors import ServiceUnavailable
from authapp.db.engine import MIGRATIONS, autocommit_engine


def check() -> None:
    """Pass if the database is reachable and not behind this code.

    One that is ahead passes: in a rolling deploy the migration comes first, and the old processes serve on.

    Raises:
        ServiceUnavailable: if migrations are missing; the log says which revision the database has.
    """
    with autocommit_engine().connect() as connection:
        migrated = connection.scalar(text("SELECT to_regclass('alembic_version') IS NOT NULL"))
        found = set(connection.scalars(text("SELECT version_num FROM alembic_version"))) if migrated else set()
    heads, known = _revisions()
    if not found or (found <= known and found != heads):
        raise ServiceUnavailable(f"database at {sorted(found)}, code at {sorted(heads)}: run db upgrade")


@cache
def _revisions() -> tuple[set[str], set[str]]:
    """The newest revisions, more than one where somebody's own stand beside authapp's, and all of them."""
    script = ScriptDirectory(str(MIGRATIONS))
    return set(script.get_heads()), {revision.revision for revision in script.walk_revisions()}
