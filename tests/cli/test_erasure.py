"""`flask users erase` and `export`, `flask organizations export`, `undelete` and `purge`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any, TypeVar
from uuid import UUID

import pytest

from authapp.db import tenancy, transaction
from authapp.db.row_level_security import enable_rls
from authapp.jobs.audit import seal
from authapp.services.personal_data import erasure, purge, scan
from authapp.services.personal_data.inventory import Level
from authapp.services.personal_data.tables import TABLES
from tests.cli.commands import as_json, said
from tests.factories import LOCK_WAITS, PASSWORD, UNKNOWN_ID, Person, World, all_at_once
from tests.passkeys import with_passkey
from tests.second_factors import enrol

ADA = "ada@example.com"
# where an address is that was invited
INVITED = {"audit_events.details": 1, "invitations.email": 1, "one_time_tokens.email": 1, "outbox.recipient": 1}
T = TypeVar("T")
NAMES = {"first_name": "Ada", "last_name": 'Byron "Lovelace"'}


def found(world: World, *texts: str, **options: Any) -> dict[str, int]:
    """Where the database has one of these texts."""
    with world.app.app_context():
        tenancy.set_operator()
        columns = scan.search(texts, **options).columns
        transaction.rollback()
    return columns


def as_operator(world: World, work: Callable[[], T]) -> T:
    """What an operator does, in a thread: the test runner of commands cannot run two at once."""
    with world.app.app_context():
        tenancy.set_operator()
        result = work()
        transaction.commit()
    return result


def delete(world: World, person: Person) -> None:
    assert person.call("DELETE", "/auth/me", {"password": PASSWORD}).status_code == 204


def verified(world: World, email: str = ADA, **names: str) -> Person:
    """Somebody who has verified the address."""
    person = world.person(email=email, **names)
    world.sql("UPDATE users SET email_verified = true WHERE id = :id", id=person.id)
    return person


def busy(world: World) -> tuple[Person, Person]:
    """Somebody with a row in every table that has rows of an account, and an admin who has invited that address."""
    admin = world.person("Acme")
    world.invite(admin, admin.organization_id, ADA, "viewer")
    ada = verified(world, **NAMES)
    enrol(ada)
    with_passkey(ada)
    world.sign_in(world.person(email="other@example.com"))
    world.caller().call("POST", "/auth/login", {"email": ADA, "password": "Wrong12345"})
    ada.call("POST", "/organizations", {"name": "Engines"})
    return ada, admin


def test_erasing_leaves_nothing_of_an_account_but_its_id(world: World) -> None:
    ada, admin = busy(world)
    world.sql(
        "INSERT INTO identities (id, user_id, provider, issuer, subject, email) "
        "VALUES (gen_random_uuid(), :id, 'github', 'https://github.com', '583231', :email)",
        id=ada.id,
        email=ADA,
    )
    assert {"users.email", "invitations.email", "audit_events.details"} <= found(world, ADA).keys()
    receipt = as_json(world, "users", "erase", ADA, "--yes")
    assert receipt["complete"]
    assert receipt["erased"].items() >= {"users": 1, "sessions": 1, "passkeys": 0, "invitations": 1}.items() - {
        ("passkeys", 0)
    }
    assert found(world, ADA, "583231") == {}
    [user] = world.sql("SELECT * FROM users WHERE id = :id", id=ada.id)
    assert (user.email, user.first_name, user.password_hash, user.last_login_at) == ("erased", None, None, None)
    assert None not in (user.deleted_at, user.erased_at)
    [event] = world.sql("SELECT * FROM audit_events WHERE action = 'user.erased'")
    assert (event.user_id, event.details["remaining"]) == (ada.id, {})
    assert ada.call("GET", "/auth/me").status_code == 401
    assert admin.call("GET", f"/organizations/{admin.organization_id}/members").status_code == 200


def test_the_audit_log_is_still_what_was_sealed_after_an_erasure_and_a_purge(world: World) -> None:
    ada, admin = verified(world), deleted(world)
    with world.app.app_context():
        seal(Event())
    assert as_json(world, "users", "erase", str(ada.id), "--yes")["complete"]
    said(world, "organizations", "purge", admin.organization_id, "--yes", "--force")
    with world.app.app_context():
        seal(Event())
    said(world, "audit", "verify")


HOSTILE: dict[str, str] = {
    "audit_events.details": "INSERT INTO audit_events (id, action, organization_id, details) "
    "SELECT gen_random_uuid(), 'organization.updated', id, "
    "jsonb_build_object('a', jsonb_build_array(CAST(:text AS text))) FROM organizations",
    "audit_events.user_agent": "INSERT INTO audit_events (id, action, user_agent) "
    "VALUES (gen_random_uuid(), 'session.refused', :text)",
    "outbox.last_error": "INSERT INTO outbox (id, recipient, kind, last_error, due_at) "
    "VALUES (gen_random_uuid(), 'other@example.com', 'invitation', '550 no user ' || :text, NULL)",
    "sso_codes.person": "INSERT INTO sso_codes (id, token_hash, browser_hash, person, expires_at) "
    "VALUES (gen_random_uuid(), '', '', jsonb_build_object('email', CAST(:text AS text)), now())",
}


@pytest.mark.parametrize("where", HOSTILE)
@pytest.mark.parametrize("spelling", [ADA, "<Ada@EXAMPLE.com>", f"550\n{ADA}.", f"the user '{ADA}', it said"])
def test_erasing_finds_the_address_in_texts_of_others(world: World, where: str, spelling: str) -> None:
    world.person("Acme")
    verified(world)
    world.sql(HOSTILE[where], text=spelling)
    assert where in found(world, ADA)
    assert as_json(world, "users", "erase", ADA, "--yes")["complete"]
    assert found(world, ADA) == {}


@pytest.mark.parametrize("where", HOSTILE)
def test_erasing_leaves_addresses_of_others_that_contain_the_address(world: World, where: str) -> None:
    world.person("Acme")
    verified(world)
    others = ["an.ada@example.com", "x+ada@example.com", "ada@example.com.au", "ada@example.com-b.net"]
    world.sql(HOSTILE[where], text=" ".join(others))
    assert as_json(world, "users", "erase", ADA, "--yes")["remaining"] == {}
    assert all(where in found(world, other) for other in others)


def test_erasing_an_address_that_nobody_has_verified_leaves_what_others_have_sent_to_it(world: World) -> None:
    admin, stranger = world.person("Acme"), world.person(email=ADA)
    assert stranger.call("POST", "/auth/email/resend", {"email": ADA}).status_code == 202
    token = world.invite(admin, admin.organization_id, ADA, "viewer")
    delete(world, stranger)
    receipt = as_json(world, "users", "erase", ADA, "--yes")
    assert receipt["complete"]
    assert receipt["same_name"] == INVITED
    assert world.caller().call("POST", "/invitations/preview", {"token": token}).status_code == 200
    assert [row.kind for row in world.sql("SELECT kind FROM outbox WHERE recipient = :to", to=ADA)] == ["invitation"]
    [event] = world.sql("SELECT details, ip_address FROM audit_events WHERE action = 'invitation.created'")
    assert (event.details["email"], event.ip_address is None) == (ADA, False)
    assert world.sql("SELECT FROM audit_events WHERE user_id = :id AND ip_address IS NOT NULL", id=stranger.id) == []


def test_erasing_leaves_what_came_after_the_account_had_ended(world: World) -> None:
    admin = world.person("Acme")
    world.invite(admin, admin.organization_id, ADA, "viewer")
    delete(world, verified(world))
    other = world.person("Other")
    token = world.invite(other, other.organization_id, ADA, "viewer")
    receipt = json.loads(said(world, "users", "erase", ADA, "--yes", "--json", status=1))
    assert receipt["remaining"] == INVITED
    assert world.caller().call("POST", "/invitations/preview", {"token": token}).status_code == 200


@pytest.mark.parametrize(("was_verified", "left"), [(True, 0), (False, 1)])
def test_erasing_finds_a_former_address_if_it_was_verified(world: World, was_verified: bool, left: int) -> None:
    admin = world.person("Acme")
    world.invite(admin, admin.organization_id, ADA, "viewer")
    person = verified(world) if was_verified else world.person(email=ADA)
    assert (
        person.call("POST", "/auth/email/change", {"new_email": "b@example.com", "password": PASSWORD}).status_code
        == 202
    )
    assert person.call("POST", "/auth/email/verify", {"token": world.token_for("b@example.com")}).status_code == 204
    assert as_json(world, "users", "erase", str(person.id), "--yes")["complete"]
    assert found(world, ADA).get("invitations.email", 0) == left
    assert found(world, "b@example.com") == {}


def test_somebody_who_registers_an_address_without_verifying_it_does_not_keep_its_former_owner_from_erasure(
    world: World,
) -> None:
    admin = world.person("Acme")
    world.invite(admin, admin.organization_id, ADA, "viewer")
    delete(world, former := verified(world))
    world.person(email=ADA)
    assert "Another account has the address now" in said(world, "users", "erase", str(former.id), "--yes")
    assert found(world, ADA) == {"users.email": 1, "one_time_tokens.email": 1}


@pytest.fixture
def notes(world: World) -> Iterator[None]:
    """A table of somebody's own, with an email of other people's."""
    world.sql('CREATE TABLE notes ("the subject" text, raw bytea)')
    world.sql("GRANT ALL ON notes TO authapp")
    yield
    world.sql("DROP TABLE notes")


@pytest.mark.usefixtures("notes")
def test_erasing_tells_what_is_left_in_tables_of_somebodys_own(world: World) -> None:
    ada = verified(world, first_name="Zoë", last_name="Byron")
    world.sql("INSERT INTO notes VALUES (:subject, :raw)", subject=f"Fwd: {ADA}", raw=b"\x00Zo\xc3\xab Byron")
    receipt = json.loads(said(world, "users", "erase", str(ada.id), "--yes", "--json", status=1))
    assert not receipt["complete"]
    assert receipt["remaining"] == {"notes.the subject": 1}
    assert receipt["same_name"] == {"notes.raw": 1}
    [event] = world.sql("SELECT details FROM audit_events WHERE action = 'user.erased'")
    assert event.details["remaining"] == receipt["remaining"]
    assert "ada" not in str(event.details)


@pytest.mark.usefixtures("notes")
def test_a_table_whose_rows_are_hidden_from_operators_is_told(world: World) -> None:
    verified(world)
    world.sql("ALTER TABLE notes ENABLE ROW LEVEL SECURITY")
    assert "Not searched, as their rows are hidden from operators: notes" in said(
        world, "users", "erase", ADA, "--yes", status=1
    )


@pytest.mark.usefixtures("notes")
def test_a_tenant_table_of_somebodys_own_is_searched(world: World) -> None:
    admin = world.person("Acme")
    verified(world)
    world.sql("ALTER TABLE notes ADD organization_id uuid DEFAULT :id", id=admin.organization_id)
    for statement in enable_rls("notes"):
        world.sql(statement)
    world.sql("INSERT INTO notes VALUES (:subject)", subject=ADA)
    receipt = json.loads(said(world, "users", "erase", ADA, "--yes", "--json", status=1))
    assert (receipt["remaining"], receipt["not_searched"]) == ({"notes.the subject": 1}, [])


def test_an_address_that_somebody_else_has_now_keeps_its_invitations(world: World) -> None:
    admin = world.person("Acme")
    delete(world, first := verified(world))
    second = verified(world)
    token = world.invite(admin, admin.organization_id, ADA, "viewer")
    text = said(world, "users", "erase", str(first.id), "--yes")
    assert "Another account has the address now" in text
    assert second.call("POST", "/invitations/accept", {"token": token}).status_code == 200
    [row] = world.sql("SELECT email FROM users WHERE id = :id", id=first.id)
    assert row.email == "erased"


def test_erasing_by_email_erases_every_account_that_had_it(world: World) -> None:
    delete(world, world.person(email=ADA))
    world.person(email=ADA)
    assert as_json(world, "users", "erase", ADA, "--yes")["erased"]["users"] == 2
    assert (
        said(world, "users", "erase", ADA, "--yes", status=1) == f"Error: There is no account with the email {ADA}.\n"
    )


def test_the_last_admin_of_other_members_is_not_erased(world: World) -> None:
    founder, member = world.person("Acme"), world.person()
    world.join(member, founder.organization_id, "viewer")
    text = said(world, "users", "erase", founder.email, "--yes", status=1)
    assert "It is the only active admin of Acme (acme). First run for each: organizations promote ID EMAIL" in text
    assert founder.call("GET", "/auth/me").status_code == 200
    said(world, "organizations", "promote", founder.organization_id, member.email)
    assert as_json(world, "users", "erase", founder.email, "--yes")["complete"]


@pytest.mark.parametrize("email", ["nobody@example.com", "no email", UNKNOWN_ID])
@pytest.mark.parametrize("command", [["erase", "--yes"], ["export"]])
def test_a_command_says_that_there_is_no_account(world: World, command: list[str], email: str) -> None:
    text = said(world, "users", command[0], email, *command[1:], status=1)
    assert text == f"Error: There is no account with the email {email}.\n"


def test_nothing_is_erased_without_an_answer(world: World) -> None:
    ada = world.person(email=ADA)
    assert said(world, "users", "erase", ADA, status=1, stdin="n\n").startswith(f"{ada.id}  active    {ADA}\n")
    assert ada.call("GET", "/auth/me").status_code == 200


def erase(world: World, person: Person) -> int:
    """Erase an account as the command does. Returns how many are erased."""
    receipt = as_operator(world, partial(erasure.erase, [person.id]))
    return receipt.erased["users"] if receipt else 0


def sign_in(world: World, person: Person) -> int:
    body = {"email": person.email, "password": PASSWORD}
    return world.caller().call("POST", "/auth/login", body).status_code


def test_sign_ins_at_once_with_the_erasure_leave_nothing(world: World) -> None:
    for round_ in range(3):
        ada = world.person(email=f"ada{round_}@example.com")

        calls: list[Callable[[], int]] = [partial(erase, world, ada), *[partial(sign_in, world, ada)] * 5]
        statuses = all_at_once(calls)[1:]
        assert set(statuses) <= {200, 401}
        assert world.sql("SELECT FROM sessions WHERE user_id = :id", id=ada.id) == []
        assert found(world, ada.email) == {}


def test_an_account_that_registers_at_once_with_the_erasure_of_its_address_loses_nothing(world: World) -> None:
    for round_ in range(5):
        email = f"ada{round_}@example.com"
        delete(world, former := verified(world, email))

        def register(email: str = email) -> int:
            body = {"email": email, "password": PASSWORD}
            return world.caller().call("POST", "/auth/register", body).status_code

        calls: list[Callable[[], int]] = [partial(erase, world, former), register]
        assert all_at_once(calls)[1] == 201
        [row] = world.sql("SELECT count(*) FROM outbox WHERE recipient = :email AND kind = 'verification'", email=email)
        [tokens] = world.sql("SELECT count(*) FROM one_time_tokens WHERE email = :email", email=email)
        assert (row.count, tokens.count) == (1, 1)


def test_users_export_writes_everything_and_no_secret(world: World, tmp_path: Path) -> None:
    busy(world)
    said(world, "users", "export", ADA, "--output", str(tmp_path / "ada.json"))
    exported = json.loads((tmp_path / "ada.json").read_text())
    assert exported["user"]["email"] == ADA
    assert [each["organization_name"] for each in exported["memberships"]] == ["Engines"]
    assert [each["name"] for each in exported["passkeys"]]
    assert [each["email"] for each in exported["invitations_received"]] == [ADA]
    secrets = {column for table in TABLES for column, level in table.levels.items() if level is Level.CREDENTIAL}
    assert not secrets & {key for rows in exported.values() if isinstance(rows, list) for row in rows for key in row}
    assert world.sql("SELECT actor_id FROM audit_events WHERE action = 'user.exported'")[0].actor_id is None


def test_organizations_export_writes_everything_of_one_organization(world: World) -> None:
    admin, other = world.person("Acme"), world.person("Other")
    world.invite(admin, admin.organization_id, ADA, "viewer")
    world.api_key(admin, admin.organization_id, "viewer")
    exported = json.loads(said(world, "organizations", "export", "acme"))
    assert exported["organization"]["slug"] == "acme"
    assert [member["email"] for member in exported["memberships"]] == [admin.email]
    assert [row["email"] for row in exported["invitations"]] == [ADA]
    assert [row["name"] for row in exported["api_keys"]] == ["a viewer"]
    assert len(exported["audit_events"]) == 3
    assert other.organization_id not in json.dumps(exported)
    events = admin.call("GET", f"/organizations/{admin.organization_id}/audit-events").get_json()["items"]
    assert events[0]["action"] == "organization.exported"


@pytest.mark.parametrize("name", [UNKNOWN_ID, "nowhere", "No Slug"])
@pytest.mark.parametrize("command", [["export"], ["undelete"], ["purge", "--yes"]])
def test_a_command_says_that_there_is_no_organization(world: World, command: list[str], name: str) -> None:
    text = said(world, "organizations", command[0], name, *command[1:], status=1)
    assert text == f"Error: There is no organization {name}.\n"


def test_a_deleted_organization_comes_back_as_it_was(world: World) -> None:
    admin, member = world.person("Acme"), world.person()
    world.join(member, admin.organization_id, "viewer")
    key = world.api_key(admin, admin.organization_id, "viewer")
    path = f"/organizations/{admin.organization_id}"
    assert said(world, "organizations", "undelete", "acme") == "Acme (acme) is not deleted.\n"
    said(world, "organizations", "delete", admin.organization_id, "--yes")
    assert member.call("GET", path).status_code == 403
    assert said(world, "organizations", "undelete", "acme") == "Acme (acme) is back.\n"
    assert member.call("GET", path).get_json()["role"] == "viewer"
    assert world.caller(key).call("GET", f"{path}/members").status_code == 200
    events = admin.call("GET", f"{path}/audit-events").get_json()["items"]
    assert events[0]["action"] == "organization.undeleted"


def test_a_slug_that_is_taken_by_now_is_replaced(world: World) -> None:
    admin = world.person("Acme")
    undelete = ["organizations", "undelete", admin.organization_id]
    said(world, "organizations", "delete", admin.organization_id, "--yes")
    world.person("Acme")
    assert said(world, *undelete, status=1) == (
        "Error: Another organization has the slug acme. Give another one: --slug SLUG\n"
    )
    said(world, *undelete, "--slug", "Not A Slug", status=2)
    said(world, *undelete, "--slug", "admin", status=2)
    assert said(world, *undelete, "--slug", "acme-2") == "Acme (acme-2) is back.\n"
    assert admin.call("GET", f"/organizations/{admin.organization_id}").get_json()["slug"] == "acme-2"


def test_an_organization_whose_admins_are_gone_does_not_come_back(world: World) -> None:
    delete(world, admin := world.person("Acme"))
    text = said(world, "organizations", "undelete", "acme", status=1)
    assert text.startswith("Error: Acme would have no active admin. ")
    assert admin.call("GET", "/auth/me").status_code == 401


def test_an_admin_whose_account_is_deleted_meanwhile_takes_the_organization_along(world: World) -> None:
    admin = world.person("Acme")
    said(world, "organizations", "delete", admin.organization_id, "--yes")
    with world.app.app_context(), ThreadPoolExecutor(1) as pool:
        tenancy.set_operator()
        assert purge.undelete(UUID(admin.organization_id))
        deletion = pool.submit(delete, world, admin)
        while not deletion.done() and world.sql(LOCK_WAITS) == [(0,)]:
            pass
        transaction.commit()
        deletion.result(timeout=20)
    [row] = world.sql("SELECT deleted_at FROM organizations")
    assert row.deleted_at is not None


def deleted(world: World) -> Person:
    """The former admin of an organization that had a row of everything."""
    admin, member = world.person("Acme"), world.person()
    world.join(member, admin.organization_id, "viewer")
    world.invite(admin, admin.organization_id, ADA, "viewer")
    world.api_key(admin, admin.organization_id, "viewer")
    said(world, "organizations", "delete", admin.organization_id, "--yes")
    return admin


def test_purging_leaves_the_row_and_the_ids_of_the_audit_log(world: World) -> None:
    admin = deleted(world)
    other = world.person("Other")
    text = said(world, "organizations", "purge", admin.organization_id, status=1)
    assert text.startswith("Error: The deletion of Acme can be undone until ")  # before it asks
    assert len(as_json(world, "organizations", "list", "--deleted")) == 1
    receipt = as_json(world, "organizations", "purge", admin.organization_id, "--yes", "--force")
    assert receipt["complete"]
    assert as_json(world, "organizations", "list", "--deleted") == []
    assert receipt["erased"].items() >= {"memberships": 2, "invitations": 1, "api_keys": 1, "organizations": 1}.items()
    [row] = world.sql("SELECT * FROM organizations WHERE id = :id", id=admin.organization_id)
    assert (row.name, row.slug, row.founded_by) == ("purged", f"purged-{row.id.hex}", None)
    events = world.sql(
        "SELECT action, details, ip_address FROM audit_events WHERE organization_id = :id ORDER BY id",
        id=admin.organization_id,
    )
    *before, last = events
    assert [event.details for event in before] == [{}] * 4
    assert (last.action, last.details["remaining"]) == ("organization.purged", {})
    assert found(world, ADA, "acme") == {}
    assert said(world, "organizations", "purge", admin.organization_id, "--yes", status=1).startswith(
        "Error: There is no"
    )
    assert other.call("GET", f"/organizations/{other.organization_id}").status_code == 200


def test_an_organization_that_is_not_deleted_is_not_purged(world: World) -> None:
    admin = world.person("Acme")
    text = said(world, "organizations", "purge", "acme", "--yes", "--force", status=1)
    assert f"Error: Acme is not deleted. First run: organizations delete {admin.organization_id}\n" in text


def test_of_undelete_and_purge_at_once_one_happens(world: World) -> None:
    for _ in range(4):
        admin = deleted(world)
        organization_id = UUID(admin.organization_id)

        def undelete(organization_id: UUID = organization_id) -> bool:
            return as_operator(world, partial(purge.undelete, organization_id))

        def purge_it(organization_id: UUID = organization_id) -> bool:
            try:
                return as_operator(world, partial(purge.purge, organization_id, force=True)) is not None
            except purge.NotDeleted:
                return False

        assert sorted(all_at_once([undelete, purge_it])) == [False, True]
        [row] = world.sql("SELECT deleted_at, purged_at FROM organizations WHERE id = :id", id=organization_id)
        [[members]] = world.sql("SELECT count(*) FROM memberships WHERE organization_id = :id", id=organization_id)
        assert (row.deleted_at is None, row.purged_at is None, members) in {(True, True, 2), (False, False, 0)}
        world.clear()
