"""The job `erasure` erases what was deleted 30 days ago."""

from __future__ import annotations

from functools import partial
from threading import Event
from typing import Any

import pytest

from authapp.core.clock import FrozenClock
from authapp.jobs import erasure
from tests.cli.commands import said
from tests.factories import PASSWORD, World, all_at_once

ERASED = "SELECT count(*) FILTER (WHERE erased_at IS NOT NULL), count(*) FROM users"
PURGED = "SELECT count(*) FILTER (WHERE purged_at IS NOT NULL), count(*) FROM organizations"


def run(world: World) -> None:
    with world.app.app_context():
        erasure.erase(Event())


def counts(world: World, query: str) -> tuple[int, int]:
    [row] = world.sql(query)
    return tuple(row)


def test_what_was_deleted_30_days_ago_is_erased_and_nothing_else(world: World, time: FrozenClock) -> None:
    alone, admin, other = world.person("Acme"), world.person("Engines"), world.person()
    assert alone.call("DELETE", "/auth/me", {"password": PASSWORD}).status_code == 204  # and Acme with it
    time.advance(days=1)
    assert world.sign_in(other).call("DELETE", "/auth/me", {"password": PASSWORD}).status_code == 204
    said(world, "organizations", "delete", admin.organization_id, "--yes")
    time.advance(days=28, hours=23)
    run(world)
    assert (counts(world, ERASED), counts(world, PURGED)) == ((0, 3), (0, 2))
    time.advance(hours=2)
    run(world)
    assert (counts(world, ERASED), counts(world, PURGED)) == ((1, 3), (1, 2))
    time.advance(days=1)
    run(world)
    assert (counts(world, ERASED), counts(world, PURGED)) == ((2, 3), (2, 2))
    assert sorted(event.action for event in world.sql("SELECT action FROM audit_events WHERE details ? 'erased'")) == [
        "organization.purged", "organization.purged", "user.erased", "user.erased",
    ]  # fmt: skip


def test_several_workers_share_the_accounts_that_are_due(world: World) -> None:
    world.sql(
        "INSERT INTO users (id, email, deleted_at) "
        "SELECT uuidv7(), 'user' || n || '@example.com', now() - interval '31 days' FROM generate_series(1, 50) AS n"
    )
    all_at_once([partial(run, world)] * 3)
    assert counts(world, ERASED) == (50, 50)
    [[events]] = world.sql("SELECT count(*) FROM audit_events WHERE action = 'user.erased'")
    assert events == 50


def test_a_sign_in_that_was_under_way_while_its_account_was_erased_leaves_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, verify = world.person(), world.app.hasher.verify

    def verify_late(*args: Any) -> bool:
        said(world, "users", "erase", ada.email, "--yes")
        return verify(*args)

    monkeypatch.setattr(world.app.hasher, "verify", verify_late)
    assert world.caller().call("POST", "/auth/login", {"email": ada.email, "password": "Wrong12345"}).status_code == 401
    late = "SELECT FROM audit_events WHERE user_id = :id AND action = 'session.refused' AND ip_address IS NOT NULL"
    assert len(world.sql(late, id=ada.id)) == 1
    run(world)
    assert world.sql(late, id=ada.id) == []
    receipts = world.sql(
        "SELECT details -> 'erased' AS erased FROM audit_events WHERE action = 'user.erased' ORDER BY id"
    )
    assert [row.erased.get("users") for row in receipts] == [1, None]
    said(world, "audit", "verify")
