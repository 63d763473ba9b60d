"""Somebody's own tables with row-level security: the example of docs/building.md, with its own migration."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from authapp.dev.postgres import create_database
from authapp.instance import ROOT
from tests.factories import PASSWORD
from tests.pages import BUILDING, blocks, examples

TWO_TENANTS = f"""
from uuid import uuid4
from experiments import Experiment, Run, app
from authapp.db import tenancy, transaction
from authapp.db.engine import db
from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError

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
assert [ask.post(f"{{his}}/churn", headers=bob).status_code for _ in range(2)] == [200, 409]
with app.app_context():
    assert db.session.scalar(select(func.count()).select_from(Experiment)) == 0
    for path in (hers, his):
        tenancy.set_tenant(path.split("/")[4])
        churn = db.session.scalars(select(Experiment.id).where(Experiment.name == "churn")).one()
        db.session.add(Run(experiment_id=churn))
        transaction.commit()
    for unknown in (churn, uuid4()):
        tenancy.set_tenant(hers.split("/")[4])
        db.session.add(Run(experiment_id=unknown))
        try:
            transaction.commit()
        except IntegrityError as error:
            assert error.orig.diag.constraint_name == "fk_run_organization_id_experiment_id"
            transaction.rollback()
        else:
            raise AssertionError("refers to another organization")
    tenancy.set_tenant(hers.split("/")[4])
    assert db.session.execute(delete(Experiment)).rowcount == 1
    transaction.commit()
    tenancy.set_tenant(his.split("/")[4])
    assert db.session.scalars(select(Run.experiment_id)).all() == [churn]
assert ask.get(hers, headers=ada).get_json() == []
assert sorted(ask.get(his, headers=bob).get_json()) == ["churn", "fraud"]
assert ask.get("/readyz").status_code == 200
operation = ask.get("/api/v1/openapi.json").get_json()["paths"]["/api/v1/organizations/{{organization_id}}/experiments"]
assert operation["get"]["security"]
print(*(path.split("/")[4] for path in (hers, his)))
"""


LARGE_AND_QUEUED = f"""
from lists import app as lists
from evaluations import app as evaluations

ids = []
for name, large in (("ada", 1), ("bob", 0)):
    client = lists.test_client()
    body = {{"email": f"{{name}}@example.com", "password": "{PASSWORD}", "organization_name": name}}
    session = client.post("/api/v1/auth/register", json=body).get_json()
    headers = {{"Authorization": "Bearer " + session["access_token"]}}
    ids.append(session["organization"]["id"])
    path = f"/api/v1/organizations/{{ids[-1]}}"
    names = [f"{{number}}".ljust(90, "x") for number in range(2000)] if large else ["single"]
    assert client.post(f"{{path}}/experiments", headers=headers, json={{"names": names}}).status_code == 204
    pages = client.get(f"{{path}}/experiments?limit=1&name={{names[0]}}", headers=headers).get_json()
    assert pages["next_cursor"] is None
    [experiment] = pages["items"]
    assert experiment["name"] == names[0]
    everything = client.get(f"{{path}}/experiments", headers=headers).get_json()
    assert (everything["next_cursor"] is None) is not bool(large)
    queued = f"{{path}}/evaluations/{{experiment['id']}}"
    assert evaluations.test_client().post(queued, headers=headers).status_code == 204
    for other in (*ids, first) if ids[1:] else ids:  # of another organization, or of none
        refused = evaluations.test_client().post(f"{{path}}/evaluations/{{other}}", headers=headers)
        assert refused.status_code == 409
    first = experiment["id"]
print(*ids)
"""
ACROSS_ORGANIZATIONS = """
from sqlalchemy import ForeignKey
from sqlalchemy.orm import mapped_column

class Label(TenantModel):
    name: Mapped[str] = mapped_column(primary_key=True)
    host: Mapped[str] = mapped_column(unique=True)
    run_id: Mapped[UUID] = mapped_column(ForeignKey("run.id"))
