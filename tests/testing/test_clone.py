"""A clone with a package, tables, a migration and tests of its own: authapp's tests go on to count authapp's tables."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from authapp.instance import ROOT
from tests.testing.project import add_migration, files

pytestmark = pytest.mark.xdist_group("kit")
OF_TABLES = [
    "tests/architecture/test_errors.py",
    "tests/architecture/test_personal_data.py",
    "tests/db/test_migrations.py",
    "tests/db/test_row_level_security.py::test_every_table_with_an_organization_has_row_level_security",
    "tests/jobs/test_retention.py::test_every_table_is_pruned_or_known_not_to_need_it",
]


def test_authapps_tests_and_those_of_a_clone_run_together(tmp_path: Path) -> None:
    for name in ("authapp", "docs", "migrations", "tests"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("config.py", "pyproject.toml", "wsgi.py"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "tests" / "mlops").mkdir()
    (tmp_path / "tests" / "mlops" / "__init__.py").touch()
    for name, text in files().items():
        folder = tmp_path if name == "registry.py" else tmp_path / "tests" / "mlops"
        (folder / name).write_text(text)
    add_migration(tmp_path / "migrations" / "versions")
    command = [sys.executable, "-m", "pytest", "-n", "0", "-p", "no:cacheprovider", "tests/mlops", *OF_TABLES]
    # the order matters: the models of the clone are imported when the others run
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^\d+ passed in", done.stdout, re.MULTILINE), done.stdout
