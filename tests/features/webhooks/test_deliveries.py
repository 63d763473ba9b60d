"""Every event that is committed is sent to the webhooks of its organization, again and again until it arrives."""

from __future__ import annotations

import json
from threading import Event
from typing import Any
from uuid import UUID

import pytest

from authapp.core.clock import FrozenClock
from authapp.core.enums import AuditAction
from authapp.db import tenancy, transaction
from authapp.jobs import erasure, retention
from authapp.services import audit
from authapp.services.webhooks.leases import MOST_ATTEMPTS
from tests.factories import CLIENTS, Person, World, all_at_once
from tests.features.audit.test_sealing import seal
from tests.features.webhooks.receiver import (
    create,
    deliver,
    deliveries,
    receiving,
    rename,
    verifies,
    webhooks_of,
)

ADD = (
    "INSERT INTO audit_events (id, action, organization_id, details) SELECT uuidv7(), :action, :organization_id, "
    "CAST(:details AS jsonb) FROM generate_series(1, :count)"
)


def add(world: World, person: Person, action: str, count: int = 1, **details: Any) -> None:
    values = {"organization_id": person.organization_id, "details": json.dumps(details)}
    world.sql(ADD, action=action, count=count, **values)


def test_an_event_arrives_signed_and_as_the_audit_log_shows_it(world: World) -> None:
    ada = world.person("Acme")
    with receiving() as receiver:
        webhook = create(ada, receiver.url, ["organization.updated"])
        rename(ada, "Ünïcode")
        deliver(world)
        deliver(world)
    [message] = receiver.received
    assert verifies(message, webhook["secret"])
    query = "?action=organization.updated"
    [event] = ada.call("GET", f"/organizations/{ada.organization_id}/audit-events{query}").get_json()["items"]
    content = {"type": "organization.updated", "timestamp": event["created_at"], "data": event}
    assert json.loads(message["body"]) == content
    assert message["body"] == json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
    [delivery] = deliveries(ada, webhook)
    assert delivery["id"] == message["headers"]["Webhook-Id"]
    assert (delivery["event_id"], delivery["action"]) == (event["id"], event["action"])
    assert (delivery["status"], delivery["attempts"], delivery["last_status_code"]) == ("delivered", 1, 204)
    assert (delivery["next_attempt_at"], delivery["last_error"]) == (None, None)
    assert delivery["delivered_at"] is not None


def test_all_actions_are_sent_where_none_is_named_those_of_a_product_too(world: World) -> None:
    ada, grace = world.person("Acme"), world.person("Other")
    with receiving() as receiver, receiving() as models:
        create(ada, receiver.url)
        create(ada, models.url, ["model.registered"])
        rename(ada, "New")
        rename(grace, "Not mine")
        add(world, ada, "model.registered", name="bert")
        deliver(world)
    assert sorted(receiver.types()) == [
        "model.registered",
        "organization.updated",
        "webhook.created",
        "webhook.created",
    ]
    assert models.types() == ["model.registered"]
    assert not set(receiver.ids()) & set(models.ids())


def test_what_happened_before_or_while_it_was_disabled_is_not_sent(world: World) -> None:
    ada = world.person("Acme")
    with receiving() as receiver:
        rename(ada, "Before")
        webhook = create(ada, receiver.url, ["organization.updated"])
        path = f"{webhooks_of(ada)}/{webhook['id']}"
        ada.call("PATCH", path, {"enabled": False})
        rename(ada, "Disabled")
        seal(world)
        ada.call("PATCH", path, {"enabled": True})
        rename(ada, "Enabled")
        deliver(world)
    assert [json.loads(message["body"])["data"]["details"]["name"] for message in receiver.received] == ["Enabled"]


def test_an_event_of_a_transaction_that_is_rolled_back_is_not_sent(world: World) -> None:
    ada = world.person("Acme")
    with receiving() as receiver, world.app.app_context():
        create(ada, receiver.url, ["organization.updated"])
        organization_id = UUID(ada.organization_id)
        for keep in (False, True):
            tenancy.set_tenant(organization_id)
            audit.record(AuditAction.ORGANIZATION_UPDATED, None, organization_id=organization_id, kept=keep)
            seal(world)  # in a transaction of its own, which does not see it yet
            (transaction.commit if keep else transaction.rollback)()
        deliver(world)
    assert [json.loads(message["body"])["data"]["details"] for message in receiver.received] == [{"kept": True}]


