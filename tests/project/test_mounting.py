"""authapp beside a Flask application with its own database and sessions, as docs/project.md says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import flask
import pytest

from authapp import Blueprint, public, require_active_user
from authapp.instance import ROOT
from authapp.web.application import Application
from tests.factories import PASSWORD, World
from tests.pages import blocks

PAGE = "docs/project.md"
SHOP = """
from flask import Flask, session
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import select

app = Flask(__name__)
app.config.update(SECRET_KEY="of the shop", SQLALCHEMY_DATABASE_URI="sqlite:///shop.db")
db = SQLAlchemy(app)

class Order(db.Model):
    id = db.Column(db.Integer, primary_key=True)

with app.app_context():
    db.create_all()

@app.get("/")
def index():
    return "the shop"

@app.post("/orders")
def order():
    session["orders"] = session.get("orders", 0) + 1
    db.session.add(Order())
    db.session.commit()
    return {"mine": session["orders"], "all": len(db.session.scalars(select(Order)).all())}

@app.get("/accounts")
def accounts():
    return "of the shop"
"""
CALLS = f"""
from wsgi import app
client = app.test_client()
assert client.get("/").text == "the shop"
assert client.get("/accounts").text == "of the shop"
assert client.get("/nothing").mimetype == "text/html"
assert client.get("/api/v1/nothing").mimetype == "application/problem+json"
assert client.get("/readyz").get_json() == {{"status": "ready"}}
account = {{"email": "ada@example.com", "password": "{PASSWORD}", "organization_name": "Acme"}}
session = client.post("/api/v1/auth/register", json=account).get_json()
for number in (1, 2):
    assert client.post("/orders").get_json() == {{"mine": number, "all": number}}
    headers = {{"Authorization": "Bearer " + session["access_token"]}}
    assert client.get("/api/v1/auth/me", headers=headers).get_json()["email"] == "ada@example.com"
assert app.test_client().post("/orders").get_json() == {{"mine": 1, "all": 3}}
assert client.get("/sign-in").status_code == client.get("/.well-known/jwks.json").status_code == 200
assert client.delete("/sign-in").get_json()["code"] == "method_not_allowed"
assert app.test_cli_runner().invoke(args=["db", "current"]).exit_code == 0
"""


def test_the_example_serves_both_applications(world: World, tmp_path: Path) -> None:
    [example] = blocks(PAGE, "python")
    (tmp_path / "wsgi.py").write_text(example)
    (tmp_path / "shop.py").write_text(SHOP)
    environment = {
        **os.environ,
        "APP_ENV": "testing",
        "DATABASE_URL": world.app.settings.database_url,
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-c", CALLS]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_example_has_every_path_of_authapp_but_the_first_page(app: Application) -> None:
    [example] = blocks(PAGE, "python")
    [paths] = re.findall(r"^PATHS = \((.*?)^\)", example, re.DOTALL | re.MULTILINE)
    own = set(re.findall(r'"(/[^"]+)"', paths))
    rules = {rule.rule for rule in app.url_map.iter_rules()} - {"/"}
    served = {"/api/v1" if rule.startswith("/api/v1") else "/" + rule.split("/")[1] for rule in rules}
    assert own == served


def test_a_blueprint_of_authapp_is_refused_by_another_application_with_a_sentence() -> None:
    with pytest.raises(
        RuntimeError, match=r"The blueprint models works in an application of create_app\(\) only.*the blueprint"
    ):
        flask.Flask("shop").register_blueprint(Blueprint("models", __name__))


@pytest.mark.parametrize("guard", [public, require_active_user])
def test_a_guard_on_a_route_of_another_application_lets_nobody_in_and_says_why(guard: object) -> None:
    shop = flask.Flask("shop")
    shop.testing = True
    shop.add_url_rule("/secret", view_func=guard(lambda: "secret"))  # type: ignore[operator]
    with pytest.raises(RuntimeError, match=r"The guard \w+ works in an application of create_app\(\) only.*verify"):
        shop.test_client().get("/secret")
