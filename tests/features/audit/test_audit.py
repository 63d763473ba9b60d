"""What an organization's admins read of what happened in it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flask.testing import FlaskClient

from authapp.db.engine import db
from tests.factories import API, PASSWORD, UNKNOWN_ID, World


def test_every_act_leaves_an_event_with_actor_target_request_and_address(world: World) -> None:
    admin = world.person("Acme")
    organization_id = admin.organization_id
    path = f"/organizations/{organization_id}"
    token = world.invite(admin, organization_id, "grace@example.com", "viewer")
    grace = world.person(email="grace@example.com", invitation_token=token)
    withdrawn = admin.call("POST", f"{path}/invitations", {"email": "i@example.com", "role": "viewer"}).get_json()["id"]
    admin.call("POST", f"{path}/invitations/{withdrawn}/resend")
    admin.call("DELETE", f"{path}/invitations/{withdrawn}")
    declined = world.invite(admin, organization_id, "j@example.com", "viewer")
    world.caller().call("POST", "/invitations/decline", {"token": declined})
    admin.call("PATCH", f"{path}/members/{grace.id}", {"role": "developer"})
    key = admin.call("POST", f"{path}/api-keys", {"name": "k", "role": "viewer"}).get_json()["id"]
    admin.call("POST", f"{path}/api-keys/{key}/rotate", {"overlap_seconds": 5})
    admin.call("DELETE", f"{path}/api-keys/{key}")
    admin.call("PATCH", path, {"name": "Acme Labs"}, headers={"X-Request-ID": "renaming-it"})
    grace.call("GET", f"{path}/invitations")
    grace.call("DELETE", f"{path}/members/{grace.id}")

    events = admin.call("GET", f"{path}/audit-events").get_json()["items"]
    assert [(e["action"], e["actor_id"]) for e in reversed(events)] == [
        ("organization.created", str(admin.id)),
        ("invitation.created", str(admin.id)),
        ("member.joined", str(grace.id)),
        ("invitation.created", str(admin.id)),
        ("invitation.resent", str(admin.id)),
        ("invitation.revoked", str(admin.id)),
        ("invitation.created", str(admin.id)),
        ("invitation.declined", None),
        ("member.role.changed", str(admin.id)),
        ("api_key.created", str(admin.id)),
        ("api_key.rotated", str(admin.id)),
        ("api_key.revoked", str(admin.id)),
        ("organization.updated", str(admin.id)),
        ("access.refused", str(grace.id)),
        ("member.left", str(grace.id)),
    ]
    renamed = events[2]
    assert (renamed["target_id"], renamed["request_id"]) == (organization_id, "renaming-it")
    assert (renamed["details"], renamed["ip_address"]) == ({"name": "Acme Labs"}, "127.0.0.1")
    changed = next(event for event in events if event["action"] == "member.role.changed")
    assert (changed["target_id"], changed["user_id"]) == (str(grace.id), str(grace.id))
    assert changed["details"] == {"before": "viewer", "after": "developer"}
    assert {event["organization_id"] for event in events} == {organization_id}
    targets = {event["target_id"] for event in events if event["action"].startswith("api_key.")}
    assert targets == {key}


def test_the_audit_log_is_filtered_and_comes_in_pages(world: World) -> None:
    admin, other = world.person("Acme"), world.person()
    path = f"/organizations/{admin.organization_id}"
    world.join(other, admin.organization_id, "admin")
    for name in ("One", "Two", "Three"):
        admin.call("PATCH", path, {"name": name})
    other.call("PATCH", path, {"name": "Four"})

    def names(query: str) -> list[str]:
        page = admin.call("GET", f"{path}/audit-events?{query}").get_json()
        return [event["details"]["name"] for event in page["items"]]

    assert names("action=organization.updated") == ["Four", "Three", "Two", "One"]
    assert names(f"actor_id={other.id}") == ["Four"]
    assert names(f"actor_id={UNKNOWN_ID}") == []
    [[moment]] = world.sql("SELECT created_at FROM audit_events WHERE details->>'name' = 'Two'")
    since = moment.isoformat().replace("+00:00", "Z")
    assert names(f"since={since}") == ["Four", "Three", "Two"]
    assert names(f"until={since}") == ["One", "Acme"]
    assert names(f"action=organization.updated&since={since}&actor_id={admin.id}") == ["Three", "Two"]
    first = admin.call("GET", f"{path}/audit-events?limit=3").get_json()
    rest = admin.call("GET", f"{path}/audit-events?limit=3&cursor={first['next_cursor']}").get_json()
    listed = [event["details"]["name"] for event in first["items"] + rest["items"]]
    assert listed == ["Four", "Three", "Two", "One", "Acme"]
    assert rest["next_cursor"] is None


def test_an_event_is_shown_with_the_millisecond_by_which_since_and_until_find_it(world: World) -> None:
    admin = world.person("Acme")
    path = f"/organizations/{admin.organization_id}/audit-events"
    [event] = admin.call("GET", path).get_json()["items"]
    [row] = world.sql(
        "SELECT created_at = uuid_extract_timestamp(id) AS agrees FROM audit_events WHERE action LIKE 'o%'"
    )
    assert row.agrees
    shown = datetime.fromisoformat(event["created_at"])
    for microseconds, since, until in ((-1, 1, 0), (0, 1, 0), (1, 0, 1), (999, 0, 1), (1000, 0, 1)):
        moment = (shown + timedelta(microseconds=microseconds)).isoformat().replace("+00:00", "Z")
        assert len(admin.call("GET", f"{path}?since={moment}").get_json()["items"]) == since, moment
        assert len(admin.call("GET", f"{path}?until={moment}").get_json()["items"]) == until, moment


@pytest.mark.parametrize(("moment", "since", "until"), [("0001-01-01T00:00:00Z", 1, 0), ("9999-12-31T23:59:59Z", 0, 1)])
def test_since_and_until_may_be_any_moment_that_can_be_written(
    world: World, moment: str, since: int, until: int
) -> None:
    admin = world.person("Acme")
    path = f"/organizations/{admin.organization_id}/audit-events"
    assert len(admin.call("GET", f"{path}?since={moment}").get_json()["items"]) == since
    assert len(admin.call("GET", f"{path}?until={moment}").get_json()["items"]) == until


@pytest.mark.parametrize(
    "query",
    [
        "since=yesterday",
        "since=2026-01-01",
        "since=2026-01-01T00:00:00",
        "until=9999-12-31T23:59:59-23:59",
        "actor_id=me",
        "action=",
        "action=user.flew",
        "limit=0",
        "limit=1e1",
        "limit=%D9%A1",
        "cursor=x",
        "colour=blue",
    ],
)
def test_a_filter_that_is_none_is_refused(world: World, query: str) -> None:
    admin = world.person("Acme")
    response = admin.call("GET", f"/organizations/{admin.organization_id}/audit-events?{query}")
    assert response.status_code == 422
    assert list(response.get_json()["errors"]["query"]) == [query.partition("=")[0]]


def test_an_account_reads_what_concerns_it_across_its_organizations(world: World) -> None:
    admin, grace = world.person("Acme"), world.person(email="grace@example.com")
    token = world.invite(admin, admin.organization_id, grace.email, "viewer")
    grace.call("POST", "/invitations/accept", {"token": token})
    admin.call("PATCH", f"/organizations/{admin.organization_id}/members/{grace.id}", {"role": "developer"})
    actions = [event["action"] for event in grace.call("GET", "/auth/audit-events").get_json()["items"]]
    assert actions == ["member.role.changed", "member.joined", "session.started", "user.registered"]


def test_an_account_is_not_told_from_where_an_admin_acted(world: World) -> None:
    admin, grace = world.person("Acme"), world.person()
    world.join(grace, admin.organization_id, "viewer")
    admin.call("PATCH", f"/organizations/{admin.organization_id}/members/{grace.id}", {"role": "developer"})
    changed, started = grace.call("GET", "/auth/audit-events").get_json()["items"][:2]
    assert (changed["action"], changed["actor_id"]) == ("member.role.changed", str(admin.id))
    assert {changed[name] for name in ("session_id", "request_id", "ip_address", "user_agent")} == {None}
    assert started["ip_address"] == "127.0.0.1"


def test_an_event_whose_action_is_not_known_any_more_is_still_listed(world: World) -> None:
    admin = world.person("Acme")
    world.sql(
        "INSERT INTO audit_events (id, organization_id, user_id, action, details, created_at)"
        " SELECT gen_random_uuid(), :organization_id, :user_id, 'user.flew', '{}', now()",
        organization_id=admin.organization_id,
        user_id=admin.id,
    )
    client = FlaskClient(world.app)  # the document, against which the callers of tests check, knows no such action
    headers = {"Authorization": f"Bearer {admin.session['access_token']}"}
    for path in (f"/organizations/{admin.organization_id}", "/auth"):
        events = client.get(f"{API}{path}/audit-events", headers=headers)
        assert events.status_code == 200
        assert "user.flew" in [event["action"] for event in events.get_json()["items"]]


def test_audit_events_cannot_be_changed_or_deleted_by_the_application(world: World) -> None:
    person = world.person("Acme")
    world.caller().call("POST", "/auth/login", {"email": person.email, "password": PASSWORD + "x"})
    with world.app.app_context():
        for statement in ("UPDATE audit_events SET action = 'a.b'", "DELETE FROM audit_events"):
            assert db.session.connection().exec_driver_sql(statement).rowcount == 0
        db.session.rollback()