def test_a_message_is_tried_again_with_the_same_id_and_text(world: World) -> None:
    ada = world.person("Acme")
    with receiving(500, 302) as receiver:
        webhook = create(ada, receiver.url, ["organization.updated"])
        rename(ada, "New")
        deliver(world)
        [waiting] = deliveries(ada, webhook, "?status=pending")
        assert (waiting["attempts"], waiting["last_status_code"], waiting["last_error"]) == (1, 500, "status 500")
        assert ada.call("GET", f"{webhooks_of(ada)}/{webhook['id']}").get_json()["failing_since"] is not None
        deliver(world, all_due=False)  # not due yet
        assert len(receiver.received) == 1
        deliver(world)
        assert deliveries(ada, webhook)[0]["last_error"] == "status 302"
        deliver(world)
    assert len(set(receiver.ids())) == 1
    assert len({message["body"] for message in receiver.received}) == 1
    [delivered] = deliveries(ada, webhook, "?status=delivered")
    assert (delivered["attempts"], delivered["last_error"]) == (3, None)
    assert deliveries(ada, webhook, "?status=pending") == deliveries(ada, webhook, "?status=dead") == []
    assert ada.call("GET", f"{webhooks_of(ada)}/{webhook['id']}").get_json()["failing_since"] is None


def test_a_message_is_given_up_after_its_attempts_and_replayed_on_request(world: World) -> None:
    ada = world.person("Acme")
    with receiving(*[500] * MOST_ATTEMPTS) as receiver:
        webhook = create(ada, receiver.url, ["organization.updated"])
        rename(ada, "New")
        for _ in range(MOST_ATTEMPTS + 2):
            deliver(world)
        assert len(receiver.received) == MOST_ATTEMPTS
        [dead] = deliveries(ada, webhook, "?status=dead")
        path = f"{webhooks_of(ada)}/{webhook['id']}/deliveries/{dead['id']}/replay"
        again = ada.call("POST", path)
        assert (again.status_code, again.get_json()["status"], again.get_json()["attempts"]) == (202, "pending", 0)
        refused = ada.call("POST", path)
        assert (refused.status_code, refused.get_json()["code"]) == (409, "delivery_pending")
        deliver(world)
        assert ada.call("POST", path).status_code == 202  # also one that has arrived
        deliver(world)
    assert len(receiver.received) == MOST_ATTEMPTS + 2
    assert set(receiver.ids()) == {dead["id"]}


def test_of_simultaneous_replays_one_is_accepted(world: World) -> None:
    ada = world.person("Acme")
    with receiving() as receiver:
        webhook = create(ada, receiver.url, ["organization.updated"])
        rename(ada, "New")
        deliver(world)
        [delivery] = deliveries(ada, webhook)
        path = f"{webhooks_of(ada)}/{webhook['id']}/deliveries/{delivery['id']}/replay"
        callers = [world.caller(ada.caller.access_token) for _ in range(CLIENTS)]
        answers = all_at_once([lambda caller=caller: caller.call("POST", path).status_code for caller in callers])  # type: ignore[misc]
        deliver(world)
    assert sorted(answers) == [202] + [409] * (CLIENTS - 1)
    assert receiver.ids() == [delivery["id"]] * 2


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("120", 120), ("999999999", 3600), ("-5", 10), ("soon", 10), ("Wed, 21 Oct 2099 07:28:00 GMT", 3600), ("²", 10)],
)
def test_retry_after_is_respected_within_an_hour(header: str, seconds: float, world: World, time: FrozenClock) -> None:
    ada = world.person("Acme")
    with receiving(429, **{"Retry-After": header}) as receiver:
        create(ada, receiver.url, ["organization.updated"])
        rename(ada, "New")
        rename(ada, "Newer")
        time.advance(seconds=1)
        deliver(world, all_due=False)
        assert len(receiver.received) == 1
        [waits] = world.sql("SELECT due_at FROM webhook_deliveries WHERE attempts = 1")[0]
        assert 0.8 * seconds <= (waits - time.now()).total_seconds() <= 1.2 * seconds
        time.advance(seconds=1.5)
        deliver(world, all_due=False)
        assert len(receiver.received) == 1  # the other message waits as well
        time.advance(seconds=1.3 * seconds)
        deliver(world, all_due=False)
    assert len(receiver.received) == 3
    assert world.sql("SELECT DISTINCT status FROM webhook_deliveries") == [("delivered",)]


