"""The command `authapp`: which names a project may have, what it writes, and what it leaves alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from authapp import __version__
from authapp.instance import ROOT
from authapp.skeleton.command import main
from tests.project.conftest import run

FILES = [
    ".env.example", ".gitignore", ".profile", ".python-version", "Makefile", "Procfile", "README.md",
    "migrations/…_models.py", "mlops/__init__.py", "mlops/models.py", "mlops/schemas.py", "mlops/services.py",
    "mlops/views.py", "pyproject.toml", "requirements-dev.txt", "requirements.txt", "tests/__init__.py",
    "tests/conftest.py", "tests/test_models.py", "wsgi.py",
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def new(name: str) -> Result:
    return CliRunner().invoke(main, ["new", name])


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_a_project_is_written_and_its_name_is_in_it(folder: Path) -> None:
    said = new("mlops")
    assert (said.exit_code, said.output.splitlines()[:4]) == (
        0,
        ["The project is in mlops/. Next:", "", "  cd mlops", "  make run"],
    )
    written = contents(folder / "mlops")
    [migration] = [name for name in written if name.startswith("migrations/")]
    assert sorted(name if name != migration else "migrations/…_models.py" for name in written) == FILES
    newest = max(path.name[:4] for path in (ROOT / "migrations" / "versions").glob("[0-9]*.py"))
    assert f"depends_on = '{newest}'\n" in written[migration]
    assert "branch_labels = ('mlops',)\n" in written[migration]
    assert f"revision = '{Path(migration).name.removesuffix('_models.py')}'\n" in written[migration]
    for placeholder in ("project_name", "first_revision", "authapp_head", "authapp_requirement", "authapp_for"):
        assert [name for name, text in written.items() if placeholder in name + text] == []


@pytest.mark.parametrize("name", ["first_revision", "my_authapp_head", "project_name"])
def test_a_project_may_have_the_name_of_a_placeholder(folder: Path, name: str) -> None:
    assert new(name).exit_code == 0
    written = contents(folder / name)
    assert f"from {name} import create_app\n" in written["wsgi.py"]
    assert f"{name}/models.py" in written
    [migration] = [text for path, text in written.items() if path.startswith("migrations/")]
    assert f"branch_labels = ('{name}',)\n" in migration


def test_it_is_deployed_as_authapp_is(folder: Path) -> None:
    new("mlops")
    for name in ("Procfile", ".profile", ".python-version"):
        assert (folder / "mlops" / name).read_text() == (ROOT / name).read_text()


def test_two_projects_have_migrations_of_different_names_and_may_share_a_database(folder: Path) -> None:
    new("mlops")
    new("billing")
    names = {path.name for path in folder.glob("*/migrations/*.py")}
    assert len(names) == 2


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("my-app", "'my-app' is no name for a package. Use a to z, digits and underscores"),
        ("Mlops", "is no name for a package"),
        ("1st", "is no name for a package"),
        ("_mlops", "is no name for a package"),
        ("café", "is no name for a package"),
        ("../mlops", "is no name for a package"),
        ("/tmp/mlops", "is no name for a package"),
        ("mlops\n", "is no name for a package"),
        ("a" * 41, "at most 40 characters"),
        ("", "is no name for a package"),
        ("class", "class is a word of Python."),
        ("heads", "heads is a word of Alembic."),
        ("authapp", "There is a module authapp already, which the package would hide."),
        ("tests", "There is a module tests already"),
        ("migrations", "There is a module migrations already"),
        ("wsgi", "There is a module wsgi already"),
        ("json", "There is a module json already"),
        ("flask", "There is a module flask already"),
    ],
)
def test_a_name_that_no_package_can_have_is_refused(folder: Path, name: str, reason: str) -> None:
    said = new(name)
    assert (said.exit_code, said.output[:7]) == (1, "Error: ")
    assert reason in said.output
    assert list(folder.iterdir()) == []


def test_an_empty_folder_is_filled_and_another_one_is_left_as_it_is(folder: Path) -> None:
    (folder / "mlops").mkdir()
    assert new("mlops").exit_code == 0
    before = contents(folder)
    said = new("mlops")
    assert (said.exit_code, said.output) == (
        1,
        "Error: The folder mlops/ is not empty. Choose another name, or empty it first.\n",
    )
    assert contents(folder) == before


def test_a_file_and_a_dead_link_of_this_name_are_left_as_they_are(folder: Path) -> None:
    (folder / "mlops").write_text("mine")
    (folder / "billing").symlink_to(folder / "nowhere")
    for name in ("mlops", "billing"):
        assert new(name).output == f"Error: {name} cannot be written: File exists.\n"
    assert contents(folder) == {"mlops": "mine"}


@pytest.mark.xdist_group("project")
def test_a_project_needs_authapp_from_where_it_was_installed(venv: Path, tmp_path: Path) -> None:
    run(tmp_path, venv / "bin" / "authapp", "new", "mlops")
    [wheel] = (venv.parent / "dist").iterdir()
    assert (tmp_path / "mlops" / "requirements.txt").read_text() == f"authapp @ file://{wheel}\n"
    lines = (tmp_path / "mlops" / "requirements-dev.txt").read_text().splitlines()
    assert lines[:2] == ["-r requirements.txt", f"authapp[dev,testing] @ file://{wheel}"]


def test_a_project_that_a_clone_writes_needs_the_version_of_the_clone(folder: Path) -> None:
    new("mlops")
    assert (folder / "mlops" / "requirements.txt").read_text() == f"authapp=={__version__}\n"


@pytest.mark.xdist_group("project")
def test_the_command_explains_itself(venv: Path, tmp_path: Path) -> None:
    assert "new  Write a project" in run(tmp_path, venv / "bin" / "authapp", "--help")
    assert "Nothing is overwritten." in run(tmp_path, venv / "bin" / "authapp", "new", "--help")
    assert __version__ in run(tmp_path, venv / "bin" / "authapp", "--version")
