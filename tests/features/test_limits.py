"""The limits of an account and of an organization hold however many ask at once, on a real PostgreSQL."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

import pytest

from authapp.config import Settings
from authapp.db import transaction
from authapp.services import sessions, throttle
from authapp.services.api_keys import MOST_LIVE
from authapp.services.invitations import MOST_PENDING
from authapp.web.application import Application
from tests.factories import PASSWORD, AppWith, Person, World, all_at_once

CLIENTS = 64
MOST_SESSIONS = Settings().max_sessions_per_account
MOST_ORGANIZATIONS = Settings().max_organizations_per_account
LIVE = "SELECT id FROM sessions WHERE user_id = :id AND ended_at IS NULL AND expires_at > now() ORDER BY id"
MORE_SESSIONS = (
    "INSERT INTO sessions (id, user_id, refresh_id, authenticated_at, amr, last_used_at, expires_at, ends_at_latest) "
    "SELECT uuidv7(), :id, uuidv7(), now(), '{pwd}', now(), now() + :life, now() + interval '30 days' "
    "FROM generate_series(1, :number)"
)
MORE_INVITATIONS = (
    "INSERT INTO invitations (id, organization_id, email, role, invited_by, expires_at) "
    "SELECT uuidv7(), :organization, 'more' || n || '@example.com', 'viewer', :id, now() + :life "
    "FROM generate_series(1, :number) AS n"
)
MORE_KEYS = (
    "INSERT INTO api_keys (id, organization_id, name, role, secret_hash, created_by, expires_at, revoked_at) "
    "SELECT uuidv7(), :organization, 'more', 'viewer', '', :id, now() + :life, CASE WHEN :revoked THEN now() END "
    "FROM generate_series(1, :number)"
)


def answers(requests: list[tuple[Person, str, dict[str, Any]]]) -> Counter[tuple[int, str | None]]:
    """How often which status and code was answered to POST requests that came at once."""

    def call(person: Person, path: str, body: dict[str, Any]) -> tuple[int, str | None]:
        while (response := person.call("POST", path, body)).status_code == 503:
            pass  # too many wait for one lock at the moment: a client tries again
        return response.status_code, response.get_json().get("code")

    return Counter(all_at_once([partial(call, *request) for request in requests]))


def admins(world: World, founder: Person, number: int) -> list[Person]:
    """So many admins of an organization, whose requests do not wait for each other's accounts."""
    others = [world.person() for _ in range(number - 1)]
    for person in others:
        world.join(person, founder.organization_id, "admin")
    return [founder, *others]


def sign_in(world: World, app: Application, person: Person) -> dict[str, Any]:
    caller = world.caller()
    caller.application = app
    answer = caller.call("POST", "/auth/login", {"email": person.email, "password": PASSWORD})
    assert answer.status_code == 200
    return dict(answer.get_json())


def test_sign_ins_at_once_leave_no_more_sessions_live_than_the_limit(world: World) -> None:
    person = world.person()
    world.sql(MORE_SESSIONS, id=person.id, number=MOST_SESSIONS - 6, life="1 day")

    def login(network: int) -> int:
        body = {"email": person.email, "password": PASSWORD}
        environ = {"REMOTE_ADDR": f"192.0.2.{network}"}  # so that no budget of attempts is used up
        call = partial(world.caller().call, "POST", "/auth/login", body, environ_overrides=environ)
        while (status := call().status_code) == 503:
            pass  # too many wait for the account at the moment: a client tries again
        return status

    clients = throttle.ADDRESS.free
    assert all_at_once([partial(login, network) for network in range(clients)]) == [200] * clients
    assert len(world.sql(LIVE, id=person.id)) == MOST_SESSIONS
    events = world.sql("SELECT details FROM audit_events WHERE action = 'session.ended'")
    assert sum(row.details["count"] for row in events) == 1 + MOST_SESSIONS - 6 + clients - MOST_SESSIONS


