"""Jobs in organizations: the tenant context of one, and the list of all that are live."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Thread
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.exc import IntegrityError, ProgrammingError

from authapp import Blueprint, organization, organizations, public
from authapp.core.enums import AuditAction
from authapp.db import tenancy, transaction
from authapp.db.engine import db
from authapp.instance import ROOT
from authapp.jobs.organizations import (
    AT_ONCE,
    DeletedOrganization,
    OrganizationUnavailable,
    SuspendedOrganization,
    UnknownOrganization,
)
from authapp.models import Membership, Organization
from authapp.services import audit
from authapp.services.personal_data import purge
from tests.factories import API, LOCK_WAITS, UNKNOWN_ID, AppWith, Person, World

DEFINITION = "SELECT pg_get_functiondef('authapp_live_organizations'::regproc)"
MANY = """
INSERT INTO organizations (id, name, slug, deleted_at, suspended_at, suspension_reason)
SELECT md5(n::text)::uuid, n, 'o' || n, CASE WHEN n % 3 = 1 THEN now() END, CASE WHEN n % 3 = 2 THEN now() END,
    CASE WHEN n % 3 = 2 THEN 'operator' END FROM generate_series(1, 20000) AS n
"""


@pytest.fixture
def ada(world: World) -> Iterator[Person]:
    ada = world.person("Acme")
    with world.app.app_context():
        yield ada
        transaction.rollback()


def elsewhere(work: Callable[..., Any], *arguments: Any) -> Any:
    """Run something in a thread, which has no part in the application context of this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work, *arguments).result()


def plan(world: World, person: Person) -> str:
    [[plan]] = world.sql("SELECT plan FROM organizations WHERE id = :id", id=person.organization_id)
    return str(plan)


def set_plan(value: str) -> None:
    transaction.execute(update(Organization).values(plan=value))


def visible() -> int:
    return int(transaction.scalar(select(func.count()).select_from(Organization)))


def test_a_block_sees_its_organization_alone_and_commits_at_its_end(world: World, ada: Person) -> None:
    bob = elsewhere(world.person, "Other")
    with organization(UUID(ada.organization_id)):
        set_plan("pro")
        audit.record(AuditAction.ORGANIZATION_UPDATED, None, organization_id=UUID(ada.organization_id), plan="pro")
    assert (plan(world, ada), plan(world, bob)) == ("pro", "free")
    assert visible() == 0  # the tenant context has ended
    listed = elsewhere(ada.call, "GET", f"/organizations/{ada.organization_id}/audit-events?limit=1")
    [newest] = listed.get_json()["items"]
    assert newest["details"] == {"plan": "pro"}


def test_an_exception_rolls_the_block_back_and_ends_its_tenant_context(world: World, ada: Person) -> None:
    with suppress(KeyError), organization(UUID(ada.organization_id)):
        set_plan("pro")
        raise KeyError
    assert plan(world, ada) == "free"
    assert visible() == 0


def delete(world: World, ada: Person) -> None:
    deleted = elsewhere(ada.call, "DELETE", f"/organizations/{ada.organization_id}")
    assert deleted.status_code == 204


def suspend(world: World, ada: Person) -> None:
    world.sql("UPDATE organizations SET suspended_at = now(), suspension_reason = 'operator'")


def delete_and_purge(world: World, ada: Person) -> None:
    delete(world, ada)
    tenancy.set_operator()
    assert purge.purge(UUID(ada.organization_id), force=True)
    transaction.commit()


@pytest.mark.parametrize(
    ("change", "error"),
    [(delete, DeletedOrganization), (suspend, SuspendedOrganization), (delete_and_purge, DeletedOrganization)],
)
def test_a_job_is_refused_an_organization_that_is_not_live(
    world: World, ada: Person, change: Callable[[World, Person], None], error: type[OrganizationUnavailable]
) -> None:
    change(world, ada)
    assert list(organizations.each()) == []
    with pytest.raises(error, match=ada.organization_id), organization(UUID(ada.organization_id)):
        pytest.fail("the block has run")
    assert visible() == 0


def test_a_job_is_refused_an_organization_that_does_not_exist(ada: Person) -> None:
    with pytest.raises(UnknownOrganization, match=UNKNOWN_ID), organization(UUID(UNKNOWN_ID)):
        pytest.fail("the block has run")


def nested(ada: Person) -> None:
    with organization(UUID(ada.organization_id)), organization(UUID(ada.organization_id)):
        pytest.fail("the block has run")


def behind_a_statement(ada: Person) -> None:
    transaction.execute(select(1))
    with organization(UUID(ada.organization_id)):
        pytest.fail("the block has run")


