"""`guards --diff` tells who gains and loses what, and fails where somebody gains something."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from authapp.cli import guard_policy
from authapp.cli.guard_policy import ANYONE, callers_of
from authapp.core.roles import Role
from authapp.decorators.guards import require_active_user, require_organization_role
from authapp.instance import ROOT
from authapp.web.application import Application
from authapp.web.blueprint import Blueprint
from tests.factories import AppWith

REVIEWED = ROOT / "tests" / "architecture"
GUARDS = list(csv.DictReader((REVIEWED / "guards.csv").read_text().splitlines()))
# the callers of guards.csv, which a test sends to every route; `signed_out` and the like are let in by `public` alone
CALLED = {
    "anonymous": ANYONE,
    "refresh_token": ANYONE,
    "stranger": guard_policy.NOT_A_MEMBER,
    "foreign_api_key": guard_policy.FOREIGN_API_KEY,
    "viewer_api_key": "an API key with the role viewer",
    "developer_api_key": "an API key with the role developer",
    "viewer": "a viewer",
    "developer": "a developer",
    "admin_signed_in_long_ago": guard_policy.NOT_RECENT,
    "admin": "an admin",
}


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """A copy of the reviewed policy, to be changed."""
    path = tmp_path / "policy.csv"
    path.write_text((REVIEWED / "routes.csv").read_text())
    return path


def diff(app: Application, path: Path, *options: str) -> tuple[int, str]:
    said = app.test_cli_runner().invoke(args=["guards", "--diff", str(path), *options])
    return said.exit_code, said.output


@pytest.mark.parametrize("guard", [name for name in GUARDS[0] if name != "caller"])
def test_the_callers_of_each_guard_are_those_that_the_api_lets_in(app: Application, guard: str) -> None:
    called = {row["caller"]: row[guard] == "enters" for row in GUARDS}
    with app.app_context():
        found = callers_of(guard)
    assert {name: caller in found for name, caller in CALLED.items()} == {name: called[name] for name in CALLED}


def test_guards_csv_is_the_reviewed_policy_from_which_nothing_differs(app: Application, policy: Path) -> None:
    said = app.test_cli_runner().invoke(args=["guards", "--csv"])
    assert said.output == policy.read_text()
    assert diff(app, policy) == (0, "Nobody gains anything.\n")


def test_guards_json_is_a_policy_too(app: Application, policy: Path) -> None:
    said = app.test_cli_runner().invoke(args=["guards", "--json"])
    routes = json.loads(said.output)
    assert {"method": "GET", "route": "/account", "guard": "public", "rate_limit": None} in routes
    policy.write_text(said.output)
    assert diff(app, policy) == (0, "Nobody gains anything.\n")


@pytest.mark.parametrize(
    ("before", "status", "told"),
    [
        (
            "GET,/account,require_active_user",
            1,
            "GET     /account  require_active_user -> public\n        gain: anyone\n",
        ),
        ("POST,/account,public", 1, "GET     /account  no such route -> public\n        gain: anyone\n"),
        (
            "GET,/account,public\nGET,/account/old,require_organization_role(developer)",
            0,
            "GET     /account/old  require_organization_role(developer) -> no such route\n"
            "        lose: a developer, an admin, an API key with the role developer, whoever has not signed in",
        ),
    ],
    ids=["weaker", "new", "gone"],
)
def test_a_route_that_lets_more_callers_in_is_told_and_fails(
    app: Application, policy: Path, before: str, status: int, told: str
) -> None:
    policy.write_text(policy.read_text().replace("GET,/account,public", before))
    found, said = diff(app, policy)
    assert found == status
    assert told in said
    assert said.endswith("Somebody gains something.\n" if status else "Nobody gains anything.\n")
    assert json.loads(diff(app, policy, "--json")[1])["widened"] is bool(status)


@pytest.mark.parametrize(
    ("before", "after", "gain", "lose"),
    [
        ("require_active_user(recent)", "require_active_user", [guard_policy.NOT_RECENT], []),
        ("require_active_user", "require_active_user(verified)", [], [guard_policy.NOT_VERIFIED]),
        ("require_active_user(or_refresh_token)", "require_active_user", [], [guard_policy.REFRESH_TOKEN]),
        (
            "require_organization_role_or_self(admin)",
            "require_organization_role(admin)",
            [],
            [guard_policy.OWN_ID],
        ),
        ("require_organization_role(viewer)", "require_organization_access", [], []),
        (
            "require_plan(pro)",
            "require_plan(free)",
            ["whom require_plan(free) lets in"],
            ["whom require_plan(pro) lets in"],
        ),
        ("public", "public(never)", ["whom public(never) lets in"], [ANYONE]),
        ("require_organization_role(boss)", "public", [ANYONE], ["whom require_organization_role(boss) lets in"]),
    ],
)  # fmt: skip
def test_each_parameter_of_a_guard_counts(
    app: Application, before: str, after: str, gain: list[str], lose: list[str]
) -> None:
    with app.app_context():
        [found] = guard_policy.compare({("GET", "/"): before}, {("GET", "/"): after})
    assert (found.gain, found.lose) == (gain, lose)


def test_a_blueprint_of_ones_own_is_compared_as_well(app_with: AppWith, policy: Path) -> None:
    blueprint = Blueprint("things", __name__, url_prefix="/organizations/<organization_id>/things")
    blueprint.get("")(require_organization_role(Role.ADMIN)(dict))
    blueprint.get("/mine")(require_active_user(dict))
    status, said = diff(app_with(blueprints=[blueprint]), policy)
    assert (status, said.count("no such route -> ")) == (1, 2)


def test_guards_are_printed_as_csv_or_as_json(app: Application) -> None:
    result = app.test_cli_runner().invoke(args=["guards", "--csv", "--json"])
    assert result.exit_code == 2
    assert "Give --csv or --json." in result.output


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no policy\n",
        "[",
        "[1]",
        '[{"method": "GET"}]',
        "method,route\nGET,/\n",
        "\x00",
        "[" * 100_000,
        "method,route,guard\nGET,/account,public\nGET,/account,require_active_user\n",
    ],
)
def test_a_file_that_is_no_policy_is_refused_in_a_sentence(app: Application, policy: Path, text: str) -> None:
    policy.write_text(text)
    status, said = diff(app, policy)
    assert status == 1
    assert said.startswith("Error: ")
    assert said.count("\n") == 1
