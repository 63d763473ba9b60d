"""Which names a project may have."""

from __future__ import annotations

import keyword
import re
import sys
from importlib.util import find_spec

import click

LONGEST = 40
_FORM = re.compile(rf"[a-z][a-z0-9_]{{0,{LONGEST - 1}}}", re.ASCII)
_OTHERS = {"authapp", "clients", "config", "docs", "instance", "migrations", "tests", "wsgi"}  # folders and modules
_WORDS_OF_ALEMBIC = {"base", "head", "heads"}  # the name is a label of migrations too


def require_free(name: str) -> None:
    """Pass if a package may have this name.

    Raises:
        ClickException: saying what is wrong with it.
    """
    if not _FORM.fullmatch(name):
        raise click.ClickException(
            f"{name!r} is no name for a package. Use a to z, digits and underscores, begin with a to z, "
            f"and take at most {LONGEST} characters."
        )
    if keyword.iskeyword(name) or name in _WORDS_OF_ALEMBIC:
        raise click.ClickException(f"{name} is a word of {'Python' if keyword.iskeyword(name) else 'Alembic'}.")
    if name in _OTHERS or name in sys.stdlib_module_names or _is_installed(name):
        raise click.ClickException(f"There is a module {name} already, which the package would hide.")


def _is_installed(name: str) -> bool:
    """Whether a package of this name can be imported. A folder without Python files is no package."""
    found = find_spec(name)
    return found is not None and found.origin is not None