def test_a_receiver_that_is_gone_is_disabled_and_what_waits_is_given_up(world: World) -> None:
    ada = world.person("Acme")
    with receiving(410) as receiver:
        webhook = create(ada, receiver.url, ["organization.updated"])
        rename(ada, "New")
        rename(ada, "Newer")
        deliver(world)
        deliver(world)
    assert len(receiver.received) == 1
    found = ada.call("GET", f"{webhooks_of(ada)}/{webhook['id']}").get_json()
    assert (found["enabled"], found["disabled_reason"]) == (False, "gone")
    newer, new = deliveries(ada, webhook, "?status=dead")
    assert (new["last_status_code"], newer["attempts"]) == (410, 0)
    assert "disabled" in newer["last_error"]
    query = "?action=webhook.disabled"
    [event] = ada.call("GET", f"/organizations/{ada.organization_id}/audit-events{query}").get_json()["items"]
    assert (event["target_id"], event["details"]) == (webhook["id"], {"reason": "gone"})


def test_nothing_is_replayed_to_a_webhook_that_is_disabled(world: World) -> None:
    ada = world.person("Acme")
    with receiving() as receiver:
        webhook = create(ada, receiver.url, ["organization.updated"])
        rename(ada, "New")
        deliver(world)
        path = f"{webhooks_of(ada)}/{webhook['id']}"
        [delivered] = deliveries(ada, webhook)
        assert ada.call("PATCH", path, {"enabled": False}).status_code == 200
        refused = ada.call("POST", f"{path}/deliveries/{delivered['id']}/replay")
        assert (refused.status_code, refused.get_json()["code"]) == (409, "webhook_disabled")
        assert ada.call("PATCH", path, {"enabled": True}).status_code == 200
        assert ada.call("POST", f"{path}/deliveries/{delivered['id']}/replay").status_code == 202


def test_a_webhook_that_fails_for_days_is_disabled(world: World) -> None:
    ada = world.person("Acme")
    with receiving(*[500] * 100) as receiver:
        webhook = create(ada, receiver.url, ["organization.updated"])
        path = f"{webhooks_of(ada)}/{webhook['id']}"
        rename(ada, "New")
        deliver(world)
        world.sql("UPDATE webhook_deliveries SET queued_at = queued_at - interval '73 hours'")
        deliver(world)
        assert deliveries(ada, webhook)[0]["status"] == "dead"
        assert ada.call("GET", path).get_json()["enabled"] is True  # it has not failed for so long
        rename(ada, "Newer")
        world.sql("UPDATE webhooks SET failing_since = failing_since - interval '73 hours'")
        deliver(world)
        assert ada.call("GET", path).get_json()["enabled"] is True  # the message may arrive yet
        world.sql("UPDATE webhook_deliveries SET queued_at = queued_at - interval '73 hours'")
        deliver(world)
        assert ada.call("GET", path).get_json()["disabled_reason"] == "failing"
        changed = ada.call("PATCH", path, {"enabled": True}).get_json()
    assert (changed["enabled"], changed["failing_since"]) == (True, None)


@pytest.mark.parametrize("change", ["deleted_at = now()", "suspended_at = now(), suspension_reason = 'operator'"])
def test_nothing_is_sent_for_an_organization_that_is_deleted_or_suspended(change: str, world: World) -> None:
    ada = world.person("Acme")
    with receiving() as receiver:
        create(ada, receiver.url)
        rename(ada, "New")
        seal(world)
        world.sql(f"UPDATE organizations SET {change}")
        deliver(world)
    assert receiver.received == []
    assert world.sql("SELECT DISTINCT status FROM webhook_deliveries") == [("dead",)]


def test_nothing_is_sent_to_a_webhook_that_is_deleted_and_its_rows_go_later(world: World, time: FrozenClock) -> None:
    ada = world.person("Acme")
    with receiving() as receiver:
        webhook = create(ada, receiver.url)
        seal(world)
        ada.call("DELETE", f"{webhooks_of(ada)}/{webhook['id']}")
        deliver(world)
    assert receiver.received == []
    with world.app.app_context():
        retention.prune(Event())
        assert world.sql("SELECT count(*) FROM webhook_deliveries") == [(1,)]
        time.advance(days=31)
        retention.prune(Event())
    assert world.sql("SELECT count(*) FROM webhook_deliveries") == world.sql("SELECT count(*) FROM webhooks") == [(0,)]


