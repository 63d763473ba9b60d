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
        revision = connection.scalar(text("SELECT version_num FROM alembic_version")) if migrated else None
    if revision != _newest_revision():
        raise ServiceUnavailable(f"database at revision {revision}, code at {_newest_revision()}: run db upgrade")


@cache
def _newest_revision() -> str | None:
    return ScriptDirectory(str(MIGRATIONS)).get_current_head()
