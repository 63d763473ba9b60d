"""The examples of docs/hooks.md run as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import authapp
from authapp.config import Settings
from authapp.core.claims import LARGEST as LARGEST_CLAIMS
from authapp.core.claims import TokenSubject
from authapp.core.hooks import Event
from authapp.services.profiles import LARGEST
from tests.factories import PASSWORD, World
from tests.pages import page

PAGE = "docs/hooks.md"
EXAMPLES = dict(
    re.findall(r"Save this\s+as\s+`(\w+\.py)`:\n\n```python\n(.*?)^```", page(PAGE), re.DOTALL | re.MULTILINE)
)
REGISTER = f"""
def register(email, **more):
    body = {{"email": email, "password": "{PASSWORD}", **more}}
    return app.test_client().post("/api/v1/auth/register", json=body).get_json()

def call(session, method, path, **options):
    headers = {{"Authorization": "Bearer " + session["access_token"]}}
    return app.test_client().open("/api/v1" + path, method=method, headers=headers, **options).get_json()
"""
CALLS = {
    "projects.py": """
from authapp import set_tenant
from authapp.db import transaction
from authapp.db.row_level_security import enable_rls
from projects import Project, app, db
from sqlalchemy import select, text
from uuid import UUID
REGISTER
with app.app_context():
    Project.__table__.create(transaction.connection())
    for statement in enable_rls("project"):
        transaction.execute(text(statement))
    transaction.commit()
assert register("eve@evil.example.com", organization_name="Evil")["code"] == "domain_not_allowed"
acme = register("ada@acme.example.com", organization_name="Acme")["organization"]
with app.app_context():
    assert db.session.scalars(select(Project.name)).all() == []
    set_tenant(UUID(acme["id"]))
    assert db.session.scalars(select(Project.name)).all() == ["default"]
document = app.test_client().get("/api/v1/openapi.json").get_json()
assert "domain_not_allowed" in str(document["paths"]["/api/v1/auth/register"]["post"]["responses"]["403"])
""",
    "plans_in_tokens.py": """
import jwt
from plans_in_tokens import app
REGISTER
session = register("ada@example.com")
assert jwt.decode(session["access_token"], options={"verify_signature": False})["domain"] == "example.com"
assert call(session, "GET", "/auth/me")["email"] == "ada@example.com"
""",
    "people.py": """
from people import app
REGISTER
assert register("eve@example.com", profile={"phone": "1"})["errors"]["json"]["profile"].keys() == {"newsletter"}
session = register("ada@example.com", profile={"phone": "1", "newsletter": True})
assert call(session, "GET", "/auth/me")["profile"] == {"phone": "1", "newsletter": True}
changed = call(session, "PATCH", "/auth/me", json={"profile": {"phone": None}})
assert changed["profile"] == {"newsletter": True}
""",
}


def test_every_example_of_the_page_is_run() -> None:
    assert EXAMPLES.keys() == CALLS.keys()
    assert page(PAGE).count("```python") == len(CALLS)


@pytest.mark.parametrize("name", CALLS)
def test_an_example_of_the_page_runs_as_it_stands(name: str, settings: Settings, world: World, tmp_path: Path) -> None:
    (tmp_path / name).write_text(EXAMPLES[name])
    environment = {
        **os.environ,
        "APP_ENV": "testing",
        "DATABASE_URL": settings.database_url,
        "PYTHONPATH": str(Path(authapp.__file__).parents[1]),
    }
    script = CALLS[name].replace("REGISTER", REGISTER)
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    world.sql("DROP TABLE IF EXISTS project")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_names_every_attribute_and_the_limits() -> None:
    text = page(PAGE)
    assert re.findall(r"^\| `(\w+)` \| ", text, re.MULTILINE)[: len(Event._fields)] == list(Event._fields)
    assert all(f"`{name}`" in text for name in TokenSubject._fields)
    assert f"at most {LARGEST // 1024} KiB" in text
    assert f"larger than {LARGEST_CLAIMS // 1024} KiB" in text
