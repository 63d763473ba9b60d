"""The webhooks of an organization: who may have which, and what their secrets sign."""

from __future__ import annotations

import re
import time as real_time
from typing import Any

import pytest

from authapp.core.clock import FrozenClock
from tests.factories import CLIENTS, UNKNOWN_ID, AppWith, World, all_at_once
from tests.features.webhooks.receiver import create, deliver, receiving, rename, verifies, webhooks_of
from tests.pages import page

URL = "https://example.com/hooks?tenant=1"


def test_a_webhook_is_created_listed_changed_and_deleted(world: World) -> None:
    ada = world.person("Acme")
    path = webhooks_of(ada)
    body = {"url": URL, "actions": ["member.joined", "model.registered", "member.joined"], "description": "sync"}
    created = ada.call("POST", path, body).get_json()
    secret = created.pop("secret")
    assert secret.startswith("whsec_")
    assert created["actions"] == ["member.joined", "model.registered"]
    assert (created["enabled"], created["disabled_reason"], created["failing_since"]) == (True, None, None)
    assert ada.call("GET", path).get_json() == {"items": [created], "next_cursor": None}
    assert ada.call("GET", f"{path}/{created['id']}").get_json() == created
    changes = {"enabled": False, "actions": None, "description": None, "url": "https://example.com/other"}
    changed = ada.call("PATCH", f"{path}/{created['id']}", changes).get_json()
    assert changed == {**created, **changes, "disabled_reason": "admin"}
    assert ada.call("PATCH", f"{path}/{created['id']}", {"enabled": False}).get_json() == changed
    assert ada.call("DELETE", f"{path}/{created['id']}").status_code == 204
    assert ada.call("GET", path).get_json()["items"] == []
    assert world.sql("SELECT encrypted_secret, encrypted_previous_secret FROM webhooks") == [(None, None)]
    events = ada.call("GET", f"/organizations/{ada.organization_id}/audit-events").get_json()["items"]
    found = [(event["action"], event["details"]) for event in events if event["action"].startswith("webhook.")]
    assert found == [
        ("webhook.deleted", {"host": "example.com"}),
        (
            "webhook.changed",
            {
                "host": "example.com",
                "fields": ["actions", "description", "enabled", "url"],
                "actions": "all",
                "enabled": False,
            },
        ),
        ("webhook.created", {"host": "example.com", "actions": ["member.joined", "model.registered"]}),
    ]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("url", "ftp://example.com/"),
        ("url", "https://ada:secret@example.com/"),
        ("url", "https://example.com/#fragment"),
        ("url", "https://example.com/a b"),
        ("url", "https://example.com:0/"),
        ("url", "https://example.com:70000/"),
        ("url", "https://exämple.com/"),
        ("url", "https://example.com\\@127.0.0.1/"),
        ("url", "https://example.com/\r\nX: y"),
        ("url", "//example.com/"),
        ("url", "https://.example.com/"),
        ("url", "https://example..com/"),
        ("url", f"https://{'x' * 64}.example.com/"),
        ("url", f"https://{'x.' * 127}com/"),
        ("url", "https://[::::]/"),
        ("url", "https://[1.2.3.4]/"),
        ("url", "https://"),
        ("url", f"https://example.com/{'x' * 2048}"),
        ("url", 7),
        ("url", None),
        ("actions", []),
        ("actions", ["member.added"]),
        ("actions", ["member"]),
        ("actions", ["Member.joined"]),
        ("actions", ["member.joined\n"]),
        ("actions", ["*"]),
        ("actions", ["a.b" * 40]),
        ("actions", [f"x.{'a' * (1 + number % 26)}{'b' * (number // 26)}" for number in range(101)]),
        ("actions", "member.joined"),
        ("actions", [None]),
        ("description", "x" * 201),
        ("description", "a\nb"),
        ("enabled", True),
        ("secret", "whsec_mine"),
    ],
)
def test_a_webhook_that_cannot_work_is_refused(field: str, value: Any, world: World) -> None:
    ada = world.person("Acme")
    response = ada.call("POST", webhooks_of(ada), {"url": URL, "actions": None, field: value})
    assert response.status_code == 422
    assert field in response.get_json()["errors"]["json"]


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/", "https://127.0.0.1/", "https://10.0.0.1/", "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://[fe80::1]/", "https://224.0.0.1/", "https://0.0.0.0/",
        "https://[64:ff9b::7f00:1]/", "https://100.64.0.1/",
    ],
)  # fmt: skip
def test_in_production_only_https_addresses_that_are_public_are_taken(
    url: str, world: World, app_with: AppWith
) -> None:
    app = app_with(app_env="production", bcrypt_rounds=10, mail_url="smtp://mail.example.com", rate_limits="auto")
    ada = world.person("Acme")
    caller = world.with_app(app).caller(ada.caller.access_token)
    response = caller.call("POST", webhooks_of(ada), {"url": url, "actions": None})
    assert (response.status_code, [*response.get_json()["errors"]["json"]]) == (422, ["url"])
    assert caller.call("POST", webhooks_of(ada), {"url": URL, "actions": None}).status_code == 201


