"""`flask organizations`."""

from __future__ import annotations

from datetime import timedelta

import pytest

from authapp.core.clock import FrozenClock
from tests.cli.commands import as_json, said
from tests.factories import UNKNOWN_ID, World

COMMANDS = {
    "show": [], "suspend": [], "restore": [], "seats": ["3"], "plan": ["team"], "promote": ["ada@example.com"],
    "delete": ["--yes"],
}  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", [UNKNOWN_ID, "nowhere", "No Slug"])
def test_a_command_says_that_there_is_no_organization_of_a_name(world: World, command: str, name: str) -> None:
    text = said(world, "organizations", command, name, *COMMANDS[command], status=1)
    assert text == f"Error: There is no organization {name}.\n"


def test_an_organization_is_suspended_and_restored_by_its_slug_or_id(world: World) -> None:
    founder = world.person("Acme")
    path = f"/organizations/{founder.organization_id}"
    assert said(world, "organizations", "suspend", "acme") == "Acme (acme) is now suspended.\n"
    assert said(world, "organizations", "suspend", "acme") == "Acme (acme) was suspended already.\n"
    assert founder.call("GET", path).get_json()["code"] == "organization_suspended"
    found = as_json(world, "organizations", "restore", founder.organization_id)
    assert found == {"id": founder.organization_id, "slug": "acme", "suspended": False}
    assert said(world, "organizations", "restore", "acme") == "Acme (acme) was not suspended.\n"
    events = founder.call("GET", f"{path}/audit-events").get_json()["items"]
    assert [(event["action"], event["actor_id"]) for event in events[:2]] == [
        ("organization.restored", None),
        ("organization.suspended", None),
    ]


def test_an_organization_without_an_active_admin_is_not_restored_until_it_has_one(world: World) -> None:
    founder, member = world.person("Acme"), world.person()
    world.join(member, founder.organization_id, "viewer")
    said(world, "users", "deactivate", founder.email)
    text = said(world, "organizations", "restore", "acme", status=1)
    assert text.startswith("Error: The organization has no active admin. First run: ")
    said(world, "organizations", "promote", "acme", member.email)
    said(world, "organizations", "restore", "acme")
    assert member.call("GET", f"/organizations/{founder.organization_id}").get_json()["role"] == "admin"


def test_organizations_promote_makes_a_member_an_admin(world: World) -> None:
    founder, member = world.person("Acme"), world.person()
    world.join(member, founder.organization_id, "viewer")
    promote = ["organizations", "promote", founder.organization_id, member.email]
    assert said(world, *promote) == f"{member.email} is now an admin of Acme (acme).\n"
    assert said(world, *promote) == f"{member.email} was an admin of Acme (acme) already.\n"
    assert member.call("GET", f"/organizations/{founder.organization_id}").get_json()["role"] == "admin"
    assert said(world, "users", "deactivate", founder.email) == f"{founder.email} is now inactive.\n"
    events = member.call("GET", f"/organizations/{founder.organization_id}/audit-events").get_json()["items"]
    assert (events[0]["action"], events[0]["actor_id"]) == ("member.role.changed", None)


@pytest.mark.parametrize("email", ["nobody@example.com", "no address"])
def test_only_a_member_can_be_promoted(world: World, email: str) -> None:
    world.person("Acme")
    text = said(world, "organizations", "promote", "acme", email, status=1)
    assert text == f"Error: {email} is no active member of acme.\n"


def test_organizations_list_shows_those_in_a_state(world: World) -> None:
    acme, globex, gone = world.person("Acme"), world.person("Globex"), world.person("Gone")
    assert said(world, "organizations", "list", "--suspended") == "No organization is suspended.\n"
    said(world, "organizations", "suspend", "globex")
    said(world, "organizations", "delete", "gone", "--yes")
    assert said(world, "organizations", "list") == (
        f"{acme.organization_id}  live       free      acme  Acme\n"
        f"{globex.organization_id}  suspended  free      globex  Globex\n"
    )
    assert [each["slug"] for each in as_json(world, "organizations", "list", "--suspended")] == ["globex"]
    assert [each["id"] for each in as_json(world, "organizations", "list", "--deleted")] == [gone.organization_id]
    assert [each["slug"] for each in as_json(world, "organizations", "list", "--search", "CM")] == ["acme"]


