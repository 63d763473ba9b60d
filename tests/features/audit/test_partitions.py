"""Partitions of the audit log are made ahead, take what came before them, and go when they are old enough."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from threading import Event

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from authapp.core import clock
from authapp.db import tenancy, transaction
from authapp.jobs import audit as jobs
from authapp.services import audit_partitions
from authapp.web.application import Application
from tests.factories import AppWith, World, all_at_once
from tests.features.audit.test_sealing import require_sealed, seal

OLD = date(2021, 3, 1)
NAME = "audit_events_2021_03"
OLD_ID = "0177ed33-e000-7000-8000-000000000001"  # in that month
EVENT = "INSERT INTO audit_events (id, action, details) VALUES (:id, 'a.b', '{}')"
PARTITIONS = "SELECT relid::regclass::text AS name FROM pg_partition_tree('audit_events') WHERE isleaf ORDER BY 1"


@pytest.fixture
def cleared(world: World) -> Iterator[World]:
    """Afterwards without the partitions that the test has made."""
    before = partitions(world)
    yield world
    for name in partitions(world) - before:
        world.sql(f"DROP TABLE {name}")


def partitions(world: World) -> set[str]:
    return {row.name for row in world.sql(PARTITIONS)}


def add_partition(app: Application, month: date) -> bool:
    with app.app_context():
        tenancy.set_operator()
        added = audit_partitions.add(month)
        transaction.commit()
        return added


def keep(app: Application) -> None:
    with app.app_context():
        jobs.keep_partitions(Event())


def test_the_partitions_of_this_month_and_the_next_three_are_made_by_one_worker(cleared: World) -> None:
    before = partitions(cleared)
    expected = {f"audit_events_{month}" for month in ("2031_11", "2031_12", "2032_01", "2032_02")}
    with clock.frozen(datetime(2031, 11, 30, 23, 59, tzinfo=UTC)):
        all_at_once([lambda: keep(cleared.app)] * 3)
    assert partitions(cleared) - before == expected


def test_a_new_partition_takes_its_rows_out_of_the_default_one(cleared: World) -> None:
    cleared.sql(EVENT, id=OLD_ID)
    assert cleared.sql("SELECT tableoid::regclass::text FROM audit_events") == [("audit_events_default",)]
    assert add_partition(cleared.app, OLD)
    assert cleared.sql("SELECT tableoid::regclass::text FROM audit_events") == [(NAME,)]
    assert not add_partition(cleared.app, OLD)
    seal(cleared)
    require_sealed(cleared)
    indexes = "SELECT count(*) FROM pg_indexes WHERE tablename = :name"
    assert cleared.sql(indexes, name=NAME) == cleared.sql(indexes, name="audit_events_default")
    secured = "SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE relname = :name"
    assert cleared.sql(secured, name=NAME) == [(True,)]


def test_an_old_partition_goes_with_what_is_sealed_and_the_log_is_still_verified(
    cleared: World, app_with: AppWith
) -> None:
    retaining = app_with(audit_retention_days=365)
    add_partition(cleared.app, OLD)
    cleared.sql(EVENT, id=OLD_ID)
    cleared.person("Acme")
    keep(cleared.app)
    keep(retaining)
    assert NAME in partitions(cleared)  # kept: no retention, then not sealed
    seal(cleared)
    cleared.sql("UPDATE audit_trees SET checkpointed_size = 0")
    keep(retaining)
    assert NAME in partitions(cleared)  # under no checkpoint
    seal(cleared)
    keep(retaining)
    assert NAME not in partitions(cleared)
    assert cleared.sql("SELECT FROM audit_events WHERE id = :id", id=OLD_ID) == []
    pruned = cleared.sql("SELECT details FROM audit_events WHERE action = 'audit_log.pruned'")
    assert [row.details for row in pruned] == [{"before": "2021-04-01", "count": 1}]
    said = cleared.app.test_cli_runner().invoke(args=["audit", "verify", "--json"])
    found = json.loads(said.stdout)
    assert (said.exit_code, found["beyond_retention"], found["findings"]) == (0, 1, [])
    cleared.sql("UPDATE audit_leaves SET leaf_hash = personal_hash WHERE event_id = :id", id=OLD_ID)
    assert cleared.app.test_cli_runner().invoke(args=["audit", "verify"]).exit_code == 1


def test_an_event_that_is_committed_late_keeps_its_partition(cleared: World, app_with: AppWith) -> None:
    retaining = app_with(audit_retention_days=365)
    add_partition(cleared.app, OLD)
    with ThreadPoolExecutor(1) as pool, cleared.superuser.connect() as late:
        late.execute(text(EVENT), {"id": OLD_ID})
        dropping = pool.submit(keep, retaining)
        with pytest.raises(OperationalError, match="lock timeout"):  # requests wait no longer than that
            dropping.result()
        late.commit()
    keep(retaining)
    assert NAME in partitions(cleared)