def test_other_organizations_and_lower_roles_see_and_change_nothing(world: World) -> None:
    ada, eve, dev = world.person("Acme"), world.person("Evil"), world.person("Dev")
    world.join(dev, ada.organization_id, "developer")
    webhook = create(ada, URL)
    calls: list[tuple[str, str, Any]] = [
        ("GET", "", None),
        ("POST", "", {"url": URL, "actions": None}),
        ("GET", f"/{webhook['id']}", None),
        ("PATCH", f"/{webhook['id']}", {"enabled": False}),
        ("DELETE", f"/{webhook['id']}", None),
        ("POST", f"/{webhook['id']}/rotate-secret", {}),
        ("GET", f"/{webhook['id']}/deliveries", None),
        ("POST", f"/{webhook['id']}/deliveries/{UNKNOWN_ID}/replay", None),
    ]
    for method, rest, body in calls:
        for person, code in ((eve, "not_a_member"), (dev, "role_too_low")):
            response = person.call(method, webhooks_of(ada) + rest, body)
            assert (response.status_code, response.get_json()["code"]) == (403, code)
        if rest:  # the webhook of another organization, below one's own
            response = eve.call(method, webhooks_of(eve) + rest, body)
            assert (response.status_code, response.get_json()["code"]) == (404, "webhook_not_found")
    response = ada.call("POST", f"{webhooks_of(ada)}/{webhook['id']}/deliveries/{UNKNOWN_ID}/replay")
    assert (response.status_code, response.get_json()["code"]) == (404, "delivery_not_found")


def test_another_address_needs_a_recent_sign_in_and_other_changes_do_not(world: World, time: FrozenClock) -> None:
    ada = world.person("Acme")
    webhook = create(ada, URL)
    path = f"{webhooks_of(ada)}/{webhook['id']}"
    time.advance(minutes=6)
    for method, rest, body in (
        ("POST", webhooks_of(ada), {"url": URL, "actions": None}),
        ("PATCH", path, {"url": "https://evil.example/"}),
        ("POST", f"{path}/rotate-secret", {}),
    ):
        response = ada.call(method, rest, body)
        assert (response.status_code, response.get_json()["code"]) == (401, "reauthentication_required")
    assert ada.call("PATCH", path, {"url": URL, "description": "new"}).get_json()["description"] == "new"


def test_an_organization_has_twenty_webhooks_at_most_however_many_ask_at_once(world: World) -> None:
    ada = world.person("Acme")
    for _ in range(15):
        last = create(ada, URL)
    path, body = webhooks_of(ada), {"url": URL, "actions": None}
    callers = [world.caller(ada.caller.access_token) for _ in range(CLIENTS)]
    answers = all_at_once([lambda caller=caller: caller.call("POST", path, body) for caller in callers])  # type: ignore[misc]
    assert sorted(answer.status_code for answer in answers) == [201] * 5 + [409] * (CLIENTS - 5)
    assert {answer.get_json()["code"] for answer in answers if answer.status_code == 409} == {"limit_reached"}
    assert world.sql("SELECT count(*) FROM webhooks") == [(20,)]
    ada.call("DELETE", f"{path}/{last['id']}")
    assert ada.call("POST", path, body).status_code == 201


def test_a_message_is_signed_with_each_secret_that_lives(world: World, time: FrozenClock) -> None:
    ada = world.person("Acme")
    with receiving() as receiver:
        webhook = create(ada, receiver.url, ["organization.updated"])
        path = f"{webhooks_of(ada)}/{webhook['id']}/rotate-secret"
        oldest = ada.call("POST", path, {"overlap_seconds": 0}).get_json()
        assert oldest["previous_secret_expires_at"] is None
        older = ada.call("POST", path, {"overlap_seconds": 60}).get_json()
        newest = ada.call("POST", path, {"overlap_seconds": 60}).get_json()
        assert newest["previous_secret_expires_at"] is not None
        secrets = [each["secret"] for each in (webhook, oldest, older, newest)]
        rename(ada, "First")
        deliver(world)
        time.advance(minutes=1)
        rename(ada, "Second")
        deliver(world)
    first, second = receiver.received
    assert [verifies(first, secret) for secret in secrets] == [False, False, True, True]
    assert [verifies(second, secret) for secret in secrets] == [False, False, False, True]
    assert abs(int(first["headers"]["Webhook-Timestamp"]) - real_time.time()) < 60
    assert first["headers"]["Content-Type"] == "application/json"


def test_the_documentation_verifies_a_message(world: World) -> None:
    code = re.findall(r"```python\n(.+?)```", page("docs/features/webhooks.md"), re.DOTALL)[0]
    scope: dict[str, Any] = {}
    exec(code, scope)
    ada = world.person("Acme")
    with receiving() as receiver:
        webhook = create(ada, receiver.url, ["organization.updated"])
        rename(ada, "New")
        deliver(world)
    [message] = receiver.received
    headers = {name.lower(): value for name, value in message["headers"].items()}
    verified = scope["verified"]
    assert verified(headers, message["body"], webhook["secret"])
    assert not verified(headers, message["body"] + b" ", webhook["secret"])
    assert not verified({**headers, "webhook-id": UNKNOWN_ID}, message["body"], webhook["secret"])
    assert not verified({**headers, "webhook-timestamp": "1"}, message["body"], webhook["secret"])
    assert not verified(headers, message["body"], "whsec_" + "A" * 44)
