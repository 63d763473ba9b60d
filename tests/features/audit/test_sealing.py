"""Every event gets one leaf in the tree of its organization, whoever seals and whenever it was committed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from uuid import UUID

import pytest
from sqlalchemy import or_, text
from uuid_utils.compat import uuid7

from authapp.db import tenancy, transaction
from authapp.jobs import audit as jobs
from authapp.models import AuditEvent
from authapp.security import checkpoints
from authapp.services.audit_seals import erase_personal, sealing, unsealed_age
from authapp.services.audit_seals.checkpoints import origin_of
from tests.factories import World, all_at_once

NONE = UUID(int=0)
ADD = (
    "INSERT INTO audit_events (id, action, organization_id, ip_address, details) SELECT uuidv7(), 'a.b', "
    """:organization_id, '192.0.2.1', '{"email": "ada@example.com"}' FROM generate_series(1, :count)"""
)
UNEVEN = (
    "SELECT id FROM audit_events WHERE (SELECT count(*) FROM audit_leaves WHERE event_id = audit_events.id "
    "AND tree_id = coalesce(organization_id, '00000000-0000-0000-0000-000000000000')) <> 1"
)
TREES = (
    "SELECT t.id, t.size, count(*) AS leaves, min(position) AS first, max(position) AS last FROM audit_trees t "
    "JOIN audit_leaves ON tree_id = t.id GROUP BY t.id ORDER BY t.id"
)


def seal(world: World) -> None:
    """Seal all that waits, as the job does."""
    with world.app.app_context():
        jobs.seal(Event())


def add(world: World, count: int, organization_id: object = None) -> None:
    world.sql(ADD, count=count, organization_id=organization_id)


def require_sealed(world: World) -> None:
    """Every event has one leaf, and the leaves of each tree are numbered without a gap."""
    assert world.sql("SELECT FROM audit_unsealed") == []
    assert world.sql(UNEVEN) == []
    for tree in world.sql(TREES):
        assert (tree.size, tree.leaves, tree.first, tree.last) == (tree.leaves, tree.size, 0, tree.size - 1)


def test_events_are_sealed_in_the_trees_of_their_organizations_and_a_checkpoint_is_signed(world: World) -> None:
    acme, other = world.person("Acme"), world.person("Other")
    seal(world)
    require_sealed(world)
    assert {tree.id for tree in world.sql(TREES)} == {NONE, UUID(acme.organization_id), UUID(other.organization_id)}
    with world.app.app_context():
        key, origin = world.app.checkpoint_key, origin_of(NONE)
    assert origin == f"localhost:8000/audit/{NONE}"
    [row] = world.sql("SELECT * FROM audit_checkpoints WHERE tree_id = :id", id=NONE)
    [checkpoint] = checkpoints.read_all(row.note)
    assert (checkpoint.origin, checkpoint.size, checkpoint.root) == (origin, row.size, bytes(row.root))
    assert checkpoints.is_signed_by(key.public_key, checkpoint)
    assert row.size == world.sql("SELECT size FROM audit_trees WHERE id = :id", id=NONE)[0].size


def test_a_tree_grows_by_batches_to_the_root_that_it_has_when_sealed_at_once(world: World) -> None:
    add(world, sealing.BATCH + 700)
    seal(world)
    add(world, 1)
    seal(world)
    require_sealed(world)
    size = sealing.BATCH + 701
    assert [tree.size for tree in world.sql(TREES)] == [size]
    [(stored,)] = world.sql("SELECT count(*) FROM audit_nodes")
    assert stored == size // 256
    [row] = world.sql("SELECT day, size FROM audit_checkpoints")
    assert row.size == size  # the last one of the day is kept


def test_several_sealers_and_writers_at_once_seal_every_event_once(world: World) -> None:
    organizations = [world.person(f"Acme {number}").organization_id for number in range(3)]
    with ThreadPoolExecutor(1) as pool, world.superuser.connect() as late:
        late.execute(text(ADD), {"count": 50, "organization_id": organizations[0]})  # older ids, committed last
        stopped = Event()

        def keep_sealing() -> None:
            while not stopped.is_set():
                seal(world)

        def write(number: int) -> None:
            for _ in range(5):
                add(world, 20, (*organizations, None)[number % 4])

        sealers = [pool.submit(all_at_once, [keep_sealing] * 4)]
        all_at_once([lambda number=number: write(number) for number in range(16)])  # type: ignore[misc]
        late.commit()
        stopped.set()
        for sealer in sealers:
            sealer.result()
    seal(world)
    require_sealed(world)
    assert world.sql("SELECT count(*) FROM audit_leaves") == world.sql("SELECT count(*) FROM audit_events")


def test_an_event_that_was_rolled_back_leaves_nothing_to_seal(world: World) -> None:
    with world.superuser.connect() as connection:
        connection.execute(text(ADD), {"count": 1, "organization_id": None})
        connection.rollback()
    assert world.sql("SELECT FROM audit_unsealed") == []


def test_an_event_that_was_deleted_before_it_was_sealed_gets_a_leaf_all_the_same(world: World) -> None:
    add(world, 2)
    world.sql("DELETE FROM audit_events WHERE id = (SELECT max(id::text)::uuid FROM audit_events)")
    seal(world)
    assert [tree.size for tree in world.sql(TREES)] == [2]


def test_an_event_that_was_deleted_and_comes_again_is_sealed_once(world: World) -> None:
    add(world, 1)
    seal(world)
    world.sql("CREATE TEMP TABLE kept ON COMMIT DROP AS SELECT * FROM audit_events; DELETE FROM audit_events; "
              "INSERT INTO audit_events SELECT * FROM kept")  # fmt: skip
    seal(world)
    require_sealed(world)


def test_the_age_of_the_oldest_unsealed_event_is_known(world: World) -> None:
    with world.app.app_context():
        assert unsealed_age() is None
        add(world, 1)
        world.sql("UPDATE audit_unsealed SET recorded_at = recorded_at - interval '1 minute'")
        add(world, 1)
        age = unsealed_age()
        transaction.rollback()
    assert age is not None
    assert 60 <= age < 90


@pytest.mark.parametrize("sealed", [True, False])
def test_erasing_what_is_personal_leaves_the_root_as_it_is(world: World, sealed: bool) -> None:
    person, other = world.person("Acme"), world.person()
    if sealed:
        seal(world)
    before = world.sql("SELECT id, root FROM audit_trees ORDER BY id")
    with world.app.app_context():
        tenancy.set_operator()
        count = erase_personal(or_(AuditEvent.user_id == person.id, AuditEvent.actor_id == person.id), uuid7())
        transaction.commit()
    assert count == {"audit_events": 3, "audit_leaves": 3 if sealed else 0}
    seal(world)
    assert not sealed or world.sql("SELECT id, root FROM audit_trees ORDER BY id") == before
    left = world.sql("SELECT DISTINCT user_id FROM audit_events WHERE ip_address IS NOT NULL OR details <> '{}'")
    assert [row.user_id for row in left] == [other.id]
    salts = world.sql("SELECT event_id FROM audit_leaves WHERE salt IS NULL")
    assert len(salts) == (3 if sealed else 0)


def test_erasing_waits_for_whoever_seals_the_same_event(world: World) -> None:
    add(world, 1)

    def erase() -> None:
        with world.app.app_context():
            tenancy.set_operator()
            erase_personal(AuditEvent.action == "a.b", uuid7())
            transaction.commit()

    with ThreadPoolExecutor(1) as pool, world.app.app_context():
        tenancy.set_operator()
        sealing.seal_batch()
        erasing = pool.submit(erase)
        while world.sql("SELECT FROM pg_locks WHERE NOT granted") == []:
            assert not erasing.done()
        transaction.commit()
        erasing.result()
    assert world.sql("SELECT salt FROM audit_leaves")[0].salt is None


def test_an_event_that_is_being_erased_is_sealed_afterwards(world: World) -> None:
    add(world, 1)
    with ThreadPoolExecutor(1) as pool, world.app.app_context():
        tenancy.set_operator()
        erase_personal(AuditEvent.action == "a.b", uuid7())
        try:
            pool.submit(seal, world).result(timeout=20)
            assert world.sql("SELECT FROM audit_leaves") == []
        finally:
            transaction.commit()
    seal(world)
    require_sealed(world)
    assert world.app.test_cli_runner().invoke(args=["audit", "verify"]).exit_code == 0


def test_an_id_of_another_version_or_another_month_is_in_the_default_partition_until_its_month_has_one(
    world: World,
) -> None:
    assert uuid7().version == 7
    world.sql(
        "INSERT INTO audit_events (id, action) VALUES (:later, 'a.b'), ('f47ac10b-58cc-4372-a567-0e02b2c3d479', 'a.b')",
        later="037c3a2c-0000-7000-8000-000000000001",
    )
    assert len(world.sql("SELECT FROM audit_events_default")) == 2
