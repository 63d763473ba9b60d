"""A project outside of the clone, in a virtual environment that authapp is installed in."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

from authapp.db.row_level_security import enable_rls
from authapp.instance import ROOT
from tests.pages import blocks, page

TESTING = "docs/testing.md"
TABLE = """CREATE TABLE trained_model (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    organization_id uuid NOT NULL DEFAULT authapp_organization_id() REFERENCES organizations,
    CONSTRAINT uq_trained_model_organization_id_name UNIQUE (organization_id, name)
)"""
MIGRATION = """from alembic import op

revision, down_revision = "models", "{newest}"


def upgrade() -> None:
{upgrade}
"""
OWN = {"LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"]}


def files() -> dict[str, str]:
    """The examples of docs/testing.md, by the name of the file to save each as."""
    named = re.findall(r"`(\w+\.py)`[^\n]*:\n\n```python\n(.*?)^```", page(TESTING), re.DOTALL | re.MULTILINE)
    assert [example for _, example in named] == blocks(TESTING, "python"), "an example does not say its file name"
    return dict(named)


@dataclass
class Project:
    """Its folder, and the Python of its virtual environment."""

    folder: Path
    python: Path
    temporary: Path

    def command(self, *arguments: str) -> list[str]:
        return [str(self.python), "-m", *arguments]

    @property
    def environment(self) -> dict[str, str]:
        return {**OWN, "TMPDIR": str(self.temporary)}

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a module of Python, without anything of the environment of these tests."""
        return subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            check=False,
        )


def create(folder: Path) -> Project:
    """Build authapp, unpack it into a new virtual environment with the packages of this one, save the examples."""
    venv.create(folder / "venv", symlinks=True)
    [installed] = (folder / "venv").glob("lib/python*/site-packages")
    (installed / "packages.pth").write_text(sysconfig.get_path("purelib"))
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder / "wheel")]
    subprocess.run(build, cwd=ROOT, capture_output=True, check=True)
    [wheel] = (folder / "wheel").iterdir()
    zipfile.ZipFile(wheel).extractall(installed)
    project = Project(folder / "project", folder / "venv" / "bin" / "python", folder / "tmp")
    project.temporary.mkdir()
    project.folder.mkdir()
    for name, text in files().items():
        (project.folder / name).write_text(text)
    add_migration(installed / "authapp" / "migrations" / "versions")
    return project


def add_migration(versions: Path) -> None:
    """Add the migration of the table of the examples."""
    newest = max(path.name[:4] for path in versions.glob("[0-9]*.py"))
    upgrade = "\n".join(f"    op.execute({statement!r})" for statement in (TABLE, *enable_rls("trained_model")))
    (versions / "models.py").write_text(MIGRATION.format(newest=newest, upgrade=upgrade))