"""


@pytest.fixture
def example(tmp_path: Path, migrations: str) -> Path:
    """A clone with the modules of the example in it."""
    assert Path(migrations).parent == tmp_path
    shutil.copytree(ROOT / "authapp", tmp_path / "authapp", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("config.py", "wsgi.py"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("experiments.py", "evaluations.py", "lists.py", "cleanup.py", "worker.py"):
        (tmp_path / name).write_text(examples()[name])
    return tmp_path


class Clone:
    """A clone with the modules of the example in it, and a database of its own."""

    def __init__(self, folder: Path, socket_folder: str, database: str) -> None:
        create_database(socket_folder, database)
        self.folder = folder
        self.environment = {
            **os.environ,
            "APP_ENV": "testing",
            "DATABASE_URL": f"postgresql://authapp@/{database}?host={socket_folder}",
            "PYTHONPATH": str(folder),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }

    def run(self, *command: str, fails: bool = False) -> str:
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == int(fails), done.stdout + done.stderr
        return done.stdout + done.stderr

    def follow(self, page: str) -> None:
        """Run the commands of a page."""
        [commands] = blocks(page, "console")
        for command in commands.splitlines():
            self.run("sh", "-c", command)


@pytest.fixture
def clone(example: Path, socket_folder: str, worker_id: str) -> Clone:
    clone = Clone(example, socket_folder, f"{example.name}_{worker_id}")
    clone.run("flask", "--app", "wsgi", "db", "upgrade")
    return clone


def test_a_queue_of_ones_own_is_read_across_organizations_by_the_worker_of_the_docs(clone: Clone) -> None:
    clone.follow("docs/building/tables.md")  # with the tables of experiments.py, which it imports
    [migration] = (clone.folder / "migrations" / "versions").glob("*_evaluations.py")
    assert "POLICY evaluation" not in migration.read_text()
    clone.run("flask", "--app", "evaluations", "db", "check")
    hers, his = clone.run(sys.executable, "-c", LARGE_AND_QUEUED).splitlines()[-1].split()
    assert "2 evaluations done\n" in clone.run(sys.executable, "worker.py")
    assert "0 evaluations done\n" in clone.run(sys.executable, "worker.py")
    assert f"{hers}: 1 runs deleted\n{his}: 1 runs deleted\n" in clone.run(sys.executable, "cleanup.py")


def test_a_table_of_ones_own_gets_row_level_security_by_its_own_migration(clone: Clone) -> None:
    example, run = clone.folder, clone.run
    clone.follow(BUILDING)
    [migration] = (example / "migrations" / "versions").glob("*_experiments.py")
    assert "CREATE POLICY experiment_shown ON experiment FOR SELECT" in migration.read_text()
    assert "CREATE POLICY experiment_operator ON experiment USING (authapp_is_operator())" in migration.read_text()
    assert "CREATE TRIGGER experiment_touch_updated_at BEFORE UPDATE ON experiment" in migration.read_text()
    run("flask", "--app", "experiments", "db", "check")
    hers, his = run(sys.executable, "-c", TWO_TENANTS).splitlines()[-1].split()
    assert f"{hers}: 0 runs deleted\n{his}: 1 runs deleted\n" in run(sys.executable, "cleanup.py")
    differs = run("flask", "--app", "wsgi", "db", "check", fails=True)
    assert differs.startswith("Error: The models differ from the database:\n")
    assert "\n  remove_table experiment\n" in differs
    warned = run("flask", "--app", "wsgi", "db", "migrate", "-m", "forgetful")  # which does not know the table
    assert "This migration drops tables that no model knows: " in warned
    [forgetful] = (example / "migrations" / "versions").glob("*_forgetful.py")
    upgrade, downgrade = forgetful.read_text().split("def downgrade")
    assert "op.drop_table('experiment')" in upgrade
    assert downgrade.index("create_table('experiment'") < downgrade.index("CREATE POLICY experiment_shown")
    forgetful.unlink()
    run("flask", "--app", "experiments", "db", "downgrade", "0002")
    run("flask", "--app", "experiments", "db", "upgrade")
    run("flask", "--app", "experiments", "db", "check")
    (example / "experiments.py").write_text((example / "experiments.py").read_text() + ACROSS_ORGANIZATIONS)
    for command in ("migrate", "check"):
        refused = run("flask", "--app", "experiments", "db", command, fails=True)
        assert '\n  label: foreign key (run_id) to run (id): write run_id = within("run")\n' in refused
        assert "\n  label: primary key (name): " in refused
        assert '\n  label: unique constraint (host): write unique_within("host") in __table_args__\n' in refused
