"""The examples of docs/permissions.md run as they stand there."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from authapp.config import Settings
from authapp.db.engine import db
from tests.factories import PASSWORD, World
from tests.pages import blocks, examples

PAGE = "docs/permissions.md"


def test_the_example_runs_as_it_stands(
    world: World, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [(name, text)] = examples(PAGE).items()
    (tmp_path / name).write_text(text)
    monkeypatch.setenv("APP_ENV", "testing")
    monkeypatch.setenv("DATABASE_URL", settings.database_url)
    app = runpy.run_path(str(tmp_path / name))["app"]
    client = app.test_client()
    body = {"email": "ada@example.com", "password": PASSWORD, "organization_name": "Acme"}
    session = client.post("/api/v1/auth/register", json=body).get_json()
    path = f"/api/v1/organizations/{session['organization']['id']}/labels"
    headers = {"Authorization": f"Bearer {session['access_token']}"}
    all_held = ["models.deploy", "models.label", "models.read"]
    assert client.get(path, headers=headers).get_json() == {"may_deploy": True}
    assert client.post(path, headers=headers).get_json() == {"role": "admin"}
    assert client.post(f"{path}/deployments", headers=headers).get_json() == {"permissions": all_held}
    other = client.post("/api/v1/auth/register", json={"email": "bob@example.com", "password": PASSWORD}).get_json()
    member, home = other["user"]["id"], session["organization"]["id"]
    as_other = {"Authorization": f"Bearer {other['access_token']}"}
    world.sql(
        "INSERT INTO memberships (user_id, organization_id, role) VALUES (:member, :home, 'viewer')",
        member=member,
        home=home,
    )
    for role, answers in {"viewer": (200, 403, 403), "annotator": (200, 200, 403), "trainer": (200, 200, 200)}.items():
        world.sql("UPDATE memberships SET role = :role WHERE user_id = :member", member=member, role=role)
        found = (
            client.get(path, headers=as_other),
            client.post(path, headers=as_other),
            client.post(f"{path}/deployments", headers=as_other),
        )
        assert tuple(each.status_code for each in found) == answers, role
    with app.app_context():
        for engine in db.engines.values():
            engine.dispose()


def test_a_role_is_renamed_by_the_statements_of_the_docs(world: World) -> None:
    admin = world.person("Acme")
    for number in range(3):
        world.join(world.person(), admin.organization_id, "annotator" if number else "viewer")
    [statements] = blocks(PAGE, "sql")
    with world.app.app_context():  # as the role that migrations have, which row-level security binds
        db.session.execute(db.text(statements))
        db.session.commit()
    roles = world.sql("SELECT role FROM memberships ORDER BY role")
    assert [role for (role,) in roles] == ["admin", "labeler", "labeler", "viewer"]
    assert re.findall(r"(NO )?FORCE", statements) == ["NO ", ""]
    assert world.sql("SELECT relforcerowsecurity FROM pg_class WHERE relname = 'memberships'") == [(True,)]
