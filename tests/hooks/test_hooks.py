"""Hooks: called in the transaction of an event, in the tenant context of its organization."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text
from uuid_utils.compat import uuid7

from authapp import (
    ApiError,
    Blueprint,
    Event,
    audit,
    create_app,
    current_actor,
    get_account,
    on,
    raises,
    require_organization_access,
    set_tenant,
)
from authapp.config import Settings
from authapp.core.actor import signing_in
from authapp.core.enums import AuditAction
from authapp.core.hooks import WrongHook
from authapp.db import transaction
from authapp.db.engine import db
from authapp.mail import outbox
from authapp.models import ApiKey, Membership, Organization
from authapp.services import organizations
from authapp.services.members import LastAdmin
from authapp.services.sso.accounts import SsoEmailRequired
from tests import sso
from tests.factories import PASSWORD, World, WorldWith, all_at_once, statements
from tests.sso import BROWSER, MemoryProvider

TABLE = "CREATE TABLE projects (organization_id uuid NOT NULL DEFAULT authapp_organization_id(), name text NOT NULL)"
ADD_PROJECT = text("INSERT INTO projects (name) VALUES ('default')")
REFUSED = SsoEmailRequired  # an error that no route of these tests declares by itself, and that keeps writes
BODY = {"email": "eve@evil.example.com", "password": PASSWORD}
Projects = Callable[[], list[Any]]


@on("user.registered", "user.imported")
@raises(REFUSED)
def require_domain(event: Event) -> None:
    assert event.user_id
    if get_account(event.user_id).email.endswith("@evil.example.com"):
        raise REFUSED("evil")


@on("organization.created")
def add_project(event: Event) -> None:
    transaction.execute(ADD_PROJECT)


@pytest.fixture
def projects(world: World) -> Iterator[Projects]:
    """A tenant table, as a migration of somebody's own would make it, and what is in it."""
    for statement in (
        TABLE,
        "ALTER TABLE projects OWNER TO authapp",
        "ALTER TABLE projects ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
        "CREATE POLICY projects_shown ON projects USING (organization_id = authapp_organization_id())",
    ):
        world.sql(statement)
    yield lambda: [str(row.organization_id) for row in world.sql("SELECT organization_id FROM projects")]
    world.sql("DROP TABLE projects")


def test_a_hook_adds_rows_of_the_new_organization_in_its_transaction(world_with: WorldWith, projects: Projects) -> None:
    ada = world_with(hooks=[add_project]).person("Acme")
    assert projects() == [ada.organization_id]
    other = ada.call("POST", "/organizations", {"name": "Other"})
    assert other.status_code == 201
    assert projects() == [ada.organization_id, other.get_json()["id"]]


def test_objects_of_the_orm_are_written_in_the_context_of_the_hook(world_with: WorldWith) -> None:
    @on("organization.created", "organization.deleted")
    def add_key(event: Event) -> None:
        db.session.add(ApiKey(id=uuid7(), name="k", role="viewer", secret_hash=b"x" * 32, created_by=event.user_id))

    world = world_with(hooks=[add_key])
    ada = world.person("Acme")
    assert ada.call("POST", "/organizations", {"name": "Other"}).status_code == 201
    assert ada.call("DELETE", "/auth/me", {"password": PASSWORD}).status_code == 204  # whose own context is the account
    keys = [row.organization_id for row in world.sql("SELECT organization_id FROM api_keys")]
    assert sorted(keys) == sorted([row.id for row in world.sql("SELECT id FROM organizations")] * 2)


def test_objects_that_a_view_or_a_hook_adds_are_written_in_the_context_in_which_they_were_added(
    world: World, settings: Settings
) -> None:
    def key(name: str) -> ApiKey:
        return ApiKey(id=uuid7(), name=name, role="viewer", secret_hash=b"x" * 32, created_by=ada.id)

    @on("user.updated")
    def add_elsewhere(event: Event) -> None:  # of no organization
        set_tenant(UUID(ada.organization_id))
        db.session.add(key("first of the hook"))
        set_tenant(UUID(bob.organization_id))
        db.session.add(key("second of the hook"))

    blueprint = Blueprint("keys", __name__, url_prefix="/organizations/<organization_id>/keys")

    @blueprint.post("")
    @require_organization_access
    def add_key(organization_id: UUID) -> dict[str, str]:
        """Add a key."""
        db.session.add(key("of the view"))
        audit.record(AuditAction.USER_UPDATED, current_actor, user_id=current_actor.id)
        return {}

    here = world.with_app(create_app(settings, [blueprint], hooks=[add_elsewhere]))
    ada, bob = here.person("Acme"), here.person("Other")
    assert ada.call("POST", f"/organizations/{ada.organization_id}/keys").status_code == 200
    assert {row.name: str(row.organization_id) for row in world.sql("SELECT name, organization_id FROM api_keys")} == {
        "of the view": ada.organization_id,
        "first of the hook": ada.organization_id,
        "second of the hook": bob.organization_id,
    }


