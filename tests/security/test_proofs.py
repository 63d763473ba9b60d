"""What the functions of the database prove, and what is open afterwards, each of their conditions unmet in turn."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import jwt
import pytest

from authapp.core import clock, transaction
from authapp.core.tenancy import open_organization
from authapp.security import opaque
from authapp.services import proofs
from tests.factories import UNKNOWN_ID, Person, World

OPENED = "SELECT coalesce(current_setting('authapp.organization_id', true), '')"


class Scene:
    """A member of an organization with an API key and an invitation, and another organization."""

    def __init__(self, world: World) -> None:
        self.world, admin = world, world.person("Acme")
        stranger = world.person("Other")
        self.organization_id, self.other_id = admin.organization_id, stranger.organization_id
        member = world.person()
        world.join(member, self.organization_id, "developer")
        self.stranger = session_of(stranger)
        with world.app.app_context():
            key = opaque.read(world.api_key(admin, self.organization_id, "viewer"), "ak")
            letter = opaque.read(world.invite(admin, self.organization_id, "i@example.com", "viewer"), "it")
        assert key
        assert letter
        self.credentials: dict[str, dict[str, Any]] = {
            proofs.SESSION: session_of(member),
            proofs.API_KEY_IN_ORGANIZATION: {"api_key_id": key.id, "digest": key.digest},
            proofs.INVITATION: {"invitation_id": letter.id, "digest": letter.digest},
        }
        self.credentials[proofs.SESSION_IN_ORGANIZATION] = self.credentials[proofs.SESSION]
        self.credentials[proofs.SESSION_WITH_MEMBERSHIPS] = self.credentials[proofs.SESSION]

    def prove(self, proof: str, already_open: bool = False, **changes: Any) -> tuple[Any, str]:
        """What a proof gives, and which organization is open then."""
        known = {"now": clock.now(), "organization_id": self.organization_id, **self.credentials[proof], **changes}
        with self.world.app.app_context():
            if already_open:
                open_organization(UUID(self.organization_id))
            row = proofs.prove(proof, known)
            [[opened]] = transaction.connection().exec_driver_sql(OPENED)
            transaction.release()
        return row, opened


def session_of(person: Person) -> dict[str, Any]:
    claims = jwt.decode(person.session["access_token"], options={"verify_signature": False})
    return {"session_id": claims["sid"], "user_id": person.id}


SESSIONS = [proofs.SESSION, proofs.SESSION_WITH_MEMBERSHIPS, proofs.SESSION_IN_ORGANIZATION]
IN_ORGANIZATIONS = [proofs.SESSION_IN_ORGANIZATION, proofs.API_KEY_IN_ORGANIZATION]


@pytest.mark.parametrize("proof", [*IN_ORGANIZATIONS, proofs.INVITATION])
def test_a_good_credential_opens_its_organization(world: World, proof: str) -> None:
    scene = Scene(world)
    row, opened = scene.prove(proof)
    assert row is not None
    assert opened == scene.organization_id
    assert scene.organization_id in map(str, row)


@pytest.mark.parametrize("proof", SESSIONS)
@pytest.mark.parametrize(
    "ruin",
    [
        "UPDATE sessions SET ended_at = now()",
        "UPDATE sessions SET expires_at = now()",
        "DELETE FROM memberships WHERE role <> 'admin'; UPDATE users SET deleted_at = now() WHERE email LIKE '%3@%'",
    ],
)
def test_a_session_that_has_ended_proves_nothing(world: World, proof: str, ruin: str) -> None:
    scene = Scene(world)
    world.sql(ruin)
    assert scene.prove(proof) == (None, "")


@pytest.mark.parametrize("proof", SESSIONS)
@pytest.mark.parametrize("change", [{"session_id": UNKNOWN_ID}, {"user_id": UNKNOWN_ID}])
def test_a_session_is_proved_by_both_its_id_and_its_account(world: World, proof: str, change: dict[str, Any]) -> None:
    assert Scene(world).prove(proof, **change) == (None, "")


@pytest.mark.parametrize(
    "ruin", [None, "DELETE FROM memberships WHERE role = 'developer'", "UPDATE organizations SET deleted_at = now()"]
)
def test_an_account_that_does_not_belong_opens_nothing(world: World, ruin: str | None) -> None:
    scene = Scene(world)
    if ruin:
        world.sql(ruin)
    asked = scene.organization_id if ruin else scene.other_id
    for organization_id in (asked, None):
        row, opened = scene.prove(proofs.SESSION_IN_ORGANIZATION, organization_id=organization_id)
        assert row is not None
        assert row[0] == scene.credentials[proofs.SESSION]["user_id"]
        assert set(row[-10:]) == {None}
        assert opened == ""


@pytest.mark.parametrize(
    "ruin",
    [
        "UPDATE api_keys SET revoked_at = now()",
        "UPDATE api_keys SET expires_at = now()",
        "UPDATE api_keys SET secret_hash = '\\x00'",
        "UPDATE api_keys SET previous_secret_hash = secret_hash, secret_hash = '\\x00', previous_expires_at = now()",
    ],
)
def test_a_key_that_is_dead_proves_nothing(world: World, ruin: str) -> None:
    scene = Scene(world)
    world.sql(ruin)
    assert scene.prove(proofs.API_KEY_IN_ORGANIZATION) == (None, "")


def test_a_keys_secret_before_the_last_proves_it_while_they_overlap(world: World) -> None:
    scene = Scene(world)
    world.sql(
        "UPDATE api_keys SET previous_secret_hash = secret_hash, secret_hash = '\\x00',"
        " previous_expires_at = now() + interval '1 hour'"
    )
    assert scene.prove(proofs.API_KEY_IN_ORGANIZATION)[1] == scene.organization_id


def test_a_key_opens_no_organization_but_its_own_and_that_only_while_it_lives(world: World) -> None:
    scene = Scene(world)
    for organization_id in (scene.other_id, None):
        row, opened = scene.prove(proofs.API_KEY_IN_ORGANIZATION, organization_id=organization_id)
        assert row is not None
        assert set(row[3:-1]) == {None}
        assert opened == ""
    world.sql("UPDATE organizations SET deleted_at = now()")
    row, opened = scene.prove(proofs.API_KEY_IN_ORGANIZATION)
    assert row is not None
    assert set(row[3:-1]) == {None}
    assert opened == ""


@pytest.mark.parametrize(
    "ruin",
    [
        "UPDATE invitations SET status = 'revoked'",
        "UPDATE invitations SET expires_at = now()",
        "UPDATE invitations SET token_hash = '\\x00'",
        "UPDATE organizations SET deleted_at = now()",
    ],
)
def test_an_invitation_that_is_dead_opens_nothing(world: World, ruin: str) -> None:
    scene = Scene(world)
    world.sql(ruin)
    assert scene.prove(proofs.INVITATION) == (None, "")


def test_with_its_organization_open_before_a_credential_still_has_to_be_the_right_one(world: World) -> None:
    scene = Scene(world)
    world.sql("UPDATE api_keys SET previous_secret_hash = secret_hash, previous_expires_at = now() + interval '1 day'")
    assert scene.prove(proofs.API_KEY_IN_ORGANIZATION, already_open=True, api_key_id=UNKNOWN_ID)[0] is None
    assert scene.prove(proofs.INVITATION, already_open=True, invitation_id=UNKNOWN_ID)[0] is None
    row, _ = scene.prove(proofs.SESSION_IN_ORGANIZATION, already_open=True, **scene.stranger)
    assert row is not None
    assert set(row[-10:]) == {None}
    row, _ = scene.prove(proofs.SESSION_WITH_MEMBERSHIPS, already_open=True, **scene.stranger)
    assert row is not None
    assert row[-1] == []


@pytest.mark.parametrize("proof", SESSIONS)
def test_a_column_that_is_added_while_plans_are_kept_breaks_no_proof(world: World, proof: str) -> None:
    scene = Scene(world)
    known = {"now": clock.now(), "organization_id": scene.organization_id, **scene.credentials[proof]}
    with world.app.app_context():
        before = [proofs.prove(proof, known) for _ in range(10)]  # more than PostgreSQL takes to keep a plan
        transaction.connection().exec_driver_sql("ALTER TABLE users ADD COLUMN nickname text")
        assert proofs.prove(proof, known) == before[-1]
        transaction.release()
