"""A query parameter that no view declares is refused, never ignored, once the guard has let the caller in."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from authapp.decorators.guards import public
from authapp.schemas.sessions import LiveSessionQuery
from authapp.web.blueprint import Blueprint
from tests.architecture.test_guards import GUARDS, ROUTES
from tests.factories import API, UNKNOWN_ID, AppWith, World
from tests.operators import operator

DOCUMENTATION = ("/api/v1/openapi.json", "/docs")
CALLBACK = "/api/v1/auth/sso/<provider>/callback"  # providers add parameters
CHECK = "/api/v1/auth/check"  # answered with 403, see tests/features/checks
NOT_STRICT = (*DOCUMENTATION, CALLBACK, CHECK)
API_ROUTES = [row for row in ROUTES if row["route"].startswith(API) and not row["route"].startswith(NOT_STRICT)]
OTHER_ROUTES = [row for row in ROUTES if row not in API_ROUTES and row["route"] not in (CALLBACK, CHECK)]
EVERY_API_ROUTE = pytest.mark.parametrize("row", API_ROUTES, ids=lambda row: f"{row['method']} {row['route']}")


def path_of(route: str, organization_id: str) -> str:
    return re.sub(r"<\w+>", UNKNOWN_ID, route.replace("<organization_id>", organization_id)) + "?x=1"


@EVERY_API_ROUTE
def test_an_unknown_query_parameter_is_a_422_on_every_route_of_the_api(world: World, row: dict[str, str]) -> None:
    admin = operator(world, "Acme") if row["guard"].startswith("require_operator") else world.person("Acme")
    is_for_services = row["guard"].startswith("require_service_key")
    caller = world.caller(world.service_key("introspect", "revocations")) if is_for_services else admin.caller
    answer = caller.open(path_of(row["route"], admin.organization_id), method=row["method"])
    assert answer.status_code == 422
    assert answer.get_json()["errors"] == {"query": {"x": ["Unknown field."]}}


@EVERY_API_ROUTE
def test_the_guard_comes_before_the_query(world: World, row: dict[str, str]) -> None:
    organization_id = world.person("Acme").organization_id
    path = path_of(row["route"], organization_id)
    for caller, name in ((world.caller(), "anonymous"), (world.person().caller, "stranger")):
        answer = caller.open(path, method=row["method"])
        [reviewed] = [guards[row["guard"]] for guards in GUARDS if guards["caller"] == name]
        expected = 422 if reviewed == "enters" else int(reviewed.partition(" ")[0])
        assert answer.status_code == expected, name


@pytest.mark.parametrize("row", OTHER_ROUTES, ids=lambda row: row["route"])
def test_routes_outside_of_the_api_ignore_unknown_query_parameters(world: World, row: dict[str, str]) -> None:
    with_parameter, without = (world.caller().open(row["route"] + query, buffered=True) for query in ("?x=1", ""))
    assert with_parameter.status_code == without.status_code != 422


def test_views_of_others_refuse_the_unknown_query_unless_their_blueprint_ignores_it(app_with: AppWith) -> None:
    strict = Blueprint("strict", __name__, url_prefix="/strict")
    lenient = Blueprint("lenient", __name__, url_prefix="/lenient", ignore_unknown_query=True)
    for blueprint in (strict, lenient):
        blueprint.get("")(public(_view(f"{blueprint.name}_plain")))
        paged = blueprint.arguments(LiveSessionQuery, location="query")(_view(f"{blueprint.name}_paged"))
        blueprint.get("/paged")(public(paged))
    client = app_with(blueprints=[strict, lenient]).test_client()
    assert client.get("/api/v1/strict").status_code == 200
    assert client.get("/api/v1/strict?x=1").status_code == 422
    assert client.get("/api/v1/strict/paged?limit=1").status_code == 200
    assert client.get("/api/v1/lenient?x=1").status_code == 200
    assert client.get("/api/v1/lenient/paged?x=1").status_code == 422


def test_no_reply_grows_with_the_query(world: World) -> None:
    query = "&".join(f"{'x' * 500}{number}" for number in range(100))
    assert len(world.person().call("GET", f"/auth/me?{query}").get_json()["errors"]["query"]) <= 20


def _view(name: str) -> Callable[..., Any]:
    def view(*query: Any) -> dict[str, str]:
        return {}

    view.__name__ = name
    return view