def test_a_hook_gets_the_event_as_the_audit_log_has_it(world_with: WorldWith) -> None:
    seen: list[Event] = []

    @on("user.registered", "organization.created", "session.started")
    def keep(event: Event) -> None:
        seen.append(event)

    world = world_with(hooks=[keep])
    ada = world.person("Acme")
    events = world.sql("SELECT * FROM audit_events ORDER BY id")
    assert [event.action for event in seen] == ["user.registered", "organization.created", "session.started"]
    for event, row in zip(seen, events, strict=True):
        assert event.actor
        assert event.actor.id == row.actor_id == ada.id
        found = (event.action, event.target_id, event.user_id, event.organization_id, event.details)
        assert found == (row.action, row.target_id, row.user_id, row.organization_id, row.details)


def test_an_error_of_a_hook_is_the_answer_and_nothing_is_kept(world_with: WorldWith) -> None:
    world = world_with(hooks=[require_domain])
    response = world.caller().call("POST", "/auth/register", {**BODY, "organization_name": "Evil"})
    assert (response.status_code, response.get_json()["code"]) == (403, "sso_email_required")
    for table in ("users", "organizations", "outbox", "audit_events", "sessions"):
        assert world.sql(f"SELECT FROM {table}") == [], table
    assert world.person().email.endswith("@example.com")


@pytest.mark.parametrize("error", [REFUSED, LastAdmin])
def test_an_error_that_keeps_writes_or_that_a_service_catches_keeps_nothing_of_a_hook(
    world_with: WorldWith, error: type[ApiError]
) -> None:
    @on("organization.created")
    @raises(error)
    def refuse(event: Event) -> None:
        raise error

    world = world_with(hooks=[refuse])
    ada = world.person()
    assert ada.call("POST", "/organizations", {"name": "Acme"}).get_json()["code"] == error.code
    assert world.sql("SELECT FROM organizations") == []
    with world.app.app_context():  # and whoever catches it writes what is kept outside of that
        set_tenant(uuid7())
        with contextlib.suppress(error):
            organizations.create_for(signing_in(ada.id), "Acme")
        transaction.commit()
    assert world.sql("SELECT FROM organizations") == []


def test_a_hook_that_breaks_is_a_500_that_keeps_nothing_and_the_log_names_it(
    world_with: WorldWith, capfd: pytest.CaptureFixture[str]
) -> None:
    @on("user.registered")
    def divide_by_zero(event: Event) -> None:
        raise ZeroDivisionError

    world = world_with(hooks=[divide_by_zero])
    response = world.caller().call("POST", "/auth/register", BODY)
    assert (response.status_code, response.get_json()["code"]) == (500, "internal_error")
    assert world.sql("SELECT FROM users") == []
    printed = capfd.readouterr()
    assert "divide_by_zero for user.registered" in printed.out + printed.err


@pytest.mark.parametrize("end", [transaction.commit, transaction.rollback])
def test_a_hook_that_ends_the_transaction_is_a_500(world_with: WorldWith, end: Callable[[], None]) -> None:
    @on("user.registered")
    def end_it(event: Event) -> None:
        end()

    response = world_with(hooks=[end_it]).caller().call("POST", "/auth/register", BODY)
    assert (response.status_code, response.get_json()["code"]) == (500, "internal_error")


def test_with_safe_registration_a_refused_account_is_not_made_and_nobody_is_told(world_with: WorldWith) -> None:
    safe = world_with(hooks=[require_domain], registration_mode="safe")
    for body in (BODY, {**BODY, "email": "ada@example.com"}):
        assert safe.caller().call("POST", "/auth/register", body).status_code == 202
    assert [recipient for recipient, _ in safe.emails()] == ["ada@example.com"]
    assert [row.email for row in safe.sql("SELECT email FROM users")] == ["ada@example.com"]
    assert safe.sql("SELECT FROM outbox WHERE due_at IS NOT NULL OR dead_at IS NOT NULL") == []
    assert safe.sql("SELECT FROM outbox WHERE encrypted_context IS NOT NULL") == []


