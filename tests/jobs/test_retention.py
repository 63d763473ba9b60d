"""What has ended is removed in time, in small transactions, and nothing else is."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from threading import Event
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import insert, text

from authapp.core import clock
from authapp.core.clock import FrozenClock
from authapp.db import transaction
from authapp.jobs import retention as job
from authapp.models import (
    ApiKey,
    AttemptCounter,
    Invitation,
    KnownDevice,
    MfaChallenge,
    OneTimeToken,
    OutboxMessage,
    PasskeyChallenge,
    Session,
    SsoCode,
    SsoState,
    UsedJobToken,
    Webhook,
    WebhookDelivery,
)
from authapp.services import retention
from tests.factories import Person, World, all_at_once
from tests.plans import plans
from tests.tenant_tables import own_tables

# Every table that no rule is about, and why it does not grow without bound, or may.
NOT_PRUNED = {
    "audit_checkpoints": "one a day for each tree that has grown",
    "audit_events": "has a retention of its own",
    "audit_leaves": "the trees are made of them",
    "audit_nodes": "the trees are made of them",
    "audit_trees": "one for each organization",
    "audit_unsealed": "emptied by the sealing",
    "identities": "an unlinked one keeps the same address from linking it again; one for each identity at a provider",
    "jobs": "one for each job",
    "kept_keys": "one for each purpose",
    "memberships": "one for each member",
    "organizations": "deleted ones are kept for the audit log",
    "passkey_users": "one for each account",
    "passkeys": "limited for each account, removed with it",
    "revocations": "has a job of its own",
    "recovery_codes": "limited for each account, removed with it",
    "service_keys": "made by an operator; revoked ones are kept for the audit log",
    "signing_keys": "kept, so that no kid is used again",
    "trusted_identities": "limited for each organization, deleted by its admins",
    "totp_factors": "one for each account",
    "users": "deleted ones are kept for the audit log",
}
DAYS_OF_SETTINGS = {"session_retention_days": 30, "outbox_retention_days": 30}
MANY = (
    "INSERT INTO sessions (id, user_id, refresh_id, authenticated_at, amr, last_used_at, expires_at, ends_at_latest) "
    "SELECT uuidv7(), :id, uuidv7(), now(), '{pwd}', now(), :moment, now() FROM generate_series(1, :number)"
)


def row(model: Any, owner: Person) -> dict[str, Any]:
    """What a row has to have, and does not end within years."""
    if model is WebhookDelivery:
        hook = {"url": "https://example.com/", "actions": None}
        webhook = owner.call("POST", f"/organizations/{owner.organization_id}/webhooks", hook).get_json()
        of_webhook = {"organization_id": owner.organization_id, "webhook_id": webhook["id"], "event_id": uuid4()}
        return {**of_webhook, "action": "member.joined", "status": "delivered", "due_at": None}
    later, mine = clock.now() + timedelta(days=4_000), {"user_id": owner.id}
    of_browser = {"token_hash": b"", "browser_hash": b"", "expires_at": later}
    session = dict.fromkeys(("authenticated_at", "last_used_at", "expires_at", "ends_at_latest"), later)
    of_tenant = {"organization_id": owner.organization_id, "role": "viewer"}
    rows: dict[Any, dict[str, Any]] = {
        SsoCode: {**of_browser, "person": {}},
        SsoState: {**of_browser, "provider": "x"},
        PasskeyChallenge: {"purpose": "sign_in", "challenge": uuid4().bytes, "expires_at": later},
        MfaChallenge: {**mine, "token_hash": b"", "amr": [], "expires_at": later},
        OneTimeToken: {
            "owner_id": uuid4(), "purpose": "reset", "email": "x", "token_hash": b"", "expires_at": later
        },
        KnownDevice: {**mine, "token_hash": b"", "expires_at": later},
        UsedJobToken: {"digest": uuid4().bytes, "expires_at": later},
        AttemptCounter: {"key": uuid4().bytes, "failures": 1, "next_at": later},
        Session: {**mine, **session, "refresh_id": uuid4(), "amr": []},
        OutboxMessage: {"recipient": "x", "kind": "x"},
        Invitation: {
            **of_tenant, "email": "x", "status": "accepted", "invited_by": owner.id, "expires_at": later
        },
        Webhook: {"organization_id": owner.organization_id, "url": "x", "encrypted_secret": b"", "key_id": "x"},
        ApiKey: {**of_tenant, "name": "x", "secret_hash": b"", "created_by": owner.id},
    }  # fmt: skip
    return rows[model]


def run(world: World, stopped: Event | None = None, tell: Callable[[int], object] = int) -> dict[str, int]:
    with world.app.app_context():
        done = job.prune(stopped or Event(), tell)
    return {name: count for name, count in done.items() if count}


def number(world: World, table: str) -> int:
    [[count]] = world.sql(f"SELECT count(*) FROM {table}")
    return int(count)


def age_of(rule: retention.Rule) -> timedelta:
    return rule.age if isinstance(rule.age, timedelta) else timedelta(days=DAYS_OF_SETTINGS[rule.age])


def test_every_table_is_pruned_or_known_not_to_need_it() -> None:
    pruned = {rule.column.class_.__tablename__ for rule in retention.RULES}
    assert pruned | NOT_PRUNED.keys() == own_tables()
    assert not pruned & NOT_PRUNED.keys()


@pytest.mark.parametrize("rule", retention.RULES, ids=lambda rule: str(rule.column))
def test_rows_are_removed_when_their_time_has_come_and_not_before(
    world: World, time: FrozenClock, rule: retention.Rule
) -> None:
    model, owner = rule.column.class_, world.person("Acme")
    before = number(world, model.__tablename__)
    with world.superuser.begin() as connection:
        for moment in (-timedelta(days=400), timedelta(), timedelta(seconds=1)):
            values = {**row(model, owner), rule.column.key: time.now() - age_of(rule) + moment}
            connection.execute(insert(model).values(values))
    assert run(world) == {model.__tablename__: 2}
    assert number(world, model.__tablename__) == before + 1
    time.advance(seconds=1)
    assert run(world) == {model.__tablename__: 1}


@pytest.mark.parametrize("rule", retention.RULES, ids=lambda rule: str(rule.column))
def test_an_index_begins_with_the_column_of_a_rule(rule: retention.Rule) -> None:
    assert rule.column.key in [index.columns[0].name for index in rule.column.class_.__table__.indexes]


def test_the_settings_say_how_long_sessions_and_emails_are_kept(world: World, app_with: Any) -> None:
    person = world.person()
    world.sql("UPDATE sessions SET ended_at = now() - interval '40 days'")
    world.sql(
        "INSERT INTO outbox (id, recipient, kind, sent_at) VALUES (uuidv7(), 'x', 'x', now() - interval '40 days')"
    )
    assert run(world.with_app(app_with(session_retention_days=41, outbox_retention_days=41))) == {}
    assert run(world) == {"sessions": 1, "outbox": 1}
    assert person.call("GET", "/auth/me").status_code == 401


def test_an_expired_session_gets_its_end_written_and_a_live_one_does_not(world: World) -> None:
    person, live = world.person(), world.person()
    world.sql("UPDATE sessions SET expires_at = now() - interval '2 minutes' WHERE user_id = :id", id=person.id)
    assert run(world) == {"ended": 1}
    [ended] = world.sql(
        "SELECT ended_at = expires_at AS on_time, end_reason, user_id FROM sessions WHERE ended_at > '-infinity'"
    )
    assert tuple(ended) == (True, "expired", person.id)
    assert live.call("GET", "/auth/me").status_code == 200
    assert world.sql("SELECT FROM audit_events WHERE action = 'session.ended'") == []


def test_it_works_in_batches_stops_when_it_is_told_to_and_goes_on_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 10)
    world.sql(MANY, id=world.person().id, number=35, moment=clock.now() - timedelta(days=40))
    stopped, batches = Event(), list[int]()

    def tell(count: int) -> None:
        batches.append(count)
        if len(batches) == 2:
            stopped.set()

    assert run(world, stopped, tell) == {"ended": 20}
    assert batches == [10, 10]
    assert run(world, tell=batches.append) == {"ended": 15, "sessions": 35}
    assert max(batches) == 10


def test_workers_at_the_same_time_remove_each_row_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 20)
    world.sql(MANY, id=world.person().id, number=400, moment=clock.now() - timedelta(days=40))
    done: Counter[str] = sum((Counter(each) for each in all_at_once([partial(run, world)] * 6)), Counter())
    # one that finds all others locked leaves them to the others, who end before what is marked late is removed
    assert done["ended"] == 400
    assert done["sessions"] + run(world).get("sessions", 0) == 400
    assert number(world, "sessions") == 1


def test_a_row_that_is_locked_is_left_and_delays_nothing(world: World) -> None:
    world.sql(MANY, id=world.person().id, number=3, moment=clock.now() - timedelta(days=40))
    with world.superuser.begin() as another:
        another.execute(text("SELECT FROM sessions ORDER BY expires_at LIMIT 1 FOR UPDATE"))
        assert run(world) == {"ended": 2, "sessions": 2}
    assert run(world) == {"ended": 1, "sessions": 1}


def test_a_session_that_is_refreshed_meanwhile_is_not_ended(world: World) -> None:
    person = world.person()
    world.sql("UPDATE sessions SET expires_at = now() - interval '2 minutes'")
    with world.superuser.begin() as refreshing:
        refreshing.execute(text("UPDATE sessions SET expires_at = now() + interval '1 day'"))
        assert run(world) == {}
    assert run(world) == {}
    assert person.call("GET", "/auth/me").status_code == 200


def test_rows_are_found_and_removed_by_indexes(world: World) -> None:
    world.sql(MANY, id=world.person().id, number=3_000, moment=clock.now() - timedelta(days=40))
    world.sql("ANALYZE sessions")
    with plans(world.app) as found, world.app.app_context():
        job.prune(Event())
    of_sessions = [plan for plan in found if plan.statement.startswith(("UPDATE sessions", "DELETE FROM sessions"))]
    assert len(of_sessions) == 8
    for plan in of_sessions:
        assert "Seq Scan" not in plan.text
        assert plan.rows <= 3 * retention.BATCH, plan.text  # found, locked, changed


def test_a_transaction_of_the_job_has_limits_of_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[Any] = []

    def look() -> int:
        limits.append(transaction.scalar(text("SELECT current_setting('lock_timeout')")))
        return 0

    monkeypatch.setattr(retention, "steps", lambda: [retention.Step("x", look, int)])
    run(world)
    assert limits == ["1500ms"]


def test_an_operator_prunes_all_at_once_and_sees_the_numbers(world: World) -> None:
    operator, command = world.app.test_cli_runner(), ["sessions", "prune"]
    person = world.person()
    world.sql(MANY, id=person.id, number=3, moment=clock.now() - timedelta(days=40))
    with world.app.app_context():
        assert job.due() == 3
        transaction.rollback()
    assert operator.invoke(args=command).output == "ended: 3\nsessions: 3\n"
    assert operator.invoke(args=command).output == "Nothing was to be removed.\n"
    shown = json.loads(operator.invoke(args=[*command, "--json"]).output)
    assert set(shown) == {"ended"} | {rule.column.class_.__tablename__ for rule in retention.RULES}
    assert set(shown.values()) == {0}
    assert person.call("GET", "/auth/me").status_code == 200