def test_an_event_that_was_erased_is_sent_without_what_told_of_a_person(world: World, time: FrozenClock) -> None:
    ada, grace = world.person("Acme"), world.person(first_name="Grace")
    world.join(grace, ada.organization_id, "viewer")
    with receiving(500) as receiver:
        create(ada, receiver.url, ["member.left"])
        left = grace.call(
            "DELETE", f"/organizations/{ada.organization_id}/members/{grace.id}", headers={"User-Agent": "Grace's"}
        )
        assert left.status_code == 204
        deliver(world)
        grace.call("DELETE", "/auth/me", {"password": "SecurePassword123"})
        time.advance(days=31)
        with world.app.app_context():
            erasure.erase(Event())
        deliver(world)
    before, after = (json.loads(message["body"])["data"] for message in receiver.received)
    assert before["user_agent"] == "Grace's"
    assert (after["id"], after["details"]) == (before["id"], {})
    assert after["user_agent"] is after["ip_address"] is None


def test_an_event_that_is_gone_is_given_up(world: World) -> None:
    ada = world.person("Acme")
    with receiving() as receiver:
        webhook = create(ada, receiver.url, ["organization.updated"])
        rename(ada, "New")
        seal(world)
        world.sql("DELETE FROM audit_events WHERE action = 'organization.updated'")
        deliver(world)
    assert receiver.received == []
    [dead] = deliveries(ada, webhook, "?status=dead")
    assert dead["last_error"] == "the audit log has this event no more"
    assert ada.call("GET", f"{webhooks_of(ada)}/{webhook['id']}").get_json()["failing_since"] is None


def test_an_event_with_large_details_is_sent_without_them(world: World) -> None:
    ada = world.person("Acme")
    with receiving() as receiver:
        create(ada, receiver.url, ["model.registered"])
        add(world, ada, "model.registered", text="ü" * 40_000)
        deliver(world)
    [message] = receiver.received
    assert len(message["body"]) < 1024
    assert "omitted" in json.loads(message["body"])["data"]["details"]


def test_twenty_thousand_events_become_deliveries_once_each(world: World) -> None:
    ada = world.person("Acme")
    create(ada, "https://example.com/", ["member.left"])
    add(world, ada, "member.left", 20_000)
    all_at_once([lambda: seal(world)] * 3)
    counted = "SELECT count(*), count(DISTINCT event_id), count(DISTINCT id) FROM webhook_deliveries"
    assert world.sql(counted) == [(20_000, 20_000, 20_000)]
    in_order = "SELECT id FROM webhook_deliveries ORDER BY event_id"
    ids = [row[0] for row in world.sql(in_order)]
    assert [str(id_)[:13] for id_ in ids] == sorted(str(id_)[:13] for id_ in ids)


def test_an_account_that_leaves_many_organizations_tells_each_of_them(world: World) -> None:
    ada, grace = world.person("Acme"), world.person()
    with receiving() as receiver:
        create(ada, receiver.url, ["member.left"])
        world.join(grace, ada.organization_id, "viewer")
        admins = [world.person(f"Other {number}") for number in range(3)]
        for admin in admins:
            create(admin, receiver.url, ["member.left"])
            world.join(grace, admin.organization_id, "viewer")
        assert grace.call("DELETE", "/auth/me", {"password": "SecurePassword123"}).status_code == 204
        deliver(world)
    told = {json.loads(message["body"])["data"]["organization_id"] for message in receiver.received}
    assert told == {ada.organization_id, *(admin.organization_id for admin in admins)}


def test_secrets_that_cannot_be_read_are_told_and_not_sent_with(world: World) -> None:
    ada = world.person("Acme")
    with receiving() as receiver:
        webhook = create(ada, receiver.url, ["organization.updated"])
        rename(ada, "New")
        world.sql("UPDATE webhooks SET encrypted_secret = decode(repeat('00', 60), 'hex')")
        deliver(world)
        assert receiver.received == []
        assert deliveries(ada, webhook)[0]["last_error"] == "the secret cannot be read: rotate it"
        rotated = ada.call("POST", f"{webhooks_of(ada)}/{webhook['id']}/rotate-secret", {}).get_json()
        assert rotated["previous_secret_expires_at"] is None
        deliver(world)
    assert [verifies(message, rotated["secret"]) for message in receiver.received] == [True]