def test_a_hook_refuses_an_invited_person_and_the_invitation_stays_valid(world_with: WorldWith) -> None:
    @on("member.joined")
    @raises(REFUSED)
    def refuse(event: Event) -> None:
        if event.details.get("role") != "admin" and allowed == []:
            raise REFUSED

    allowed: list[bool] = []
    world = world_with(hooks=[refuse])
    ada, bob = world.person("Acme"), world.person()
    token = world.invite(ada, ada.organization_id, bob.email, "viewer")
    assert bob.call("POST", "/invitations/accept", {"token": token}).get_json()["code"] == "sso_email_required"
    allowed.append(True)
    assert bob.call("POST", "/invitations/accept", {"token": token}).status_code == 200


def test_a_command_and_an_import_end_with_a_sentence_and_keep_nothing(world_with: WorldWith, tmp_path: Any) -> None:
    world = world_with(hooks=[require_domain])
    lines = tmp_path / "people.jsonl"
    lines.write_text('{"email": "ada@example.com"}\n{"email": "eve@evil.example.com"}\n')
    for command in (["users", "create", BODY["email"]], ["users", "import", str(lines)]):
        done = world.app.test_cli_runner().invoke(args=command)
        assert done.exit_code == 1, done.output
        assert f"{REFUSED.detail} (sso_email_required)" in done.output
        assert "Traceback" not in done.output
    assert world.sql("SELECT FROM users") == []


def test_a_hook_sees_the_rows_of_the_organization_of_the_event_alone_and_the_request_goes_on_as_before(
    world_with: WorldWith,
) -> None:
    seen: list[tuple[str, UUID | None, set[UUID]]] = []

    @on("organization.deleted", "member.left", "user.deleted", "user.registered")
    def look(event: Event) -> None:
        visible = transaction.execute(select(Organization.id)).scalars()
        members = transaction.execute(select(Membership.organization_id)).scalars()
        seen.append((event.action, event.organization_id, {*visible, *members}))
        set_tenant(UUID(bob.organization_id))  # of somebody else, which must not last

    world = world_with()
    bob, ada = world.person("Other"), world.person("Alone")
    more = UUID(ada.call("POST", "/organizations", {"name": "Also alone"}).get_json()["id"])
    world.join(ada, bob.organization_id, "viewer")
    here = world_with(hooks=[look])
    assert here.sign_in(ada).call("DELETE", "/auth/me", {"password": PASSWORD}).status_code == 204
    alone, other = UUID(ada.organization_id), UUID(bob.organization_id)
    assert sorted(seen, key=str) == sorted(
        [("organization.deleted", each, {each}) for each in (alone, more)]
        + [("member.left", other, {other}), ("user.deleted", None, set())],
        key=str,
    )
    assert [str(row.user_id) for row in world.sql("SELECT user_id FROM memberships")] == [str(bob.id)]


def test_a_hook_for_a_refused_request_changes_neither_its_answer_nor_what_is_kept(world_with: WorldWith) -> None:
    called: list[str] = []

    @on("session.refused", "session.refresh.reused", "access.refused")
    def fail(event: Event) -> None:
        called.append(event.action)
        transaction.execute(text("UPDATE users SET first_name = 'Changed'"))
        if event.action == "session.refused":
            transaction.execute(text("SELECT 1 / 0"))
        raise REFUSED

    world = world_with(hooks=[fail], refresh_grace_seconds=0)
    ada, eve = world.person("Acme"), world.person()
    wrong = world.caller().call("POST", "/auth/login", {"email": ada.email, "password": "Wrong12345"})
    assert wrong.get_json()["code"] == "wrong_credentials"
    world.join(eve, ada.organization_id, "viewer")
    denied = eve.call("GET", f"/organizations/{ada.organization_id}/audit-events")
    assert denied.get_json()["code"] == "role_too_low"
    for status in (200, 401):
        response = world.caller().call("POST", "/auth/refresh", {"refresh_token": ada.refresh_token})
        assert response.status_code == status
    assert response.get_json()["code"] == "refresh_token_reused"
    assert ada.call("GET", "/auth/me").status_code == 401  # the session has ended all the same
    assert called == ["session.refused", "access.refused", "session.refresh.reused"]
    assert world.sql("SELECT FROM users WHERE first_name = 'Changed'") == []
    kept = {row.action for row in world.sql("SELECT action FROM audit_events WHERE action LIKE '%.re%used'")}
    assert kept == set(called)


