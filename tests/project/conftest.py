"""A project that `authapp new` has written, outside of the clone, on the installed wheel."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg2
import pytest

from authapp.dev.postgres import create_database
from authapp.instance import ROOT

NAME = "mlops"
COMMANDS = """
import json, shlex, sys
from wsgi import app
said = []
for command in sys.argv[1:]:
    if command == "readyz":
        said.append(str(app.test_client().get("/readyz").status_code))
    else:
        done = app.test_cli_runner().invoke(args=shlex.split(command))
        said.append(f"{done.exit_code} {done.output}")
print(json.dumps(said))
"""


def run(folder: Path, *command: str | Path, status: int = 0, environment: dict[str, str] | None = None) -> str:
    """What a command says. The environment has nothing of the clone."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST", "VIRTUAL"))}
    done = subprocess.run(
        command,
        cwd=folder,
        env={**kept, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == status, done.stdout
    return done.stdout


@dataclass(frozen=True)
class Project:
    """A project and the database it works on.

    Attributes:
        folder: where it is.
        url: of a database that belongs to it.
        path: of a newer authapp than the installed one, for PYTHONPATH.
    """

    folder: Path
    url: str
    path: str = ""

    def python(self, *arguments: str, status: int = 0, **environment: str) -> str:
        variables = {"APP_ENV": "development", "DATABASE_URL": self.url, "PYTHONPATH": self.path, **environment}
        return run(self.folder, self.folder / ".venv/bin/python", *arguments, status=status, environment=variables)

    def flask(self, *commands: str) -> list[str]:
        """The exit status and the output of each command of flask, in one process."""
        said: list[str] = json.loads(self.python("-c", COMMANDS, *commands).splitlines()[-1])
        return said

    def write_migration(self, message: str) -> str:
        """The text of the migration that leads to the models."""
        before = self.migrations()
        self.flask("db upgrade", f"db migrate -m '{message}'")
        [path] = self.migrations() - before
        return path.read_text()

    def make(self, *arguments: str, **environment: str) -> str:
        return run(self.folder, "make", *arguments, environment={"DATABASE_URL": self.url, **environment})

    def sql(self, statement: str) -> list[str]:
        """The first column of what a statement finds."""
        with closing(psycopg2.connect(self.url)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return [row[0] for row in cursor.fetchall()] if cursor.description else []

    def tables(self) -> set[str]:
        return set(self.sql("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"))

    def migrations(self) -> set[Path]:
        return set((self.folder / "migrations").glob("*.py"))

    def on(self, path: Path) -> Project:
        """The same project on a newer authapp."""
        return replace(self, path=str(path))


@pytest.fixture(scope="session")
def venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel. Its other packages are those of this run: no network is needed."""
    folder = tmp_path_factory.mktemp("installed")
    run(ROOT, sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder / "dist")
    [wheel] = (folder / "dist").iterdir()
    venv = folder / "venv"
    run(folder, sys.executable, "-m", "venv", "--without-pip", venv)
    [packages] = venv.glob("lib/python*/site-packages")
    (packages / "others.pth").write_text(sysconfig.get_path("purelib"))
    install = ("-m", "uv", "pip", "install", "--quiet", "--offline", "--no-deps", "--python", venv / "bin" / "python")
    run(folder, sys.executable, *install, wheel)
    return venv


def written(venv: Path, folder: Path, name: str = NAME) -> Path:
    """A project that the installed command has written. `make` takes its virtual environment for installed."""
    run(folder, venv / "bin" / "authapp", "new", name)
    (folder / name / ".venv").symlink_to(venv)
    (venv / "installed").touch()
    return folder / name


@pytest.fixture
def project(venv: Path, tmp_path: Path, socket_folder: str, worker_id: str) -> Iterator[Project]:
    """A new project, on an empty database that another program uses too."""
    database = f"project_{worker_id}"
    create_database(socket_folder, database)
    project = Project(written(venv, tmp_path), f"postgresql://authapp@/{database}?host={socket_folder}")
    project.sql("CREATE TABLE invoices (id uuid)")
    yield project
    with closing(psycopg2.connect(host=socket_folder, user="postgres", dbname="postgres")) as connection:
        connection.autocommit = True
        connection.cursor().execute(f"DROP DATABASE {database} WITH (FORCE)")
