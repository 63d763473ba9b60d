"""What `flask db migrate` writes in a project with a branch of its own: its own tables, onto its own branch."""

from __future__ import annotations

import re
from pathlib import Path

from alembic.operations.ops import MigrationScript
from alembic.script import ScriptDirectory
from click import ClickException

from authapp.db.engine import Base, db
from authapp.db.migrations import heads, with_ancestors

_CREATED = re.compile(r"""(?:create_table\(|rename_table\([^,]*,)\s*["'](\w+)""")


def own_tables(folder: Path) -> set[str]:
    """The tables of the project's models, and those that its migrations have created, which it may drop.

    All others are authapp's, of this version or another, or of another program in the same database.
    """
    authapps = {
        str(mapper.local_table.description)
        for mapper in Base.registry.mappers
        if mapper.class_.__module__.startswith("authapp.")
    }
    created = {name for path in folder.glob("*.py") for name in _CREATED.findall(path.read_text())}
    return {*db.metadata.tables, *created} - authapps


def put_on_branch(migration: MigrationScript, script: ScriptDirectory, folder: Path) -> None:
    """Let a new migration follow the project's newest one, and run after the newest one of authapp.

    Raises:
        ClickException: if two migrations of the project are the newest ones.
    """
    newest = heads(script)
    own = [head.revision for head in newest if Path(head.path).parent == folder]
    if len(own) > 1:
        raise ClickException(f"Several migrations are the newest. Join them: flask --app wsgi db merge {' '.join(own)}")
    before = with_ancestors(script, own[0]) if own else set()
    migration.version_path = str(folder)
    migration.head = own[0] if own else "base"
    migration.branch_label = None if own else re.sub(r"\W", "_", folder.parent.name)
    migration.depends_on = [
        head.revision for head in newest if head.revision not in before and Path(head.path).parent != folder
    ]
