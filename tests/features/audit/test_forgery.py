"""`flask audit verify` is not misled by events and erasures that somebody with the database has forged."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from authapp.core import clock, ids
from authapp.services.audit_partitions import next_month
from authapp.services.audit_seals import sealing
from tests.cli.commands import as_json, said
from tests.factories import AppWith, World, all_at_once
from tests.features.audit.test_partitions import OLD, add_partition, cleared, keep
from tests.features.audit.test_sealing import add, seal
from tests.features.audit.test_verification import verify

__all__ = ["cleared"]

FORGET = (
    "UPDATE audit_events SET details = '{{}}', ip_address = NULL, user_agent = NULL WHERE {which}; "
    "UPDATE audit_leaves SET salt = NULL, erased_by = {erasure} WHERE event_id IN (SELECT id FROM audit_events "
    "WHERE {which})"
)
ROLE = "action = 'member.role.changed'"
EVENT = "INSERT INTO audit_events (id, action, details) VALUES (:id, :action, CAST(:details AS jsonb))"
UNCOVERED = "no sealed receipt covers events that were erased, of which there are 1"
OLDER = "the event is more than an hour older than one that was sealed before it"


def findings(world: World, *arguments: str) -> list[dict[str, Any]]:
    """What verification has found. The exit status says whether it was something."""
    status, out, _ = verify(world, *arguments, "--json")
    found: list[dict[str, Any]] = json.loads(out)["findings"]
    assert status == bool(found)
    return found


def problems(world: World, *arguments: str) -> list[str]:
    return [finding["problem"] for finding in findings(world, *arguments)]


def forge(world: World, action: str, **details: Any) -> None:
    """Add an event, as somebody with the database can, and let the worker seal it."""
    world.sql(EVENT, id=uuid7(), action=action, details=json.dumps(details))
    seal(world)


def id_of(day: date, number: int) -> UUID:
    """A UUIDv7 of the beginning of a day."""
    first = ids.first_id_at(datetime(day.year, day.month, day.day, tzinfo=UTC))
    return UUID(int=first.int + (7 << 76) + (2 << 62) + number)


def add_at(world: World, event_id: UUID, moment: datetime) -> None:
    world.sql("INSERT INTO audit_events (id, action, created_at) VALUES (:id, 'a.b', :at)", id=event_id, at=moment)


def add_old(world: World, month: date, count: int) -> None:
    """Add events of a month, with its partition."""
    add_partition(world.app, month)
    for number in range(count):
        add_at(world, id_of(month, number), datetime(month.year, month.month, 1, tzinfo=UTC))


def test_a_deleted_event_is_found_whatever_a_forged_event_says_of_its_month(world: World) -> None:
    add(world, 5)
    seal(world)
    world.sql("DELETE FROM audit_events WHERE id = (SELECT event_id FROM audit_leaves WHERE position = 2)")
    this_month = clock.now().date().replace(day=1)
    for before in ("2099-01-01", str(next_month(this_month)), str(this_month), "2099-01-02", "soon", 7):
        for count in (0, 1, 5, 6, "many"):
            world.sql(
                EVENT, id=uuid7(), action="audit_log.pruned", details=json.dumps({"before": before, "count": count})
            )
    world.sql(EVENT, id=uuid7(), action="audit_log.pruned", details="{}")
    seal(world)
    [finding] = findings(world)
    assert (finding["problem"], finding["position"]) == ("the event was deleted", 2)


@pytest.mark.parametrize(
    ("deleted", "count"),
    [("id < :end", 2), ("id < :end", 4), ("id < :middle", 3), ("id >= :middle AND id < :end", 2)],
    ids=["fewer", "more", "a part of the month", "the later month"],
)
def test_a_month_that_was_deleted_by_hand_is_found(cleared: World, deleted: str, count: int) -> None:
    """Three events of a month. The forged event has another count, or something of the month or before is left."""
    month = next_month(OLD) if "AND" in deleted else OLD
    if month != OLD:
        add_old(cleared, OLD, 1)
    add_old(cleared, month, 2 if month != OLD else 3)
    seal(cleared)
    bounds = {"end": id_of(next_month(month), 0), "middle": id_of(month, 2) if month == OLD else id_of(month, 0)}
    cleared.sql(f"DELETE FROM audit_events WHERE {deleted}", **{k: v for k, v in bounds.items() if f":{k}" in deleted})
    forge(cleared, "audit_log.pruned", before=str(next_month(month)), count=count)
    assert "the event was deleted" in problems(cleared)


def test_a_part_of_a_month_is_not_a_month(cleared: World) -> None:
    add_old(cleared, OLD, 2)
    add_at(cleared, id_of(OLD.replace(day=20), 0), datetime(2021, 3, 20, tzinfo=UTC))
    seal(cleared)
    middle = OLD.replace(day=15)
    cleared.sql("DELETE FROM audit_events WHERE id < :middle", middle=id_of(middle, 0))
    forge(cleared, "audit_log.pruned", before=str(middle), count=2)
    assert "the event was deleted" in problems(cleared)


def test_months_that_the_worker_has_deleted_are_fine_also_when_their_events_are_deleted_in_turn(
    cleared: World, app_with: AppWith
) -> None:
    retaining = app_with(audit_retention_days=365)
    months = [OLD, next_month(OLD), next_month(next_month(OLD))]
    for number, month in enumerate(months):
        add_old(cleared, month, number + 1)
    seal(cleared)
    keep(retaining)
    assert problems(cleared) == []  # also before what says so is sealed
    seal(cleared)
    found = json.loads(verify(cleared, "--json")[1])
    assert (found["beyond_retention"], found["findings"]) == (6, [])
    # what says so of the first is as old as the second
    cleared.sql("DELETE FROM audit_events WHERE details ->> 'before' = :before", before=str(months[1]))
    [finding] = findings(cleared)
    assert finding["position"] == 6  # it was no month that was deleted
    cleared.sql("DELETE FROM audit_events WHERE details ->> 'before' = :before", before=str(months[2]))
    cleared.sql("UPDATE audit_events SET details = jsonb_set(details, '{count}', '4')")
    assert findings(cleared)[0]["position"] == 0


def test_an_erased_event_that_no_receipt_covers_is_found(world: World) -> None:
    ada, bob, eve = world.person("Acme"), world.person(), world.person()
    world.join(bob, ada.organization_id, "viewer")
    ada.call("PATCH", f"/organizations/{ada.organization_id}/members/{bob.id}", {"role": "admin"})
    seal(world)
    as_json(world, "users", "erase", eve.email, "--yes")
    assert problems(world) == []  # also before the receipt is sealed
    seal(world)
    assert problems(world) == []
    [[real]] = world.sql("SELECT details ->> 'erasure_id' FROM audit_events WHERE action = 'user.erased'")
    [[event]] = world.sql(f"SELECT id FROM audit_events WHERE {ROLE}")
    world.sql(FORGET.format(which=ROLE, erasure="NULL"))
    for arguments in ((), ("--organization", ada.organization_id)):
        [finding] = findings(world, *arguments)
        assert (finding["problem"], finding["event_id"]) == (UNCOVERED, str(event))
    world.sql(FORGET.format(which=ROLE, erasure=f"'{real}'"))
    assert len(problems(world)) == 2  # the receipt says how many there are: neither they nor hers are covered
    forged = str(uuid7())
    world.sql(FORGET.format(which=ROLE, erasure=f"'{forged}'"))
    forge(world, "user.erased", erasure_id=forged, erased={"audit_leaves": 1})
    assert problems(world) == [UNCOVERED]  # it is of no account that is erased
    forge(world, "organization.purged", erasure_id=forged, erased={"audit_leaves": 1})
    assert problems(world) == [UNCOVERED]
    world.sql(f"UPDATE audit_events SET user_id = '{eve.id}' WHERE details ->> 'erasure_id' = '{forged}'")
    assert "the event, or its leaf, was changed" in problems(world)


def test_events_of_erased_accounts_and_purged_organizations_are_fine_and_those_that_name_an_address_are_counted(
    world: World,
) -> None:
    admin, other = world.person("Acme"), world.person("Other")
    world.invite(other, other.organization_id, "eve@example.com", "viewer")
    world.invite(admin, admin.organization_id, "eve@example.com", "viewer")
    eve = world.person(email="eve@example.com")
    world.sql("UPDATE users SET email_verified = true WHERE id = :id", id=eve.id)
    seal(world)
    as_json(world, "users", "erase", eve.email, "--yes")
    said(world, "organizations", "delete", admin.organization_id, "--yes")
    as_json(world, "organizations", "purge", admin.organization_id, "--yes", "--force")
    seal(world)
    found = json.loads(verify(world, "--json")[1])
    assert (found["findings"], found["erased_by_address"]) == ([], 2)
    assert found["erased"] > 4
    assert "(2 only for an address that they named)" in verify(world)[1]


@pytest.mark.parametrize("done", [r"UPDATE audit_nodes SET hash = set_byte(hash, 0, 1)", "DELETE FROM audit_nodes"])
def test_a_stored_node_that_was_changed_is_found(world: World, done: str) -> None:
    add(world, 300)
    seal(world)
    world.sql("UPDATE audit_nodes SET hash = set_byte(hash, 0, 2)" if "UPDATE" in done else done)
    world.sql(done)
    [finding] = findings(world)
    assert finding["problem"].startswith("a stored node above this event was changed")
    assert finding["position"] == 255


@pytest.mark.parametrize(("minutes", "found"), [(59, []), (61, [OLDER])])
@pytest.mark.parametrize("with_id", [True, False])
def test_an_event_that_was_added_later_than_it_says_is_found(
    world: World, minutes: int, found: list[str], with_id: bool
) -> None:
    add(world, 1)
    seal(world)
    past = datetime.now(UTC) - timedelta(minutes=minutes)
    add_at(world, ids.first_id_at(past) if with_id else uuid7(), past)
    seal(world)
    add(world, 1)
    seal(world)
    assert problems(world) == found
    world.sql(
        "UPDATE audit_events SET action = 'b.b' WHERE id = (SELECT event_id FROM audit_leaves WHERE position = 2)"
    )
    assert problems(world) == ["the event, or its leaf, was changed", *found]


def test_old_events_that_are_sealed_first_by_several_workers_are_fine(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after an upgrade, or when no worker has run for long."""
    monkeypatch.setattr(sealing, "BATCH", 10)
    now = datetime.now(UTC)
    for days in range(200):
        past = now - timedelta(days=days)
        add_at(world, ids.first_id_at(past), past)
    add(world, 1)
    all_at_once([lambda: seal(world)] * 4)
    assert problems(world) == []
