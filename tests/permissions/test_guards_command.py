"""`flask guards` shows permissions, and `--diff` tells who gains and loses a route by role or by grant."""

from __future__ import annotations

from pathlib import Path

import pytest

from authapp.cli import guard_policy
from tests.factories import World, WorldWith
from tests.permissions.conftest import PERMISSIONS, guarded_by

DEPLOY, DELETE = "an API key that is granted models.deploy", "an API key that is granted models.delete"
RECENT = guard_policy.NOT_RECENT
VIEWERS = ["a viewer", guard_policy.OWN_ID, "an API key with the role viewer"]
DEVELOPERS = ["a developer", "an API key with the role developer"]


def test_guards_shows_the_permission_of_a_route(models: World) -> None:
    printed = models.app.test_cli_runner().invoke(args=["guards"]).output
    for name in PERMISSIONS:
        assert f"/models/{name}" in printed
        assert f"require_permission({name})" in printed


@pytest.mark.parametrize(
    ("before", "after", "gain", "lose"),
    [
        ("require_permission(models.delete)", "require_permission(models.delete)", [], []),
        ("require_permission(models.delete)", "require_organization_role(admin)", [], [DELETE]),
        ("require_organization_role(admin)", "require_permission(models.delete)", [DELETE], []),
        ("require_permission(models.delete)", "require_permission(models.deploy)", [*DEVELOPERS, DEPLOY], [DELETE]),
        ("require_permission(models.deploy)", "require_permission(models.read)", VIEWERS, [DEPLOY]),
        ("require_permission(models.read)", "require_organization_access", [DEPLOY, DELETE], []),
        ("require_permission(models.delete)", "require_permission(models.delete, recent)", [], [DELETE, RECENT]),
        ("require_permission(models.delete)", "public", [guard_policy.ANYONE], None),
        (
            "require_permission(models.gone)",
            "require_permission(models.read)",
            None,
            ["whom require_permission(models.gone) lets in"],
        ),
    ],
)
def test_who_gains_and_loses_a_route_is_told_by_role_and_by_grant(
    models: World, before: str, after: str, gain: list[str] | None, lose: list[str] | None
) -> None:
    with models.app.app_context():
        found = guard_policy.compare({("GET", "/"): before}, {("GET", "/"): after})
    assert len(found) == (before != after)
    for difference in found:
        assert gain is None or sorted(difference.gain) == sorted(gain)
        assert lose is None or sorted(difference.lose) == sorted(lose)


def test_a_route_that_is_gone_is_lost_by_those_who_hold_its_permission(
    world_with: WorldWith, models: World, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.csv"
    policy.write_text(models.app.test_cli_runner().invoke(args=["guards", "--csv"]).output)
    more = world_with(permissions=PERMISSIONS, blueprints=[guarded_by(*list(PERMISSIONS)[:2])])
    said = more.app.test_cli_runner().invoke(args=["guards", "--diff", str(policy)])
    assert said.exit_code == 0
    assert "require_permission(models.delete) -> no such route" in said.output
    assert f"lose: an admin, {DELETE}, {RECENT}" in said.output
