"""Whether the database can serve this version of the code."""

from __future__ import annotations

from functools import cache

from alembic.script import ScriptDirectory
from sqlalchemy import text

from authapp.core.errors import ServiceUnavailable
from authapp.core.extensions import MIGRATIONS, autocommit_engine


def check() -> None:
    """Pass if the database is reachable and at the newest migration.

    Raises:
        ServiceUnavailable: if it is not migrated; the log says which revision it has.
    """
    with autocommit_engine().connect() as connection:
        migrated = connection.scalar(text("SELECT to_regclass('alembic_version') IS NOT NULL"))
        found = set(connection.scalars(text("SELECT version_num FROM alembic_version"))) if migrated else set()
    if found != _newest_revisions():
        raise ServiceUnavailable(f"database at {sorted(found)}, code at {sorted(_newest_revisions())}: run db upgrade")


@cache
def _newest_revisions() -> set[str]:
    """More than one where somebody's own migrations stand beside authapp's."""
    return set(ScriptDirectory(str(MIGRATIONS)).get_heads())
