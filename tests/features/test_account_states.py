"""What each state of an account gets from the routes that sign somebody in, or complete a sign-in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from authapp.core.clock import FrozenClock
from authapp.services.account_credentials import TABLES
from tests.factories import PASSWORD, AppWith, Person, World
from tests.second_factors import Authenticator, answer, begin, complete, enrol

OK, CREATED = (200, None), (201, None)
REVOKED, WRONG = (401, "revoked_token"), (401, "wrong_credentials")
STATES = ["active", "inactive", "deleted", "unverified in safe mode", "with a second factor"]

# The answer of each route, by state.
EXPECTED: dict[str, list[tuple[int, str | None]]] = {
    # a deleted account has freed its address
    "register": [(409, "email_taken"), (409, "email_taken"), CREATED, (202, None), (409, "email_taken")],
    "login": [OK, (403, "inactive_account"), WRONG, WRONG, (401, "mfa_required")],
    # deactivating and deleting remove the sign-ins that wait; an active account here is one that has signed in before
    "login/mfa": [OK, (401, "invalid_mfa_token"), (401, "invalid_mfa_token"), WRONG, OK],
    "refresh": [OK, REVOKED, REVOKED, OK, OK],
    "reauthenticate": [OK, REVOKED, REVOKED, OK, OK],
    "invitations/accept": [OK, REVOKED, REVOKED, OK, OK],
}


class Case:
    """An account on its way into a state, and what its owner has in hand."""

    def __init__(self, world: World, safe: World) -> None:
        self.world, self.safe = world, safe
        self.admin = world.person("Acme")
        self.person: Person = world.person()
        self.invitation = world.invite(self.admin, self.admin.organization_id, self.person.email, "viewer")
        self.app: Authenticator | None = None
        self.mfa_token = ""

    def wait_for_second_factor(self) -> None:
        self.app = enrol(self.person)
        self.mfa_token = begin(self.world, self.person)

    def enter(self, state: str) -> World:
        """Bring the account into the state. Returns the application that serves it."""
        if state == "inactive":
            said = self.world.app.test_cli_runner().invoke(args=["users", "deactivate", self.person.email])
            assert said.exit_code == 0
        elif state == "deleted":
            response = self.person.call("DELETE", "/auth/me", {"password": PASSWORD})
            assert response.status_code == 204, response.text
        elif state == "with a second factor" and self.app is None:
            self.app = enrol(self.person)
        return self.safe if state == "unverified in safe mode" else self.world


def send(case: Case, world: World, route: str) -> TestResponse:
    person, credentials = case.person, {"email": case.person.email, "password": PASSWORD}
    caller = world.caller(person.session["access_token"])
    with_code = {"code": case.app.code()} if case.app else {}
    calls: dict[str, Callable[[], TestResponse]] = {
        "register": lambda: world.caller().call("POST", "/auth/register", credentials),
        "login": lambda: world.caller().call("POST", "/auth/login", credentials),
        "login/mfa": lambda: complete(world, case.mfa_token, **with_code),
        "refresh": lambda: world.caller().call("POST", "/auth/refresh", {"refresh_token": person.refresh_token}),
        "reauthenticate": lambda: caller.call("POST", "/auth/reauthenticate", {"password": PASSWORD, **with_code}),
        "invitations/accept": lambda: caller.call("POST", "/invitations/accept", {"token": case.invitation}),
    }
    return calls[route]()


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("route", EXPECTED)
def test_a_route_answers_an_account_in_a_state(
    world: World, app_with: AppWith, time: FrozenClock, route: str, state: str
) -> None:
    case = Case(world, world.with_app(app_with(registration_mode="safe")))
    if route == "login/mfa":
        case.wait_for_second_factor()
    serving = case.enter(state)
    response = send(case, serving, route)
    assert answer(response) == EXPECTED[route][STATES.index(state)]
    if response.status_code == 401:
        assert "access_token" not in response.get_json()


# Tables that refer to an account and are not removed with it, and why.
KEPT = {
    "audit_events": "the audit log says what happened to the account; pruned after AUDIT_RETENTION_DAYS",
    "memberships": "leaving is recorded for each organization, and the last admin is checked: services/members.py",
    "invitations": "they belong to the organization; those that the account has sent are closed with its membership",
    "organizations": "who has founded it; it goes with its last member",
    "sessions": "they end, and the row says why; pruned after SESSION_RETENTION_DAYS",
    "api_keys": "they belong to the organization",
}


def test_every_table_that_refers_to_users_is_removed_with_an_account_or_kept_for_a_reason(world: World) -> None:
    referring = world.sql(
        "SELECT DISTINCT conrelid::regclass::text AS name FROM pg_constraint "
        "WHERE contype = 'f' AND confrelid = 'users'::regclass"
    )
    removed = {table.__tablename__ for table in TABLES}
    assert removed.isdisjoint(KEPT)
    assert {row.name for row in referring} == removed | set(KEPT)


@pytest.mark.parametrize("way", ["deactivated", "deleted"])
def test_an_account_that_ends_keeps_nothing_to_sign_in_with(world: World, time: FrozenClock, way: str) -> None:
    case, bystander = Case(world, world), world.person()
    case.wait_for_second_factor()
    enrol(bystander)
    begin(world, bystander)

    def rows() -> dict[str, list[Any]]:
        return {
            table.__tablename__: world.sql(f"SELECT DISTINCT user_id FROM {table.__tablename__}") for table in TABLES
        }

    def owners(of: dict[str, list[Any]]) -> set[tuple[str, bool]]:
        return {(name, row.user_id == case.person.id) for name, found in of.items() for row in found}

    names = {table.__tablename__ for table in TABLES}
    assert owners(rows()) >= {(name, mine) for name in names for mine in (True, False)}
    case.enter({"deactivated": "inactive", "deleted": "deleted"}[way])
    assert owners(rows()) == {(name, False) for name in names}
    [[mfa_enabled]] = world.sql("SELECT mfa_enabled FROM users WHERE id = :id", id=case.person.id)
    assert mfa_enabled is False
