"""The look-ups of credentials: what they find, which tenant they set, and each of their conditions unmet in turn."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

import jwt
import pytest

from authapp.core import clock
from authapp.db import credentials, transaction
from authapp.db.tenancy import set_tenant
from authapp.instance import ROOT
from authapp.services import invitation_acceptance
from authapp.services.invitation_acceptance import InvalidInvitation
from tests.factories import UNKNOWN_ID, Person, World
from tests.workloads import trust

TENANT = "SELECT coalesce(current_setting('authapp.organization_id', true), '')"
DEFINITIONS = (
    "SELECT proname, pg_get_functiondef(oid) FROM pg_proc WHERE proname IN "
    "('authapp_session', 'authapp_session_in', 'authapp_memberships', 'authapp_api_key', "
    "'authapp_organization_of_key', 'authapp_workload')"
)
LOOK_UPS: dict[str, Any] = {
    "session": credentials.find_session,
    "session with memberships": partial(credentials.find_session, memberships=True),
    "session in organization": credentials.find_session_in,
    "API key": credentials.find_api_key,
    "workload": lambda now, **known: credentials.find_workload(**known),
}
SESSIONS = ["session", "session with memberships", "session in organization"]
IN_ORGANIZATIONS = ["session in organization", "API key", "workload"]


class Scene:
    """A member of an organization with an API key and an invitation, and another organization."""

    def __init__(self, world: World) -> None:
        self.world, admin = world, world.person("Acme")
        stranger = world.person("Other")
        self.organization_id, self.other_id = admin.organization_id, stranger.organization_id
        member = world.person()
        world.join(member, self.organization_id, "developer")
        self.stranger = session_of(stranger)
        key = world.app.opaque_tokens.read(world.api_key(admin, self.organization_id, "viewer"), "ak")
        assert key
        self.invitation = world.invite(admin, self.organization_id, "i@example.com", "viewer")
        session, here = session_of(member), {"organization_id": UUID(self.organization_id)}
        self.credentials: dict[str, dict[str, Any]] = {
            "session": session,
            "session with memberships": session,
            "session in organization": {**session, **here},
            "workload": {"identity_id": UUID(trust(admin)["id"]), **here},
            "API key": {"api_key_id": key.id, "digest": key.digest, **here},
        }

    def find(self, name: str, tenant_is_set: bool = False, **changes: Any) -> tuple[Any, str]:
        """What a look-up finds, and which tenant is set then."""
        known = {"now": clock.now(), **self.credentials[name], **changes}
        with self.world.app.app_context():
            if tenant_is_set:
                set_tenant(UUID(self.organization_id))
            found = LOOK_UPS[name](**known)
            [[tenant]] = transaction.connection().exec_driver_sql(TENANT)
            transaction.rollback()
        return found, tenant

    def find_invitation(self, tenant_id: str = "") -> tuple[Any, str]:
        with self.world.app.app_context():
            if tenant_id:
                set_tenant(UUID(tenant_id))
            try:
                found = invitation_acceptance.find_by_token(self.invitation)
            except InvalidInvitation:
                found = None
            [[tenant]] = transaction.connection().exec_driver_sql(TENANT)
            transaction.rollback()
        return found, tenant


def session_of(person: Person) -> dict[str, Any]:
    claims = jwt.decode(person.session["access_token"], options={"verify_signature": False})
    return {"session_id": UUID(claims["sid"]), "user_id": person.id}


def test_the_functions_of_the_database_are_those_of_credentials_sql(world: World) -> None:
    with world.app.app_context():
        connection = transaction.connection()
        migrated = connection.exec_driver_sql(DEFINITIONS).all()
        for name, _ in migrated:
            connection.exec_driver_sql(f"DROP FUNCTION {name}")
        connection.exec_driver_sql((ROOT / "authapp" / "db" / "credentials.sql").read_text())
        assert sorted(connection.exec_driver_sql(DEFINITIONS).all()) == sorted(migrated)
        transaction.rollback()
    assert len(migrated) == 6


def test_an_api_key_finds_its_own_organization_where_none_is_asked_for_and_that_is_meant(world: World) -> None:
    scene = Scene(world)
    found, tenant = scene.find("API key", organization_id=None, or_own=True)
    assert tenant == scene.organization_id == str(found.organization.id)
    found, tenant = scene.find("API key", organization_id=None)
    assert (found.organization, tenant) == (None, "")
    found, tenant = scene.find("API key", organization_id=UUID(scene.other_id), or_own=True)
    assert (found.organization, tenant) == (None, "")


@pytest.mark.parametrize("ruin", [{"digest": b"x" * 32}, {"api_key_id": UUID(UNKNOWN_ID)}])
def test_a_key_that_is_not_live_finds_no_organization_of_its_own(world: World, ruin: dict[str, Any]) -> None:
    assert Scene(world).find("API key", organization_id=None, or_own=True, **ruin) == (None, "")


@pytest.mark.parametrize("name", IN_ORGANIZATIONS)
def test_a_live_credential_sets_its_organization_as_the_tenant(world: World, name: str) -> None:
    scene = Scene(world)
    found, tenant = scene.find(name)
    assert tenant == scene.organization_id == str(found.organization.id)


def test_a_pending_invitation_sets_its_organization_as_the_tenant(world: World) -> None:
    scene = Scene(world)
    found, tenant = scene.find_invitation()
    assert tenant == scene.organization_id == str(found.organization.id)


@pytest.mark.parametrize("name", SESSIONS)
@pytest.mark.parametrize(
    "ruin",
    [
        "UPDATE sessions SET ended_at = now()",
        "UPDATE sessions SET expires_at = now()",
        "DELETE FROM memberships WHERE role <> 'admin'; UPDATE users SET deleted_at = now() WHERE email LIKE '%3@%'",
    ],
)
def test_a_session_that_has_ended_is_not_found(world: World, name: str, ruin: str) -> None:
    scene = Scene(world)
    world.sql(ruin)
    assert scene.find(name) == (None, "")


@pytest.mark.parametrize("name", SESSIONS)
@pytest.mark.parametrize("change", [{"session_id": UUID(UNKNOWN_ID)}, {"user_id": UUID(UNKNOWN_ID)}])
def test_a_session_is_found_by_both_its_id_and_its_account(world: World, name: str, change: dict[str, Any]) -> None:
    assert Scene(world).find(name, **change) == (None, "")


@pytest.mark.parametrize(
    "ruin", [None, "DELETE FROM memberships WHERE role = 'developer'", "UPDATE organizations SET deleted_at = now()"]
)
def test_an_account_that_is_no_member_sets_no_tenant(world: World, ruin: str | None) -> None:
    scene = Scene(world)
    if ruin:
        world.sql(ruin)
    asked = scene.organization_id if ruin else scene.other_id
    for organization_id in (asked, None):
        found, tenant = scene.find("session in organization", organization_id=organization_id)
        assert found.account.id == scene.credentials["session"]["user_id"]
        assert (found.organization, tenant) == (None, "")


@pytest.mark.parametrize(
    "ruin",
    [
        "UPDATE api_keys SET revoked_at = now()",
        "UPDATE api_keys SET expires_at = now()",
        "UPDATE api_keys SET secret_hash = '\\x00'",
        "UPDATE api_keys SET previous_secret_hash = secret_hash, secret_hash = '\\x00', previous_expires_at = now()",
    ],
)
def test_an_api_key_that_is_dead_is_not_found(world: World, ruin: str) -> None:
    scene = Scene(world)
    world.sql(ruin)
    assert scene.find("API key") == (None, "")


def test_the_secret_of_an_api_key_before_the_last_is_valid_while_they_overlap(world: World) -> None:
    scene = Scene(world)
    world.sql(
        "UPDATE api_keys SET previous_secret_hash = secret_hash, secret_hash = '\\x00',"
        " previous_expires_at = now() + interval '1 hour'"
    )
    assert scene.find("API key")[1] == scene.organization_id


def test_an_api_key_sets_no_tenant_but_its_own_and_that_only_while_the_organization_lives(world: World) -> None:
    scene = Scene(world)
    for organization_id in (scene.other_id, None):
        found, tenant = scene.find("API key", organization_id=organization_id)
        assert (found.organization, tenant) == (None, "")
    world.sql("UPDATE organizations SET deleted_at = now()")
    found, tenant = scene.find("API key")
    assert (found.organization, tenant) == (None, "")


def test_a_workload_sets_no_tenant_but_its_own_and_that_only_while_the_organization_lives(world: World) -> None:
    scene = Scene(world)
    own = UUID(scene.organization_id)
    for organization_id, or_own, expected in ((scene.other_id, True, ""), (None, False, ""), (None, True, str(own))):
        found, tenant = scene.find("workload", organization_id=organization_id, or_own=or_own)
        assert (found.organization_id, tenant) == (own, expected)
    world.sql("UPDATE organizations SET deleted_at = now()")
    found, tenant = scene.find("workload")
    assert (found.organization, tenant) == (None, "")
    assert scene.find("workload", identity_id=UUID(UNKNOWN_ID)) == (None, "")


@pytest.mark.parametrize(
    "ruin",
    [
        "UPDATE invitations SET status = 'revoked'",
        "UPDATE invitations SET expires_at = now()",
        "UPDATE one_time_tokens SET token_hash = '\\x00'",
        "UPDATE organizations SET deleted_at = now()",
    ],
)
def test_an_invitation_that_is_dead_is_not_found(world: World, ruin: str) -> None:
    scene = Scene(world)
    world.sql(ruin)
    assert scene.find_invitation()[0] is None


def test_an_invitation_is_found_whatever_tenant_is_set(world: World) -> None:
    scene = Scene(world)
    for tenant_id in (scene.organization_id, scene.other_id):
        assert scene.find_invitation(tenant_id)[1] == scene.organization_id


def test_while_its_tenant_is_set_a_credential_still_has_to_be_the_right_one(world: World) -> None:
    scene = Scene(world)
    world.sql("UPDATE api_keys SET previous_secret_hash = secret_hash, previous_expires_at = now() + interval '1 day'")
    assert scene.find("API key", tenant_is_set=True, api_key_id=UUID(UNKNOWN_ID))[0] is None
    found, _ = scene.find("session in organization", tenant_is_set=True, **scene.stranger)
    assert found.organization is None
    found, _ = scene.find("session with memberships", tenant_is_set=True, **scene.stranger)
    assert found.memberships == []


@pytest.mark.parametrize("name", SESSIONS)
def test_a_column_that_is_added_while_plans_are_kept_breaks_no_look_up(world: World, name: str) -> None:
    scene = Scene(world)
    known = {"now": clock.now(), **scene.credentials[name]}
    with world.app.app_context():
        before = [LOOK_UPS[name](**known) for _ in range(10)]  # more than PostgreSQL takes to keep a plan
        transaction.connection().exec_driver_sql("ALTER TABLE users ADD COLUMN nickname text")
        assert LOOK_UPS[name](**known) == before[-1]
        transaction.rollback()
