"""Writes the files of a project. In `project/` their names end in `-tpl`, so that no tool takes them for ours."""

from __future__ import annotations

import json
import re
from importlib.metadata import Distribution, PackageNotFoundError
from pathlib import Path

from alembic.script import ScriptDirectory
from alembic.util import rev_id

from authapp import __version__
from authapp.db.migrations import MIGRATIONS

TEMPLATES = Path(__file__).parent / "project"
SUFFIX = "-tpl"


def write(name: str, folder: Path) -> None:
    """Write a project of this name into an empty folder.

    Raises:
        FileExistsError: if a file has come there meanwhile.
    """
    values = {
        "project_name": name,
        "first_revision": rev_id(),  # its own, because several projects may share a database
        "authapp_head": str(ScriptDirectory(str(MIGRATIONS)).get_current_head()),
        "authapp_requirement": requirement(""),
        "authapp_for_development": requirement("[dev,testing]"),
    }
    for template in sorted(TEMPLATES.rglob(f"*{SUFFIX}")):
        path = folder / _filled(str(template.relative_to(TEMPLATES)).removesuffix(SUFFIX), values)
        path.parent.mkdir(exist_ok=True)
        with path.open("x") as file:
            file.write(_filled(template.read_text(), values))


def _filled(text: str, values: dict[str, str]) -> str:
    """Fill in all values at once: the name of a project may be, or contain, the name of a placeholder."""
    return re.sub("|".join(values), lambda placeholder: values[placeholder[0]], text)


def requirement(extras: str) -> str:
    """The line of requirements.txt that installs authapp from where this one came: an index, a file or a repository."""
    try:
        source = json.loads(Distribution.from_name("authapp").read_text("direct_url.json") or "{}")
    except PackageNotFoundError:  # it runs in a clone
        source = {}
    if not source:
        return f"authapp{extras}=={__version__}"
    repository = source.get("vcs_info")
    url = f"{repository['vcs']}+{source['url']}@{repository['commit_id']}" if repository else source["url"]
    return f"authapp{extras} @ {url}"