def test_organizations_show_counts_what_an_organization_has(world: World) -> None:
    founder = world.person("Acme")
    world.join(world.person(), founder.organization_id, "viewer")
    world.api_key(founder, founder.organization_id, "viewer")
    said(world, "organizations", "suspend", "acme")
    found = as_json(world, "organizations", "show", "acme")
    numbers = {"members": 2, "active_admins": 1, "invitations": 0, "api_keys": 1, "seats": None}
    assert found.items() >= {"id": founder.organization_id, "suspension_reason": "operator", **numbers}.items()
    assert "members: 2, active admins: 1, seats: unlimited" in said(world, "organizations", "show", "acme").splitlines()
    said(world, "users", "deactivate", founder.email)
    assert "by an operator\n" in said(world, "organizations", "show", "acme")
    world.sql("UPDATE organizations SET suspension_reason = 'no_admin'")
    assert "with its last active admin\n" in said(world, "organizations", "show", "acme")
    said(world, "organizations", "delete", "acme", "--yes")
    assert as_json(world, "organizations", "show", "acme")["deleted_at"] is not None


def test_plan_and_seats_are_what_the_api_shows(world: World) -> None:
    founder = world.person("Acme")
    text = said(world, "organizations", "plan", "acme", "team", "--status", "trialing", "--trial-ends", "2027-01-31")
    shown = "Acme (acme). Plan: team, trialing. Trial ends: 2027-01-31 00:00 UTC. Seats: "
    assert text == f"{shown}unlimited\n"
    assert said(world, "organizations", "seats", founder.organization_id, "3") == f"{shown}3\n"
    organization = founder.call("GET", f"/organizations/{founder.organization_id}").get_json()
    expected = {"plan": "team", "status": "trialing", "seats": 3, "trial_ends_at": "2027-01-31T00:00:00.000Z"}
    assert organization["subscription"] == expected
    assert as_json(world, "organizations", "seats", "acme", "--unlimited")["seats"] is None
    details = world.sql("SELECT details FROM audit_events WHERE action = 'organization.updated' ORDER BY id")
    ends = "2027-01-31T00:00:00+00:00"
    assert [row.details for row in details] == [
        {"plan": "team", "subscription_status": "trialing", "trial_ends_at": ends},
        {"seats": 3},
        {"seats": None},
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ["seats", "acme", "0"],
        ["seats", "acme"],
        ["seats", "acme", "3", "--unlimited"],
        ["plan", "acme", "p" * 51],
        ["plan", "acme", "team", "--status", "paused"],
        ["plan", "acme", "team", "--trial-ends", "31.1.2027"],
    ],
)
def test_plan_and_seats_are_valid(world: World, arguments: list[str]) -> None:
    said(world, "organizations", *arguments, status=2)


def test_a_change_to_the_present_value_leaves_no_audit_event(world: World) -> None:
    founder = world.person("Acme")
    world.join(world.person(), founder.organization_id, "admin")
    said(world, "organizations", "promote", "acme", founder.email)
    said(world, "organizations", "plan", "acme", "free")
    said(world, "organizations", "restore", "acme")
    said(world, "users", "activate", founder.email)
    founder.call("PATCH", f"/organizations/{founder.organization_id}", {"name": "Acme"})
    founder.call("PATCH", "/auth/me", {"first_name": None})
    recorded = {row.action for row in world.sql("SELECT action FROM audit_events")}
    assert recorded == {"user.registered", "session.started", "organization.created"}


def test_organizations_delete_shows_the_organization_asks_and_says_until_when_it_can_be_undone(
    world: World, time: FrozenClock
) -> None:
    founder = world.person("Acme")
    world.api_key(founder, founder.organization_id, "viewer")
    command = ["organizations", "delete", "acme"]
    shown = "Acme (acme), members: 1, invitations: 0, API keys: 1\n"
    assert said(world, *command, status=1, stdin="n\n") == f"{shown}Delete it? [y/N]: n\nAborted!\n"
    assert founder.call("GET", f"/organizations/{founder.organization_id}").status_code == 200
    until = f"{time.now() + timedelta(days=30):%Y-%m-%d %H:%M} UTC"
    assert said(world, *command, "--yes") == f"{shown}It is deleted. This can be undone until {until}.\n"
    assert founder.call("GET", f"/organizations/{founder.organization_id}").status_code == 403
    again = "Error: Acme (acme) is deleted already. Undo it with: organizations undelete acme\n"
    assert said(world, *command, "--yes", status=1) == again
    assert said(world, "users", "deactivate", founder.email) == f"{founder.email} is now inactive.\n"