def ended(ada: Person) -> None:
    with organization(UUID(ada.organization_id)):
        set_plan("pro")
        transaction.rollback()


def rolled_back_by_postgresql(ada: Person) -> None:
    with organization(UUID(ada.organization_id)):
        set_plan("pro")
        with suppress(IntegrityError):
            transaction.execute(
                insert(Membership).values(
                    user_id=UUID(UNKNOWN_ID), organization_id=UUID(ada.organization_id), role="viewer"
                )
            )


@pytest.mark.parametrize(
    ("job", "message"),
    [
        (nested, "A transaction is open already"),
        (behind_a_statement, "A transaction is open already"),
        (ended, "The transaction has ended"),
        (rolled_back_by_postgresql, "an error of the database was caught"),
    ],
)
def test_a_block_that_could_not_commit_as_a_whole_is_refused(
    world: World, ada: Person, job: Callable[[Person], None], message: str
) -> None:
    with pytest.raises(RuntimeError, match=message):
        job(ada)
    assert plan(world, ada) == "free"
    transaction.rollback()


def test_a_view_cannot_open_a_transaction_of_a_job(world: World, app_with: AppWith) -> None:
    ada, blueprint = world.person("Acme"), Blueprint("hook", __name__, url_prefix="/hook")

    @blueprint.post("")
    @public
    def paid() -> str:
        with organization(UUID(ada.organization_id)):
            return "paid"

    assert app_with([blueprint]).test_client().post(f"{API}/hook").status_code == 500


def test_an_organization_is_deleted_during_a_block_and_purged_only_after_it(world: World, ada: Person) -> None:
    def run_purge() -> None:
        with world.app.app_context():
            tenancy.set_operator()
            purge.purge(UUID(ada.organization_id), force=True)
            transaction.commit()

    purging = Thread(target=run_purge)
    with organization(UUID(ada.organization_id)):
        delete(world, ada)  # without waiting
        purging.start()
        while not world.sql(LOCK_WAITS)[0][0]:
            assert purging.is_alive()
        transaction.execute(text("UPDATE memberships SET created_at = created_at"))
    purging.join()
    assert world.sql("SELECT purged_at IS NOT NULL FROM organizations") == [(True,)]
    assert world.sql("SELECT FROM memberships") == []


def test_each_gives_every_live_organization_once_of_twenty_thousand(world: World, ada: Person) -> None:
    with world.superuser.begin() as connection:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")  # none of them has an admin
        connection.execute(text(MANY))
    found = list(organizations.each())
    assert found == sorted(set(found))
    assert len(found) == 20_000 // 3 + 1 > 5 * AT_ONCE


def test_each_holds_no_connection_and_gives_its_caller_no_right(world: World, ada: Person) -> None:
    elsewhere(world.person, "Other")
    for organization_id in organizations.each():
        assert [engine.pool.checkedout() for engine in db.engines.values()] == [0, 0]  # type: ignore[attr-defined]
        assert visible() == 0
        transaction.rollback()
        with organization(organization_id):
            assert visible() == 1
    row = transaction.fetch_autocommit("SELECT authapp_live_organizations(NULL, 9), authapp_is_operator()", {})
    assert row
    assert (len(row[0]), row[1]) == (2, False)
    transaction.scalar(select(func.authapp_live_organizations(None, 9)))
    assert visible() == 0
    with pytest.raises(ProgrammingError, match="row-level security"):
        transaction.execute(text("INSERT INTO organizations (id, name, slug) VALUES (gen_random_uuid(), 'a', 'a')"))


def test_a_loop_skips_an_organization_that_is_deleted_meanwhile(world: World, ada: Person) -> None:
    bob = elsewhere(world.person, "Other")
    done: list[Any] = []
    for organization_id in organizations.each():
        with suppress(OrganizationUnavailable), organization(organization_id):
            done.append(str(organization_id))
        world.sql("UPDATE organizations SET deleted_at = now() WHERE id = :id", id=bob.organization_id)
    assert done == [ada.organization_id]


def test_the_function_of_the_database_is_that_of_organizations_sql(ada: Person) -> None:
    [[migrated]] = transaction.connection().exec_driver_sql(DEFINITION)
    transaction.connection().exec_driver_sql("DROP FUNCTION authapp_live_organizations")
    sql = (ROOT / "authapp" / "db" / "organizations.sql").read_text()
    transaction.connection().exec_driver_sql(sql)
    [[written]] = transaction.connection().exec_driver_sql(DEFINITION)
    assert written == migrated
    assert len(re.findall("CREATE OR REPLACE", sql)) == 1
