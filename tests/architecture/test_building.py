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
from authapp import Action, Blueprint, Reply, audit, current_actor, get_current_active_user, guard, public
from authapp.config import Settings
from authapp.core.actor import Actor
from authapp.core.errors import RoleTooLow
from authapp.decorators.guards import ACCOUNT_ERRORS, PathIds
from authapp.web.application import TakenName
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
EVERY_NAME = """
from authapp import {names}

reveal = [{names}]
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
    "deployments.py": """
from uuid import uuid4
from sqlalchemy import update
from authapp import db
from authapp.mail import sending
from authapp.models import User
from deployments import app
REGISTERED
path = f"/api/v1/organizations/{organization_id}"
model = uuid4()
assert client.post(f"{path}/deployments/{model}", headers=headers).status_code == 204
found = client.get(f"{path}/audit-events?action=model.deployed", headers=headers).get_json()["items"]
assert [(event["target_id"], event["details"]) for event in found] == [(str(model), {"stage": "production"})]
unknown = client.get(f"{path}/audit-events?action=model.forgotten", headers=headers)
assert unknown.status_code == 422 and "model.deployed" in unknown.text
schemas = client.get("/api/v1/openapi.json").get_json()["components"]["schemas"]
assert schemas["AuditAction"]["enum"][-1] == "model.deployed"
with app.app_context():
    db.session.execute(update(User).values(email_verified=True))
    db.session.commit()
invited = {"email": "grace@example.com", "role": "viewer"}
assert client.post(f"{path}/invitations", headers=headers, json=invited).status_code == 201
with app.app_context():
    sending.send_due(app.mailer)
    by_recipient = {(to, message.subject): message for to, message in app.mailer.sent}
    deployed = by_recipient["builder@example.com", "A model was deployed"]
    assert f"The model {model} is in production now." in deployed.text
    assert f'href="https://ml.example.com/models/{model}"' in deployed.html
    invitation = by_recipient["grace@example.com", "Builders trains models with you"]
    assert "POST /api/v1/invitations/accept takes this token." in invitation.text
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


def save_examples(folder: Path) -> None:
    for name, text in examples().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


@pytest.mark.parametrize("name", CALLS)
def test_an_example_of_the_docs_runs_as_it_stands(name: str, settings: Settings, world: World, tmp_path: Path) -> None:
    save_examples(tmp_path)
    environment = {
        **os.environ,
        "APP_ENV": "testing",
        "MAIL_URL": "memory:",
        "DATABASE_URL": settings.database_url,
        "PYTHONPATH": str(Path(authapp.__file__).parents[1]),
    }
    script = CALLS[name].replace("REGISTERED", REGISTERED)
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_examples_pass_mypy_strict_as_code_of_somebody_else(tmp_path: Path) -> None:
    save_examples(tmp_path)
    (tmp_path / "every_name.py").write_text(EVERY_NAME.format(names=", ".join(authapp.__all__)))
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--cache-dir=cache", "."]
    environment = {**os.environ, "MYPYPATH": str(Path(authapp.__file__).parents[1])}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_names_to_import_are_those_of_the_table() -> None:
    table = page(BUILDING).partition("## What you may import")[2]
    cells = re.findall(r"^\| [^|]+ \| (`.*) \|$", table, re.MULTILINE)
    named = set(re.findall(r"`(\w+)`", "".join(cells)))
    # what stands behind `module`: its … and before the next semicolon is in that module
    inner = set(re.findall(r"`(\w+)`", "".join(part for cell in cells for part in re.findall(r": its ([^;]*)", cell))))
    assert sorted(named - inner) == authapp.__all__
    source = Path(authapp.__file__).read_text()
    assert sorted(re.findall(r"^    from \S+ import (\w+) as \1$", source, re.MULTILINE)) == authapp.__all__
    modules = (authapp.audit, authapp.organizations, authapp.outbox, authapp.transaction)
    assert {name for name in inner if not any(hasattr(module, name) for module in modules)} == set()
    assert not hasattr(authapp, "nothing")
    assert [name for name in authapp.__all__ if not hasattr(authapp, name)] == []


def _make_action(value: str) -> None:
    class Wrong(Action):
        DEPLOYED = value


def test_an_action_needs_the_grammar_of_actions_and_an_enum(world: World) -> None:
    for value in ("deployed", "Model.deployed", "model.deployed ", "model." + "x" * 60):
        with pytest.raises(ValueError, match="is no action"):
            _make_action(value)
    with world.app.app_context(), pytest.raises(TypeError, match=r"'model\.deployed' is no action"):
        audit.record("model.deployed", None)  # type: ignore[arg-type]


def test_a_schema_with_the_name_of_another_is_refused_at_the_start(app_with: AppWith) -> None:
    class User(Reply):
        """Somebody."""

    blueprint = Blueprint("theirs", __name__, url_prefix="/theirs")
    blueprint.get("")(public(blueprint.response(200, User)(dict)))
    with pytest.raises(TakenName, match=r"Two schemas are named User .* Rename one of the classes"):
        app_with(blueprints=[blueprint])


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
    no_guards = {"require_recent"}  # a check for views
    guards = [name for name in authapp.__all__ if name == "public" or name.startswith("require_")]
    guards = [name for name in guards if name not in no_guards]
    assert sorted(re.findall(r"^\| `(public|require_\w+)", text, re.MULTILINE)) == guards
    [rows] = re.findall(r"^## The caller: current_actor\n(.*?)^## ", text, re.DOTALL | re.MULTILINE)
    told = {name for cell in re.findall(r"^\| (`.*?) \|", rows, re.MULTILINE) for name in re.findall(r"`(\w+)`", cell)}
    assert told | {"organization", "memberships"} == {name for name in dir(Actor) if not name.startswith("_")}