def test_starts_of_a_session_that_change_nothing_of_the_account_wait_for_each_other_too(world: World) -> None:
    person = world.person()
    world.sql(MORE_SESSIONS, id=person.id, number=MOST_SESSIONS - 6, life="1 day")

    def start() -> None:
        with world.app.app_context():
            sessions.start(person.id, ["hwk"])
            transaction.commit()

    all_at_once([start] * 30)  # each holds a connection of the pool of 32 while it waits
    assert len(world.sql(LIVE, id=person.id)) == MOST_SESSIONS


def test_the_oldest_sessions_end_at_a_sign_in_beyond_the_limit(world: World, app_with: AppWith) -> None:
    person, app = world.person(), app_with(max_sessions_per_account=3)
    world.sql(MORE_SESSIONS, id=person.id, number=4, life="1 day")
    before = [row.id for row in world.sql(LIVE, id=person.id)]
    signed_in = sign_in(world, app, person)
    live = [row.id for row in world.sql(LIVE, id=person.id)]
    assert live[:2] == before[-2:]
    assert len(live) == 3
    assert world.caller(signed_in["access_token"]).call("GET", "/auth/me").status_code == 200
    assert person.call("GET", "/auth/me").get_json()["code"] == "revoked_token"
    [event] = world.sql("SELECT target_id, user_id, details FROM audit_events WHERE action = 'session.ended'")
    assert (event.target_id, event.user_id) == (None, person.id)
    assert event.details == {"reason": "limit", "count": 3}
    sign_in(world, app, person)
    [_, event] = world.sql("SELECT target_id, details FROM audit_events WHERE action = 'session.ended' ORDER BY id")
    assert (event.target_id, event.details) == (live[0], {"reason": "limit", "count": 1})


def test_a_limit_of_one_session_leaves_the_newest_alone(world: World, app_with: AppWith) -> None:
    person = world.person()
    sign_in(world, app_with(max_sessions_per_account=1), person)
    assert len(world.sql(LIVE, id=person.id)) == 1
    assert person.call("GET", "/auth/me").status_code == 401


def test_a_session_that_has_expired_does_not_count_and_is_marked_as_ended_by_the_next_sign_in(
    world: World, app_with: AppWith
) -> None:
    person, stranger = world.person(), world.person()
    for account in (person, stranger):
        world.sql(MORE_SESSIONS, id=account.id, number=5, life="-1 second")
    sign_in(world, app_with(max_sessions_per_account=2), person)
    assert person.call("GET", "/auth/me").status_code == 200
    ended = "SELECT end_reason, ended_at = expires_at AS on_time FROM sessions WHERE ended_at IS NOT NULL"
    assert [tuple(row) for row in world.sql(ended)] == [("expired", True)] * 5
    assert world.sql("SELECT FROM audit_events WHERE action = 'session.ended'") == []


def test_organizations_founded_at_once_stop_at_the_limit(world: World) -> None:
    person = world.person("Acme")
    found = [(person, "/organizations", {"name": f"Acme {number}"}) for number in range(CLIENTS)]
    rest = CLIENTS + 1 - MOST_ORGANIZATIONS
    expected = {(201, None): MOST_ORGANIZATIONS - 1, (409, "limit_reached"): rest}
    assert answers(found) == expected
    assert len(world.sql("SELECT FROM organizations WHERE founded_by = :id", id=person.id)) == MOST_ORGANIZATIONS


def test_an_organization_counts_towards_its_founders_limit_until_it_is_deleted(world: World, app_with: AppWith) -> None:
    person, other = world.person("Acme"), world.person("Other")
    person.caller.application = app_with(max_organizations_per_account=2)
    body = {"name": "Another"}
    world.join(person, other.organization_id, "admin")
    assert person.call("POST", "/organizations", body).status_code == 201
    refused = person.call("POST", "/organizations", body)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "limit_reached")
    assert "2 organizations" in refused.get_json()["detail"]
    members = f"/organizations/{person.organization_id}/members"
    world.join(other, person.organization_id, "admin")
    assert person.call("DELETE", f"{members}/{person.id}").status_code == 204  # to leave it is not to end it
    assert person.call("POST", "/organizations", body).status_code == 409
    assert other.call("DELETE", f"/organizations/{person.organization_id}").status_code == 204
    assert person.call("POST", "/organizations", body).status_code == 201


