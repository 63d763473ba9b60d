"""Deny by default: no route without a guard, and every guard lets in exactly whom the reviewed policy names."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, cast

import flask
import pytest
from sqlalchemy import literal, select

from authapp.core.clock import FrozenClock
from authapp.core.roles import Role
from authapp.db.engine import db
from authapp.decorators.guards import get_current_active_user, public, require_active_user, require_organization_role
from authapp.decorators.rate_limits import RATE_LIMITS
from authapp.schemas.fields import Request
from authapp.web.application import Application, TakenRoute
from authapp.web.blueprint import Blueprint
from authapp.web.guard_marks import UnguardedRoute, View
from authapp.web.openapi import API_PREFIX
from tests.factories import UNKNOWN_ID, AppWith, Caller, World
from tests.operators import operator
from tests.workloads import trust, workload


def _table(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((Path(__file__).parent / name).read_text().splitlines()))


ROUTES = _table("routes.csv")  # the guard of each route
GUARDS = _table("guards.csv")  # what each kind of caller gets from each guard


def _wrapper(view: View) -> View:
    @wraps(view)
    def wrapper(**ids: Any) -> Any:
        return view(**ids)

    return cast("View", wrapper)


def test_a_route_without_a_guard_is_refused_at_registration(app_with: AppWith) -> None:
    with pytest.raises(UnguardedRoute, match="/open has no guard"):
        app_with().add_url_rule("/open", view_func=lambda: "")


def test_a_blueprint_without_guards_is_refused_whenever_it_comes(app_with: AppWith) -> None:
    blueprint = flask.Blueprint("theirs", __name__)
    blueprint.add_url_rule("/theirs", "view", lambda: "")
    with pytest.raises(UnguardedRoute):
        app_with().register_blueprint(blueprint)


@pytest.mark.parametrize("guard", [public, require_active_user, require_organization_role(Role.VIEWER)])
@pytest.mark.parametrize(
    "above", [Blueprint("above", __name__).arguments(Request), Blueprint("above", __name__).response(200), _wrapper]
)
def test_nothing_may_stand_above_a_guard(app_with: AppWith, guard: Callable[[Any], Any], above: Any) -> None:
    with pytest.raises(UnguardedRoute, match="right below the route"):
        app_with().add_url_rule("/<organization_id>", view_func=above(guard(dict)))


def test_a_route_is_registered_once(app_with: AppWith) -> None:
    blueprint = Blueprint("again", __name__, url_prefix="/auth/me")
    blueprint.get("")(public(dict))
    with pytest.raises(TakenRoute, match="/api/v1/auth/me is served already"):
        app_with(blueprints=[blueprint])


def test_the_guards_command_prints_the_reviewed_policy_and_the_rate_limits(app: Application) -> None:
    printed = app.test_cli_runner().invoke(args=["guards"]).output
    rows = re.findall(r"^(\S+) +(\S+) +(.+?)(?:  (.+))?$", printed, re.MULTILINE)
    assert [row[:3] for row in rows] == [(row["method"], row["route"], row["guard"]) for row in ROUTES]
    limits = {f"{method} {route.removeprefix(API_PREFIX)}": limit for method, route, _, limit in rows if limit}
    assert limits == RATE_LIMITS


def test_a_guard_of_an_organization_needs_one_in_the_path(app_with: AppWith) -> None:
    blueprint = Blueprint("lost", __name__, url_prefix="/lost")
    blueprint.get("")(require_organization_role(Role.VIEWER)(dict))
    with pytest.raises(UnguardedRoute, match="organization_id"):
        app_with(blueprints=[blueprint])


@pytest.mark.parametrize("row", ROUTES, ids=lambda row: f"{row['method']} {row['route']}")
def test_each_caller_is_let_in_or_refused_as_reviewed(world: World, time: FrozenClock, row: dict[str, str]) -> None:
    callers, organization_id = everybody(world, time)
    path = re.sub(r"<organization_id>", organization_id, row["route"])
    path = re.sub(r"<\w+>", UNKNOWN_ID, path)
    found = {}
    for name, caller in callers.items():
        response = caller.open(path, method=row["method"])
        code = (response.get_json(silent=True) or {}).get("code", "")
        found[name] = f"{response.status_code} {code}" if response.status_code in (401, 403) else "enters"
    assert found == {caller["caller"]: caller[row["guard"]] for caller in GUARDS}


def everybody(world: World, time: FrozenClock) -> tuple[dict[str, Caller], str]:
    """One caller of each kind, and the organization whose members and keys some of them are.

    Nobody sends a body. So the last caller, who may delete the organization, does so after all others.
    """
    admin = world.person("Acme")
    organization_id = admin.organization_id
    expired = world.caller(admin.session["access_token"])
    time.advance(minutes=24)
    signed_in_long_ago, operator_long_ago = world.person(), operator(world)
    world.join(signed_in_long_ago, organization_id, "admin")
    time.advance(minutes=6)
    admin = world.sign_in(admin)
    members = {role: world.person() for role in ("developer", "viewer")}
    for role, member in members.items():
        world.join(member, organization_id, role)
    inactive = world.person()
    world.join(inactive, organization_id, "admin")
    world.sql("UPDATE users SET is_active = false WHERE id = :id", id=inactive.id)
    signed_out = world.sign_in(admin)
    signed_out.call("POST", "/auth/logout")
    stranger = world.person("Elsewhere")
    has_not_used_factor = operator(world)
    world.sql("UPDATE sessions SET amr = '{pwd}' WHERE user_id = :id", id=has_not_used_factor.id)
    rights = ("introspect", "revocations", "metrics")
    keys = {role: world.api_key(admin, organization_id, role) for role in ("developer", "viewer")}
    return {
        "anonymous": world.caller(),
        "expired": expired,
        "signed_out": signed_out.caller,
        "refresh_token": world.caller(admin.refresh_token),
        "inactive": inactive.caller,
        "stranger": stranger.caller,
        "foreign_api_key": world.caller(world.api_key(stranger, stranger.organization_id, "developer")),
        "viewer_api_key": world.caller(keys["viewer"]),
        "developer_api_key": world.caller(keys["developer"]),
        "foreign_workload": workload(world, trust(stranger)),
        "developer_workload": workload(world, trust(admin, organization_id)),
        "viewer": members["viewer"].caller,
        "developer": members["developer"].caller,
        "service_key": world.caller(world.service_key(*rights)),
        "service_key_of_other_rights": world.caller(world.service_key("decide")),
        "admin_signed_in_long_ago": signed_in_long_ago.caller,
        "operator_who_has_not_used_it": has_not_used_factor.caller,
        "operator_signed_in_long_ago": operator_long_ago.caller,
        "operator": operator(world).caller,
        "admin": admin.caller,
    }, organization_id


ROLES = ["viewer", "developer", "admin"]


@pytest.mark.parametrize("needed", ROLES)
@pytest.mark.parametrize("held", ROLES)
def test_a_role_includes_the_rights_of_lower_roles(world: World, app_with: AppWith, needed: str, held: str) -> None:
    blueprint = Blueprint("things", __name__, url_prefix="/organizations/<organization_id>/things")

    @blueprint.get("")
    @require_organization_role(Role(needed))
    def list_things(organization_id: Any) -> dict[str, str]:
        return {"organization_id": str(organization_id)}

    app = app_with(blueprints=[blueprint])
    founder, member = world.person("Acme"), world.person()
    world.join(member, founder.organization_id, held)
    response = app.test_client().get(
        f"/api/v1/organizations/{founder.organization_id}/things",
        headers={"Authorization": f"Bearer {member.session['access_token']}"},
    )
    enough = ROLES.index(held) >= ROLES.index(needed)
    assert response.status_code == (200 if enough else 403)
    assert response.get_json().get("code") == (None if enough else "role_too_low")


def test_a_public_view_may_ask_who_calls(world: World, app_with: AppWith) -> None:
    blueprint = Blueprint("greetings", __name__, url_prefix="/greetings")

    @blueprint.get("")
    @public
    def greet() -> dict[str, str]:
        return {"email": get_current_active_user().email}

    client = app_with(blueprints=[blueprint]).test_client()
    person = world.person()
    headers = {"Authorization": f"Bearer {person.session['access_token']}"}
    assert client.get("/api/v1/greetings", headers=headers).get_json() == {"email": person.email}
    assert client.get("/api/v1/greetings").status_code == 401


def test_a_path_that_cannot_be_stored_names_nothing(world: World, app_with: AppWith) -> None:
    blueprint = Blueprint("files", __name__, url_prefix="/files")

    @blueprint.get("/<name>")
    @public
    def read(name: str) -> dict[str, str]:
        return {"name": db.session.scalar(select(literal(name))) or ""}

    client = app_with(blueprints=[blueprint]).test_client()
    assert client.get("/api/v1/files/a").get_json() == {"name": "a"}
    assert client.get("/api/v1/files/a%00b").status_code == 404
