"""Several workers share what is due: each message has one sender at a time, and a slow receiver holds up no other."""

from __future__ import annotations

import threading
import time as real_time
from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from authapp.core.clock import FrozenClock
from authapp.db import tenancy, transaction
from authapp.services.webhooks import leases, sending
from authapp.services.webhooks.attempts import Outcome
from authapp.services.webhooks.leases import LEASE, Taken
from tests.factories import LOCK_WAITS, World, all_at_once
from tests.features.audit.test_sealing import seal
from tests.features.webhooks.receiver import create, deliveries, receiving, rename
from tests.features.webhooks.test_deliveries import add
from tests.providers.http_server import serving_bytes


def take(world: World) -> Taken | None:
    with world.app.app_context():
        tenancy.set_operator()
        taken = leases.take(sending.FIRST, [])
        transaction.commit()
        return taken


def finish(world: World, taken: Taken, outcome: Outcome) -> None:
    with world.app.app_context():
        tenancy.set_operator()
        leases.finish(taken, outcome)
        transaction.commit()


def send_due(world: World) -> UUID:
    with world.app.app_context():
        return sending.send_due(threading.Event())


def test_workers_that_take_at_once_take_each_webhook_once(world: World) -> None:
    people = [world.person(f"Acme {number}") for number in range(3)]
    for person in people:
        for _ in range(4):
            create(person, "https://example.com/", ["organization.updated"])
        rename(person, "New")
        rename(person, "Newer")
    seal(world)
    taken = all_at_once([lambda: take(world)] * 32)
    ids = Counter(each.webhook.id for each in taken if each)
    # whoever finds the next one locked by another that is about to take it comes back with nothing, or the one after it
    assert set(ids.values()) == {1}
    while each := take(world):
        ids[each.webhook.id] += 1
    assert (len(ids), set(ids.values())) == (12, {1})
    assert world.sql("SELECT attempts, count(*) FROM webhook_deliveries GROUP BY 1 ORDER BY 1") == [(0, 12), (1, 12)]


def test_workers_that_send_at_once_send_each_message_once(world: World) -> None:
    people = [world.person(f"Acme {number}") for number in range(3)]
    with receiving() as receiver:
        for person in people:
            create(person, receiver.url, ["model.registered"])
            create(person, receiver.url, ["model.registered"])
            add(world, person, "model.registered", 20)
        seal(world)
        all_at_once([lambda: send_due(world)] * 4)
        send_due(world)
    assert Counter(receiver.ids()).most_common(1)[0][1] == 1
    assert len(receiver.received) == 120


def test_what_a_killed_worker_had_taken_comes_back(world: World, time: FrozenClock) -> None:
    ada = world.person("Acme")
    with receiving() as receiver:
        webhook = create(ada, receiver.url, ["organization.updated"])
        rename(ada, "New")
        seal(world)
        lost = take(world)
        assert lost is not None
        send_due(world)
        assert receiver.received == []
        time.advance(seconds=LEASE.total_seconds() + 1)
        send_due(world)
        finish(world, lost, Outcome(500, "status 500"))  # it was not killed, but slow
    [delivery] = deliveries(ada, webhook)
    assert (delivery["status"], delivery["attempts"], len(receiver.received)) == ("delivered", 2, 1)


def test_the_end_of_an_attempt_and_who_gives_up_what_waits_lock_in_the_same_order(world: World) -> None:
    ada = world.person("Acme")
    create(ada, "https://example.com/", ["organization.updated"])
    rename(ada, "New")
    seal(world)
    taken = take(world)
    assert taken is not None
    ending = threading.Thread(target=finish, args=(world, taken, Outcome(500, "status 500")))
    with world.superuser.begin() as other:  # a worker that takes the webhook again, to give up what waits
        other.execute(text("SELECT FROM webhooks FOR NO KEY UPDATE"))
        ending.start()
        while world.sql(LOCK_WAITS) != [(1,)]:
            real_time.sleep(0.01)
        other.execute(text("SELECT FROM webhook_deliveries FOR NO KEY UPDATE NOWAIT"))
    ending.join()
    assert world.sql("SELECT last_error FROM webhook_deliveries") == [("status 500",)]


