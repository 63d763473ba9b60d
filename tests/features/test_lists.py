"""Every list of the API is served by an index in its order: it reads what it shows, however much there is beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from flask import g
from sqlalchemy import select, text

from authapp.core.actor import Actor, OrganizationRecord, UserRecord
from authapp.core.enums import ActorType, AuditAction
from authapp.core.roles import Role
from authapp.db import transaction
from authapp.db.engine import db
from authapp.db.tenancy import set_account, set_tenant
from authapp.mail import sending
from authapp.models import Organization, Session, User
from authapp.schemas.accounts import MOST_MEMBERSHIPS
from authapp.services import api_keys, audit, invitations, members, organizations
from tests import bulk
from tests.bench.population import Population
from tests.bench.servers import Postgres
from tests.plans import Plan, plans

MEMBERS, MANY = 12_000, 20_000
ROWS = 4 * bulk.LIMIT  # a page, one row more, and what is joined to each
BLOCKS_FOR_A_ROW = 5  # of the index that finds it and of its table
BLOCKS_OF_PARTITIONS = 10  # of the audit log: this month, the next three and the default one, which are looked into
TOUCHED = "SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables"


@pytest.fixture(scope="module")
def population(postgres: Postgres, worker_id: str) -> Iterator[Population]:
    population = Population(
        postgres, f"lists_{worker_id}", users=MEMBERS + 2, organizations=2, biggest=MEMBERS, bcrypt_rounds=4
    )
    bulk.load(postgres, population, sessions=2_000, organizations=2_000, others=MANY, events=MANY)
    yield population
    with population.app.app_context():
        for engine in db.engines.values():
            engine.dispose()


@pytest.fixture(scope="module")
def known(population: Population) -> bulk.Known:
    return bulk.find(population)


def explained(population: Population, read: Callable[[], object]) -> list[Plan]:
    with population.app.app_context(), plans(population.app) as found:
        read()
        transaction.rollback()
    return found


@pytest.mark.parametrize("name", [*bulk.OF_ORGANIZATION, *bulk.OF_ACCOUNT])
def test_a_list_reads_no_more_rows_than_its_page_has(population: Population, known: bulk.Known, name: str) -> None:
    plan = explained(population, lambda: bulk.read(known, name))[-1]
    assert plan.rows <= ROWS, plan.text
    assert plan.blocks <= BLOCKS_FOR_A_ROW * (plan.rows + 2) + BLOCKS_OF_PARTITIONS, plan.text
    assert plan.tables == [], plan.text


def test_the_next_email_is_taken_without_reading_those_that_were_sent_or_are_due_later(population: Population) -> None:
    [taken] = explained(population, sending._take)
    assert taken.rows <= 3, taken.text  # found, locked, changed
    assert taken.tables == [], taken.text


def test_the_lists_are_not_empty_unless_their_filter_has_no_hits(population: Population, known: bulk.Known) -> None:
    with population.app.app_context():
        found = {name: len(bulk.read(known, name).items) for name in [*bulk.OF_ORGANIZATION, *bulk.OF_ACCOUNT]}
        transaction.rollback()
    empty = {name for name, number in found.items() if number == 0}
    assert {name for name in found if name.endswith("without hits")} <= empty
    assert empty - {name for name in found if name.endswith("without hits")} == {"members, admin, late"}


def test_an_account_of_many_organizations_is_shown_with_a_part_of_them(
    population: Population, known: bulk.Known
) -> None:
    with population.app.app_context():
        set_account(known.busy)
        before = transaction.scalar(text(TOUCHED))
        memberships = transaction.scalar(text("SELECT authapp_memberships(:id)").bindparams(id=known.busy))
        touched = transaction.scalar(text(TOUCHED)) - before
        transaction.rollback()
    assert len(memberships) == MOST_MEMBERSHIPS + 1
    assert touched <= 4 * len(memberships)


def administrator(known: bulk.Known) -> Actor:
    """The admin of the large organization in a request to one of its routes."""
    account = UserRecord._make(transaction.execute(select(*User.record()).where(User.id == known.admin)).one())
    session_id = transaction.scalar(select(Session.id).where(Session.user_id == known.admin))
    set_tenant(known.large)
    organization = OrganizationRecord._make(
        (*transaction.execute(select(*Organization.own_record())).one(), Role.ADMIN)
    )
    return Actor(id=known.admin, type=ActorType.USER, account=account, session_id=session_id, organization=organization)


ACTS: dict[str, tuple[int, Callable[[Actor, bulk.Known], object]]] = {
    "an API key": (10, lambda actor, known: api_keys.create(actor, known.large, "One more", Role.VIEWER, None)),
    "an invitation": (
        bulk.PENDING,
        lambda actor, known: invitations.create(actor, known.large, "one-more@example.com", Role.VIEWER),
    ),
    "an organization": (10, lambda actor, known: organizations.create(actor, "One more")),
    "a new member": (10, lambda actor, known: members.add(known.large, known.busy, Role.VIEWER)),
    "a removal": (10, lambda actor, known: members.remove(actor, known.large, known.member)),
    "a denied request": (10, lambda actor, known: audit.record_denial(AuditAction.ACCESS_REFUSED, actor, known.large)),
}


@pytest.mark.parametrize("name", ACTS)
def test_an_act_reads_only_what_it_changes_and_what_counts_towards_its_limit(
    population: Population, known: bulk.Known, name: str
) -> None:
    rows, act = ACTS[name]
    with population.app.app_context():
        g.actor = administrator(known)
        if name == "an organization":  # which is founded while none is open
            set_account(known.admin)
        with plans(population.app) as found:
            act(g.actor, known)
        transaction.rollback()
    assert found
    for plan in found:
        assert plan.rows <= rows, plan.text
