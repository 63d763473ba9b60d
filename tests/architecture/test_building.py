"""The examples of docs/building.md run as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import authapp
from authapp import Blueprint, current_actor, get_current_active_user, guard
from authapp.config import Settings
from authapp.core.actor import Actor
from authapp.core.errors import RoleTooLow
from authapp.decorators.guards import ACCOUNT_ERRORS, PathIds
from tests.factories import PASSWORD, AppWith, World
from tests.pages import BUILDING, examples, page

REGISTERED = f"""
client = app.test_client()
registered = client.post(
    "/api/v1/auth/register",
    json={{"email": "builder@example.com", "password": "{PASSWORD}", "organization_name": "Builders"}},
).get_json()
headers = {{"Authorization": "Bearer " + registered["access_token"]}}
organization_id = registered["organization"]["id"]
"""
CALLS = {
    "registry.py": """
from registry import app
REGISTERED
path = f"/api/v1/organizations/{organization_id}/models"
assert client.get(path).status_code == 401
assert client.get(path, headers=headers).get_json()[0]["registered_by"] == registered["user"]["id"]
posted = client.post(path, headers=headers, json={"name": "fraud"})
assert (posted.status_code, posted.get_json()) == (201, {"name": "fraud", "registered_by": registered["user"]["id"]})
assert client.post(path, headers=headers, json={"name": "churn"}).get_json()["code"] == "model_exists"
assert client.post(path, headers=headers, json={"nom": "churn"}).status_code == 422
operation = client.get("/api/v1/openapi.json").get_json()["paths"][
    "/api/v1/organizations/{organization_id}/models"]["post"]
assert "model_exists" in operation["responses"]["409"]["description"]
""",
    "plans.py": """
from uuid import UUID
from sqlalchemy import update
from authapp import set_tenant
from authapp.db import transaction
from authapp.models import Organization
from plans import app
REGISTERED
path = f"/api/v1/organizations/{organization_id}/reports"
stranger = client.post(
    "/api/v1/auth/register", json={"email": "stranger@example.com", "password": "SecurePassword456"}
).get_json()
refused = client.get(path, headers=headers)
assert (refused.status_code, refused.get_json()["code"]) == (403, "plan_too_low")
with app.app_context():
    set_tenant(UUID(organization_id))
    transaction.execute(update(Organization).where(Organization.id == UUID(organization_id)).values(plan="pro"))
    transaction.commit()
assert client.get(path, headers=headers).get_json() == ["usage"]
assert client.get(path).get_json()["code"] == "missing_token"
outside = client.get(path, headers={"Authorization": "Bearer " + stranger["access_token"]})
assert outside.get_json()["code"] == "not_a_member"
assert client.get("/api/v1/organizations/junk/reports", headers=headers).get_json()["code"] == "validation_failed"
assert "require_plan(pro)" in app.test_cli_runner().invoke(args=["guards"]).output
operation = client.get("/api/v1/openapi.json").get_json()["paths"][
    "/api/v1/organizations/{organization_id}/reports"]["get"]
assert "plan_too_low" in operation["responses"]["403"]["description"]
""",
}


@pytest.mark.parametrize("name", CALLS)
def test_an_example_of_the_docs_runs_as_it_stands(name: str, settings: Settings, world: World, tmp_path: Path) -> None:
    (tmp_path / name).write_text(examples()[name])
    environment = {
        **os.environ,
        "APP_ENV": "testing",
        "DATABASE_URL": settings.database_url,
        "PYTHONPATH": str(Path(authapp.__file__).parents[1]),
    }
    script = CALLS[name].replace("REGISTERED", REGISTERED)
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_guard_of_ones_own_may_be_for_routes_without_an_organization(world: World, app_with: AppWith) -> None:
    def check(ids: PathIds) -> None:
        if get_current_active_user().first_name != "Ada":
            raise RoleTooLow

    blueprint = Blueprint("parties", __name__, url_prefix="/parties")
    require_invited = guard("require_invited", check, *ACCOUNT_ERRORS, RoleTooLow)

    @blueprint.get("")
    @require_invited
    def list_parties() -> list[str]:
        return [str(current_actor.id)]

    client = app_with(blueprints=[blueprint]).test_client()
    ada, bob = world.person("Acme", first_name="Ada"), world.person(first_name="Bob")
    key = world.api_key(ada, ada.organization_id, "viewer")

    def call(token: str) -> Any:
        return client.get("/api/v1/parties", headers={"Authorization": f"Bearer {token}"}).get_json()

    assert call(ada.session["access_token"]) == [str(ada.id)]
    assert call(bob.session["access_token"])["code"] == "role_too_low"
    assert call(key)["code"] == "api_key_not_allowed"


def test_the_docs_name_every_guard_and_every_attribute_of_the_actor() -> None:
    text = page(BUILDING)
    guards = [name for name in authapp.__all__ if name == "public" or name.startswith("require_")]
    assert re.findall(r"^\| `(public|require_\w+)", text, re.MULTILINE) == guards
    [rows] = re.findall(r"^## The caller: current_actor\n(.*?)^## ", text, re.DOTALL | re.MULTILINE)
    told = {name for cell in re.findall(r"^\| (`.*?) \|", rows, re.MULTILINE) for name in re.findall(r"`(\w+)`", cell)}
    assert told | {"organization", "memberships"} == {name for name in dir(Actor) if not name.startswith("_")}
