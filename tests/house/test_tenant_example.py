"""Somebody's own tables behind the walls: the lines of the README as an application, with its own migration."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from authapp.core.postgres import create_database
from config import ROOT
from tests.factories import PASSWORD, copy_migrations

README = (ROOT / "README.md").read_text()

TWO_TENANTS = f"""
from experiments import Experiment, app
from authapp.core import tenancy, transaction
from authapp.core.extensions import db
from sqlalchemy import delete, func, select

def register(name):
    body = {{"email": f"{{name}}@example.com", "password": "{PASSWORD}", "organization_name": name}}
    registered = app.test_client().post("/api/v1/auth/register", json=body).get_json()
    headers = {{"Authorization": "Bearer " + registered["access_token"]}}
    return headers, f"/api/v1/organizations/{{registered['organization']['id']}}/experiments"

(ada, hers), (bob, his) = register("ada"), register("bob")
ask = app.test_client()
assert ask.post(f"{{hers}}/churn", headers=ada).status_code == 200
assert ask.post(f"{{his}}/fraud", headers=bob).status_code == 200
assert ask.get(hers, headers=ada).get_json() == ["churn"]
assert ask.get(his, headers=bob).get_json() == ["fraud"]
assert ask.get(hers, headers=bob).status_code == 403
with app.app_context():
    assert db.session.scalar(select(func.count()).select_from(Experiment)) == 0
    tenancy.open_organization(hers.split("/")[4])
    assert db.session.execute(delete(Experiment)).rowcount == 1
    transaction.commit()
assert ask.get(hers, headers=ada).get_json() == []
assert ask.get(his, headers=bob).get_json() == ["fraud"]
assert ask.get("/readyz").status_code == 200
operation = ask.get("/api/v1/openapi.json").get_json()["paths"]["/api/v1/organizations/{{organization_id}}/experiments"]
assert operation["get"]["security"]
"""


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """A clone with the README's module in it."""
    shutil.copytree(ROOT / "authapp", tmp_path / "authapp", ignore=shutil.ignore_patterns("__pycache__"))
    copy_migrations(tmp_path)
    for name in ("config.py", "wsgi.py"):
        shutil.copy(ROOT / name, tmp_path)
    _, lines = re.findall(r"^```python\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    assert len([line for line in lines.splitlines() if line]) <= 25
    (tmp_path / "experiments.py").write_text(lines)
    return tmp_path


def test_a_table_of_ones_own_is_walled_off_by_its_own_migration(
    example: Path, socket_folder: str, worker_id: str
) -> None:
    create_database(socket_folder, f"example_{worker_id}")
    environment = {
        **os.environ,
        "APP_ENV": "testing",
        "DATABASE_URL": f"postgresql://authapp@/example_{worker_id}?host={socket_folder}",
        "PYTHONPATH": str(example),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }

    def run(*command: str) -> str:
        done = subprocess.run(command, cwd=example, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run("flask", "--app", "wsgi", "db", "upgrade")
    [commands] = re.findall(r"^```console\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    for command in commands.splitlines():
        run("sh", "-c", command)
    [migration] = (example / "migrations" / "versions").glob("*_experiments.py")
    assert "wall_off('experiment')" in migration.read_text()
    run("flask", "--app", "experiments", "db", "check")
    run(sys.executable, "-c", TWO_TENANTS)
    run("flask", "--app", "wsgi", "db", "migrate", "-m", "forgetful")  # which does not know the table
    [forgetful] = (example / "migrations" / "versions").glob("*_forgetful.py")
    upgrade, downgrade = forgetful.read_text().split("def downgrade")
    assert "op.drop_table('experiment')" in upgrade
    assert downgrade.index("create_table('experiment'") < downgrade.index("wall_off('experiment')")
    forgetful.unlink()
    run("flask", "--app", "experiments", "db", "downgrade", "0002")
    run("flask", "--app", "experiments", "db", "upgrade")
    run("flask", "--app", "experiments", "db", "check")
