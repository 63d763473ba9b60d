"""One request, one transaction: retries, errors that are caught, and what the log says of what was rolled back."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import flask
import pytest
from flask_jwt_extended import jwt_required
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from authapp.db.engine import db
from authapp.db.transaction import Stale
from authapp.decorators.guards import get_current_active_user, public
from authapp.web.blueprint import Blueprint
from authapp.web.guard_marks import UnguardedRoute
from tests.factories import API, PASSWORD, AppWith, World


def test_a_request_that_is_run_again_is_authenticated_again(world: World, app_with: AppWith) -> None:
    person, attempts = world.person(), list[str]()
    blueprint = Blueprint("again", __name__, url_prefix="/again")

    @blueprint.get("")
    @public
    def view() -> dict[str, str]:
        attempts.append(get_current_active_user().email)
        person.call("POST", "/auth/logout")
        raise Stale

    caller = world.with_app(app_with(blueprints=[blueprint])).caller(person.session["access_token"])
    response = caller.call("GET", "/again")
    assert (response.status_code, response.get_json()["code"]) == (401, "revoked_token")
    assert attempts == [person.email]


def test_a_view_that_catches_a_database_error_does_not_answer_as_if_it_had_committed(
    world: World, app_with: AppWith
) -> None:
    person = world.person("Acme")
    blueprint = Blueprint("catching", __name__, url_prefix="/catching")

    @blueprint.post("")
    @public
    def view() -> dict[str, str]:
        db.session.execute(text("UPDATE users SET first_name = 'Lost'"))
        with suppress(IntegrityError):
            db.session.execute(text("INSERT INTO users (id, email, password_hash) SELECT id, email, '' FROM users"))
        return {}

    assert app_with(blueprints=[blueprint]).test_client().post(f"{API}/catching").status_code == 500
    assert person.call("GET", "/auth/me").get_json()["first_name"] is None


def test_the_log_names_no_audit_event_that_was_rolled_back(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    world.sql("ALTER TABLE audit_events ADD CONSTRAINT no_sessions CHECK (action <> 'session.started') NOT VALID")
    try:
        response = world.caller().call("POST", "/auth/register", {"email": "ada@example.com", "password": PASSWORD})
    finally:
        world.sql("ALTER TABLE audit_events DROP CONSTRAINT no_sessions")
    assert response.status_code == 500
    [line] = [json.loads(line) for line in capfd.readouterr().out.splitlines() if '"event": "request"' in line]
    assert (line["status"], "audit" in line) == (500, False)
    assert world.sql("SELECT FROM audit_events") == []


def test_one_view_may_have_several_routes_of_a_flask_blueprint(app_with: AppWith) -> None:
    blueprint = flask.Blueprint("pages", __name__)

    @blueprint.route("/pages", defaults={"number": 1})
    @blueprint.route("/pages/<int:number>")
    @public
    def page(number: int) -> dict[str, int]:
        return {"number": number}

    app = app_with()
    app.register_blueprint(blueprint)
    app.add_url_rule("/first-page", view_func=app.view_functions["pages.page"], defaults={"number": 1})
    client = app.test_client()
    assert [client.get(path).get_json()["number"] for path in ("/pages", "/pages/2", "/first-page")] == [1, 2, 1]


def test_a_view_that_is_put_past_add_url_rule_is_not_served(app_with: AppWith) -> None:
    app = app_with()
    app.add_url_rule("/past", endpoint="past")
    app.view_functions["past"] = lambda: "unguarded"
    app.config["PROPAGATE_EXCEPTIONS"] = True
    response = app.test_client().get("/past")
    assert response.status_code == 500
    assert UnguardedRoute.__name__ not in response.text


@pytest.mark.parametrize("end", ["logout", "deactivation"])
def test_flask_jwt_extendeds_own_decorator_refuses_a_session_that_has_ended(
    world: World, app_with: AppWith, end: str
) -> None:
    person = world.person()
    blueprint = Blueprint("theirs", __name__, url_prefix="/theirs")

    @blueprint.get("")
    @public
    @jwt_required()  # type: ignore[untyped-decorator]
    def view() -> dict[str, Any]:
        return {}

    caller = world.with_app(app_with(blueprints=[blueprint])).caller(person.session["access_token"])
    assert caller.call("GET", "/theirs").status_code == 200
    if end == "logout":
        person.call("POST", "/auth/logout")
    else:
        world.sql("UPDATE users SET is_active = false")
    response = caller.call("GET", "/theirs")
    assert (response.status_code, response.get_json()["code"]) == (401, "revoked_token")