def test_invitations_sent_at_once_stop_at_the_limit(world: World) -> None:
    admin = world.person("Acme")
    more = {"organization": admin.organization_id, "id": admin.id}
    world.sql(MORE_INVITATIONS, number=MOST_PENDING - 5, life="1 day", **more)
    path = f"/organizations/{admin.organization_id}/invitations"
    invite = [
        (one, path, {"email": f"guest{number}@example.com", "role": "viewer"})
        for number, one in enumerate(admins(world, admin, 16))
    ]
    assert answers(invite) == {(201, None): 5, (409, "limit_reached"): 11}
    refused = admin.call("POST", path, {"email": "last@example.com", "role": "viewer"}).get_json()
    assert f"{MOST_PENDING} pending invitations" in refused["detail"]


def test_invitations_that_are_overdue_do_not_count_and_are_marked_as_expired(world: World) -> None:
    admin, other = world.person("Acme"), world.person("Other")
    for inviter in (admin, other):
        more = {"organization": inviter.organization_id, "id": inviter.id}
        world.sql(MORE_INVITATIONS, number=MOST_PENDING, life="-1 second", **more)
    path = f"/organizations/{admin.organization_id}/invitations"
    assert admin.call("POST", path, {"email": "guest@example.com", "role": "viewer"}).status_code == 201
    counts = world.sql("SELECT organization_id::text, status, count(*) FROM invitations GROUP BY 1, 2")
    assert {tuple(row) for row in counts} == {
        (admin.organization_id, "expired", MOST_PENDING),
        (admin.organization_id, "pending", 1),
        (other.organization_id, "pending", MOST_PENDING),
    }


def test_an_expired_invitation_is_sent_again_only_within_the_limit(world: World) -> None:
    admin = world.person("Acme")
    more = {"organization": admin.organization_id, "id": admin.id}
    world.sql(MORE_INVITATIONS, number=MOST_PENDING, life="1 day", **more)
    path = f"/organizations/{admin.organization_id}/invitations"
    [pending, expired] = [row.id for row in world.sql("SELECT id FROM invitations LIMIT 2")]
    world.sql("UPDATE invitations SET expires_at = now() WHERE id = :id", id=expired)
    assert admin.call("POST", path, {"email": "guest@example.com", "role": "viewer"}).status_code == 201
    assert admin.call("POST", f"{path}/{pending}/resend").status_code == 202
    refused = admin.call("POST", f"{path}/{expired}/resend")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "limit_reached")
    assert admin.call("DELETE", f"{path}/{pending}").status_code == 204
    assert admin.call("POST", f"{path}/{expired}/resend").get_json()["status"] == "pending"


def test_api_keys_issued_at_once_stop_at_the_limit(world: World) -> None:
    admin = world.person("Acme")
    more = {"organization": admin.organization_id, "id": admin.id}
    world.sql(MORE_KEYS, number=MOST_LIVE - 5, life="1 day", revoked=False, **more)
    path = f"/organizations/{admin.organization_id}/api-keys"
    issue = [(one, path, {"name": "key", "role": "viewer"}) for one in admins(world, admin, 16)]
    assert answers(issue) == {(201, None): 5, (409, "limit_reached"): 11}
    refused = admin.call("POST", path, {"name": "last", "role": "viewer"}).get_json()
    assert f"{MOST_LIVE} live API keys" in refused["detail"]


@pytest.mark.parametrize(("life", "revoked"), [("-1 second", False), ("1 day", True)])
def test_api_keys_that_are_not_live_do_not_count(world: World, life: str, revoked: bool) -> None:
    admin = world.person("Acme")
    more = {"organization": admin.organization_id, "id": admin.id}
    world.sql(MORE_KEYS, number=MOST_LIVE, life=life, revoked=revoked, **more)
    path = f"/organizations/{admin.organization_id}/api-keys"
    assert admin.call("POST", path, {"name": "another", "role": "viewer"}).status_code == 201