def test_a_message_whose_every_worker_dies_is_given_up(world: World, time: FrozenClock) -> None:
    ada = world.person("Acme")
    with receiving() as receiver:
        webhook = create(ada, receiver.url, ["organization.updated"])
        rename(ada, "New")
        seal(world)
        for _ in range(leases.MOST_ATTEMPTS):
            assert take(world)
            time.advance(seconds=LEASE.total_seconds() + 1)
        send_due(world)
        assert receiver.received == []
    assert deliveries(ada, webhook)[0]["last_error"] == "every attempt has ended with its worker"


def test_slow_receivers_of_one_organization_hold_up_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("authapp.services.webhooks.attempts.SECONDS", 6.0)
    monkeypatch.setattr(sending, "SECONDS", 5.5)
    eve, ada = world.person("Evil"), world.person("Acme")
    with serving_bytes(b"", seconds=60) as slow, receiving() as receiver:
        for _ in range(15):
            create(eve, f"http://{slow}/", ["model.registered"])
        add(world, eve, "model.registered", 50)
        create(ada, receiver.url, ["model.registered"])
        add(world, ada, "model.registered", 20)
        seal(world)
        started = real_time.monotonic()
        send_due(world)
    assert len(receiver.received) == 20
    assert real_time.monotonic() - started < 9
    [[attempts]] = world.sql("SELECT sum(attempts) FROM webhook_deliveries WHERE status = 'pending'")
    assert attempts == sending.AT_ONCE_OF_ONE


def test_each_webhook_has_its_turn_before_one_has_its_next(world: World) -> None:
    ada, grace = world.person("Acme"), world.person("Other")
    create(ada, "https://example.com/", ["model.registered"])
    create(grace, "https://example.com/", ["model.registered"])
    add(world, ada, "model.registered", 100)
    add(world, grace, "model.registered", 1)
    seal(world)
    turns = []
    after = sending.FIRST
    with world.app.app_context():
        for _ in range(3):
            tenancy.set_operator()
            taken = leases.take(after, []) or leases.take(sending.FIRST, [])
            assert taken is not None
            leases.finish(taken, Outcome(204, None))
            transaction.commit()
            after = taken.webhook.id
            turns.append(str(taken.webhook.organization_id))
    assert turns == [ada.organization_id, grace.organization_id, ada.organization_id]


def test_a_webhook_that_fails_rests_longer_each_time_and_its_messages_wait(world: World, time: FrozenClock) -> None:
    ada = world.person("Acme")
    create(ada, "https://example.com/", ["model.registered"])
    add(world, ada, "model.registered", 100)
    seal(world)
    rests = []
    for _ in range(12):
        taken = take(world)
        assert taken is not None
        finish(world, taken, Outcome(500, "status 500"))
        assert take(world) is None
        [[free_at]] = world.sql("SELECT free_at FROM webhooks")
        rests.append((free_at - time.now()).total_seconds())
        time.advance(seconds=rests[-1])
    assert [round(rest) for rest in rests] == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300]


def test_the_attempts_of_a_message_are_spread_over_days_with_jitter(world: World, time: FrozenClock) -> None:
    assert timedelta(hours=24) < sum(leases.WAITS, timedelta()) < timedelta(hours=72)
    ada = world.person("Acme")
    create(ada, "https://example.com/", ["model.registered"])
    add(world, ada, "model.registered", 20)
    seal(world)
    for _ in range(20):
        taken = take(world)
        assert taken is not None
        finish(world, taken, Outcome(500, "status 500"))
        world.sql("UPDATE webhooks SET free_at = :now", now=time.now())
    waits = [(row[0] - time.now()).total_seconds() for row in world.sql("SELECT due_at FROM webhook_deliveries")]
    assert all(8 <= wait <= 12 for wait in waits)
    assert len(set(waits)) == 20
