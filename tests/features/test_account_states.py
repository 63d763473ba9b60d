"""What each state of an account gets from the routes that sign somebody in, or complete a sign-in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from authapp.core.clock import FrozenClock
from authapp.services.account_credentials import TABLES
from tests import sso
from tests.factories import PASSWORD, AppWith, Person, World
from tests.features.identities.test_identities import link
from tests.passkeys import Passkey, begin_registration, sign_in, signed, with_passkey
from tests.second_factors import Authenticator, answer, begin, complete, enrol
from tests.sso import MemoryProvider

OK, CREATED, DONE, DEAD = (200, None), (201, None), (204, None), (410, "invalid_email_token")
REVOKED, WRONG = (401, "revoked_token"), (401, "wrong_credentials")
STATES = ["active", "inactive", "deleted", "unverified in safe mode", "with a second factor"]

# The answer of each route, by state.
EXPECTED: dict[str, list[tuple[int, str | None]]] = {
    # a deleted account has freed its address
    "register": [(409, "email_taken"), (409, "email_taken"), CREATED, (202, None), (409, "email_taken")],
    "login": [OK, (403, "inactive_account"), WRONG, WRONG, (401, "mfa_required")],
    # deactivating and deleting remove the sign-ins that wait; an active account here is one that has signed in before
    "login/mfa": [OK, (401, "invalid_mfa_token"), (401, "invalid_mfa_token"), WRONG, OK],
    # deactivating and deleting remove passkeys; one counts as several factors
    "login/passkey": [OK, (404, "passkey_not_found"), (404, "passkey_not_found"), WRONG, OK],
    # deactivating and deleting unlink providers; nobody has verified the address, which a deleted account has freed
    "sso/exchange": [OK, (409, "link_required"), OK, WRONG, (401, "mfa_required")],
    "refresh": [OK, REVOKED, REVOKED, OK, OK],
    "reauthenticate": [OK, REVOKED, REVOKED, OK, OK],
    "reauthenticate with a passkey": [OK, REVOKED, REVOKED, OK, OK],
    "invitations/accept": [OK, REVOKED, REVOKED, OK, OK],
    "password/reset": [DONE, DEAD, DEAD, DONE, DONE],
    "email/verify": [DONE, DEAD, DEAD, DONE, DONE],
}


class Case:
    """An account on its way into a state, and what its owner has in hand."""

    def __init__(self, world: World, safe: World) -> None:
        self.world, self.safe = world, safe
        self.admin = world.person("Acme")
        self.person: Person = world.person()
        self.invitation = world.invite(self.admin, self.admin.organization_id, self.person.email, "viewer")
        self.tokens: dict[str, str] = {}
        self.app: Authenticator | None = None
        self.mfa_token = ""
        self.passkey: Passkey | None = None

    def wait_for_second_factor(self) -> None:
        self.app = enrol(self.person)
        self.mfa_token = begin(self.world, self.person)

    def have_identity(self, provider: MemoryProvider) -> None:
        for app in (self.world.app, self.safe.app):
            app.providers[provider.id] = provider
        link(self.person.caller, provider, email=self.person.email)

    def have_passkey(self) -> None:
        self.passkey = with_passkey(self.person)

    def ask_for_tokens(self) -> None:
        for route, path in (("password/reset", "/auth/password/forgot"), ("email/verify", "/auth/email/resend")):
            assert self.world.caller().call("POST", path, {"email": self.person.email}).status_code == 202
            self.tokens[route] = self.world.token_for(self.person.email)

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


def send(case: Case, world: World, route: str, provider: MemoryProvider) -> TestResponse:
    person, credentials = case.person, {"email": case.person.email, "password": PASSWORD}
    caller = world.caller(person.session["access_token"])
    with_code = {"code": case.app.code()} if case.app else {}
    calls: dict[str, Callable[[], TestResponse]] = {
        "register": lambda: world.caller().call("POST", "/auth/register", credentials),
        "login": lambda: world.caller().call("POST", "/auth/login", credentials),
        "login/mfa": lambda: complete(world, case.mfa_token, **with_code),
        "sso/exchange": lambda: sso.sign_in(world, provider, sso.ada(email=person.email)),
        "login/passkey": lambda: sign_in(world, case.passkey or Passkey()),
        "reauthenticate with a passkey": lambda: caller.call(
            "POST", "/auth/reauthenticate", {"passkey": signed(world, case.passkey or Passkey())}
        ),
        "refresh": lambda: world.caller().call("POST", "/auth/refresh", {"refresh_token": person.refresh_token}),
        "reauthenticate": lambda: caller.call("POST", "/auth/reauthenticate", {"password": PASSWORD, **with_code}),
        "password/reset": lambda: world.caller().call(
            "POST", "/auth/password/reset", {"token": case.tokens[route], "new_password": "AnotherPassword456"}
        ),
        "email/verify": lambda: world.caller().call("POST", "/auth/email/verify", {"token": case.tokens[route]}),
        "invitations/accept": lambda: caller.call("POST", "/invitations/accept", {"token": case.invitation}),
    }
    return calls[route]()


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("route", EXPECTED)
def test_a_route_answers_an_account_in_a_state(
    world: World, app_with: AppWith, time: FrozenClock, provider: MemoryProvider, route: str, state: str
) -> None:
    case = Case(world, world.with_app(app_with(registration_mode="safe")))
    if route == "login/mfa":
        case.wait_for_second_factor()
    if "passkey" in route:
        case.have_passkey()
    if route == "sso/exchange":
        case.have_identity(provider)
    if route in ("password/reset", "email/verify"):
        case.ask_for_tokens()
    serving = case.enter(state)
    response = send(case, serving, route, provider)
    assert answer(response) == EXPECTED[route][STATES.index(state)]
    if response.status_code == 401:
        assert "access_token" not in response.get_json()
    if response.status_code == 204:  # it signs nobody in
        assert response.data == b""


# Tables that refer to an account and are not removed with it, and why.
KEPT = {
    "audit_events": "the audit log says what happened to the account",
    "memberships": "leaving is recorded for each organization, and the last admin is checked: services/members.py",
    "invitations": "they belong to the organization; those that the account has sent are closed with its membership",
    "organizations": "who has founded it; it goes with its last member",
    "sessions": "they end, and the row says why",
    "api_keys": "they belong to the organization",
    "trusted_identities": "they belong to the organization",
}


def test_every_table_that_refers_to_users_is_removed_with_an_account_or_kept_for_a_reason(world: World) -> None:
    referring = world.sql(
        "SELECT DISTINCT conrelid::regclass::text AS name FROM pg_constraint "
        "JOIN pg_class ON pg_class.oid = conrelid "
        "WHERE contype = 'f' AND confrelid = 'users'::regclass AND NOT relispartition"
    )
    removed = {table.__tablename__ for table in TABLES}
    assert removed.isdisjoint(KEPT)
    assert {row.name for row in referring} == removed | set(KEPT)


def have_passkey_and_identity(world: World, person: Person) -> None:
    """Have both, and begin to add another of each."""
    with_passkey(person)
    begin_registration(person)
    world.sql(
        "INSERT INTO identities (id, user_id, provider, issuer, subject) "
        "VALUES (gen_random_uuid(), :user, 'github', 'https://github.com', :user)",
        user=str(person.id),
    )
    world.sql(
        "INSERT INTO sso_states (id, user_id, provider, token_hash, browser_hash, expires_at) "
        "VALUES (gen_random_uuid(), :user, 'github', '', '', now())",
        user=str(person.id),
    )


@pytest.mark.parametrize("way", ["deactivated", "deleted"])
def test_an_account_that_ends_keeps_nothing_to_sign_in_with(world: World, time: FrozenClock, way: str) -> None:
    case, bystander = Case(world, world), world.person()
    case.wait_for_second_factor()
    enrol(bystander)
    begin(world, bystander)
    for person in (case.person, bystander):
        have_passkey_and_identity(world, person)

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
