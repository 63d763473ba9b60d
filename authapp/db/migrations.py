"""Where migrations are: authapp's own, and the branch of a project, in a folder of its own beside them."""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path

from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from flask import Flask, current_app
from flask_migrate import Migrate
from flask_migrate.cli import upgrade

from authapp import instance

PACKAGED = Path(__file__).parents[1] / "migrations"
MIGRATIONS = PACKAGED if PACKAGED.is_dir() else instance.ROOT / "migrations"
"""In a clone at its top level, in the installed package inside of it."""

migrate = Migrate(directory=str(MIGRATIONS), render_as_batch=False)
next(each for each in upgrade.params if each.name == "revision").default = "heads"  # `db upgrade`: of every branch

_FOLDER = "AUTHAPP_MIGRATIONS"  # the key in the configuration of the application
_NUMBER = re.compile(r"\d{4}", re.ASCII)  # authapp's revisions; Alembic makes longer ones


def use_folder(app: Flask, folder: str | os.PathLike[str] | None) -> None:
    """Let an application have a branch of migrations of its own.

    Raises:
        NotADirectoryError: if there is no such folder, whose migrations nobody would miss.
    """
    path = None if folder is None else (instance.ROOT / folder).resolve()
    if path and not path.is_dir():
        raise NotADirectoryError(f"migrations: there is no folder {path}.")
    app.config[_FOLDER] = path


def own_folder() -> Path | None:
    """The folder with the migrations of the project, None where it has no branch of its own."""
    found: Path | None = current_app.config[_FOLDER]
    return found


@migrate.configure  # type: ignore[untyped-decorator]
def _add_folder(config: Config) -> Config:
    """Let Alembic read both folders."""
    if folder := own_folder():
        versions = Path(config.get_main_option("script_location", ""), "versions")
        config.set_main_option("path_separator", "os")
        config.set_main_option("version_locations", f"{versions}{os.pathsep}{folder}".replace("%", "%%"))
        config.set_main_option("revision_environment", "true")  # env.py puts new migrations onto their branch
    return config


def scripts() -> ScriptDirectory:
    """All migrations that this code has."""
    return _scripts(own_folder())


@cache
def _scripts(folder: Path | None) -> ScriptDirectory:
    return ScriptDirectory.from_config(migrate.get_config())


def heads(script: ScriptDirectory) -> list[Script]:
    """The newest migration of each branch, authapp's first, also where another branch depends on it."""
    newest = sorted(script.get_heads(), key=lambda head: (not is_numbered(head), head))
    return [script.get_revision(head) for head in newest]


def is_numbered(revision: str) -> bool:
    """Whether it is one of authapp's own, which depend on no other."""
    return bool(_NUMBER.fullmatch(revision))


def with_ancestors(script: ScriptDirectory, revision: str) -> set[str]:
    """A migration, and all that run before it."""
    return {before.revision for before in script.iterate_revisions(revision, "base")}