def test_an_email_that_a_hook_enqueues_is_sent_once_though_the_transaction_is_run_again(world_with: WorldWith) -> None:
    runs: list[UUID | None] = []

    @on("organization.created")
    def tell(event: Event) -> None:
        runs.append(event.organization_id)
        outbox.enqueue("ops@example.com", "account_exists", email="a", link="https://example.com")
        if len(runs) == 1:
            raise transaction.Stale

    world = world_with(hooks=[tell])
    ada = world.person()
    assert ada.call("POST", "/organizations", {"name": "Acme"}).status_code == 201
    assert len(runs) == 2
    assert [to for to, _ in world.emails()].count("ops@example.com") == 1
    assert len(world.sql("SELECT FROM organizations")) == 1


def test_simultaneous_deletions_of_an_organization_call_its_hook_once(
    world_with: WorldWith, projects: Projects
) -> None:
    @on("organization.deleted")
    def add(event: Event) -> None:
        transaction.execute(ADD_PROJECT)

    world = world_with(hooks=[add])
    ada = world.person("Acme")
    delete = partial(ada.call, "DELETE", f"/organizations/{ada.organization_id}")
    codes = [response.status_code for response in all_at_once([delete] * 8)]
    assert codes.count(204) == 1
    assert projects() == [ada.organization_id]


def test_an_application_without_a_hook_for_the_event_sends_no_further_statement(world_with: WorldWith) -> None:
    @on("organization.created")
    def nothing(event: Event) -> None: ...

    plain, hooked = world_with(), world_with(hooks=[nothing])
    sent_each = []
    for number, world in enumerate((plain, hooked)):
        ada = world.person(email=f"ada{number}@example.com")
        for method, path, name in (("PATCH", "/auth/me", "first_name"), ("POST", "/organizations", "name")):
            with statements(world.app) as sent:
                assert ada.call(method, path, {name: f"Ada {number}"}).status_code < 300
            sent_each.append(sent)
    change, create, hooked_change, hooked_create = sent_each
    assert hooked_change == change
    assert hooked_create == [*create, "select", "select", "select"]  # the context is read, set, and set as it was


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        (["organization.create"], "no action 'organization.create'. Is it organization.created?"),
        (["user.registered", ""], "no action ''."),
        (["1; DROP TABLE users"], "no action '1; DROP TABLE users'."),
        ([], "has no action: decorate it with @on"),
    ],
)
def test_an_application_does_not_start_with_a_hook_that_would_never_be_called(
    world_with: WorldWith, actions: list[str], message: str
) -> None:
    def hook(event: Event) -> None: ...

    with pytest.raises(WrongHook, match="hook") as raised:
        world_with(hooks=[on(*actions)(hook)])
    assert message in str(raised.value)


def test_the_document_has_the_errors_of_hooks_where_an_event_can_be_recorded(
    world_with: WorldWith, openapi: Any
) -> None:
    paths = world_with(hooks=[require_domain])._openapi["paths"]
    for path, operations in paths.items():
        for method, operation in operations.items():
            if method in ("get", "post", "put", "patch", "delete"):
                expected = method != "get" or path in ("/api/v1/auth/me/export", "/api/v1/auth/sso/{provider}/callback")
                assert ("sso_email_required" in str(operation["responses"].get("403"))) == expected, (method, path)
    assert str(openapi["paths"]).count("sso_email_required") < 5


def test_a_hook_refuses_whoever_registers_with_a_provider(world_with: WorldWith) -> None:
    @on("identity.linked")
    @raises(REFUSED)
    def refuse(event: Event) -> None:
        raise REFUSED

    provider = MemoryProvider()
    here = world_with(hooks=[require_domain, refuse])
    here.app.providers = {"oidc": provider}
    for email in ("eve@evil.example.com", "ada@example.com"):
        provider.people["code"] = sso.ada(email=email)
        browser = here.caller()
        landed = browser.call(
            "GET",
            "/auth/sso/oidc/callback",
            query_string={"state": sso.start(browser), "code": "code"},
            headers=BROWSER,
        )
        response = browser.call("POST", "/auth/sso/exchange", {"code": sso.query_of(landed)["code"]})
        assert (response.status_code, response.get_json()["code"]) == (403, "sso_email_required")
        assert here.sql("SELECT FROM users") == []
