"""What is refused again and again is recorded up to a limit, however many ask at once."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

from authapp.services.audit import MOST_DENIALS
from tests.factories import PASSWORD, Caller, World, all_at_once, statements

CLIENTS = 64


def test_denials_at_once_are_recorded_up_to_the_limit_and_the_last_one_says_so(world: World) -> None:
    admin, viewer, elsewhere = world.person("Acme"), world.person(), world.person("Elsewhere")
    for organization in (admin, elsewhere):
        world.join(viewer, organization.organization_id, "viewer")
    key = world.caller(world.api_key(admin, admin.organization_id, "viewer"))
    refused = f"/organizations/{admin.organization_id}/invitations"

    def ask(caller: Caller) -> int:
        return caller.call("GET", refused).status_code

    assert set(all_at_once([partial(ask, caller) for caller in (viewer.caller, key) for _ in range(CLIENTS // 2)])) == {
        403
    }
    events = "SELECT actor_id, details FROM audit_events WHERE action = 'access.refused' ORDER BY id"
    by_actor: dict[Any, list[dict[str, str]]] = {}
    for row in world.sql(events):
        by_actor.setdefault(row.actor_id, []).append(row.details)
    assert [len(details) for details in by_actor.values()] == [MOST_DENIALS] * 2
    for details in by_actor.values():
        told = ["further" in detail for detail in details]
        assert told == [False] * (MOST_DENIALS - 1) + [True]
    viewer.call("GET", f"/organizations/{elsewhere.organization_id}/invitations")  # which counts by itself
    assert len(world.sql(events)) == 2 * MOST_DENIALS + 1


def test_what_an_actor_did_does_not_count_as_its_denials(world: World) -> None:
    admin, other = world.person("Acme"), world.person()
    path = f"/organizations/{admin.organization_id}"
    world.join(other, admin.organization_id, "admin")
    for number in range(MOST_DENIALS):
        assert other.call("PATCH", path, {"name": f"Acme {number}"}).status_code == 200
    assert admin.call("PATCH", f"{path}/members/{other.id}", {"role": "viewer"}).status_code == 200
    assert other.call("GET", f"{path}/invitations").status_code == 403
    assert len(world.sql("SELECT FROM audit_events WHERE action = 'access.refused'")) == 1


def test_a_denial_is_recorded_again_once_an_earlier_one_is_an_hour_old(world: World) -> None:
    admin, viewer = world.person("Acme"), world.person()
    world.join(viewer, admin.organization_id, "viewer")
    refused = f"/organizations/{admin.organization_id}/invitations"
    for _ in range(MOST_DENIALS):
        assert viewer.call("GET", refused).status_code == 403
    with statements(world.app) as sent:
        assert viewer.call("GET", refused).status_code == 403
    assert sent == ["select", "select"]  # whoever goes on asking waits for no lock and writes nothing
    events = "SELECT id FROM audit_events WHERE action = 'access.refused' ORDER BY id"
    oldest, *others = world.sql(events)
    assert len(others) == MOST_DENIALS - 1
    age = "UPDATE audit_events SET id = uuidv7(CAST(:age AS interval)) WHERE id = :id"
    world.sql(age, id=oldest.id, age="-3590 seconds")
    viewer.call("GET", refused)
    assert len(world.sql(events)) == MOST_DENIALS
    world.sql(age, id=world.sql(events)[0].id, age="-3601 seconds")
    viewer.call("GET", refused)
    viewer.call("GET", refused)
    assert len(world.sql(events)) == MOST_DENIALS + 1


def test_invitations_refused_to_other_addresses_are_recorded_up_to_the_limit(world: World) -> None:
    admin, mallory = world.person("Acme"), world.person()
    token = world.invite(admin, admin.organization_id, "grace@example.com", "viewer")
    body = {"email": "another@example.com", "password": PASSWORD, "invitation_token": token}

    def ask(path: str, body: dict[str, str]) -> str:
        return str(mallory.call("POST", path, body).get_json()["code"])

    for request in (partial(ask, "/invitations/accept", {"token": token}), partial(ask, "/auth/register", body)):
        assert Counter(all_at_once([request] * (MOST_DENIALS + 2))) == {"not_your_invitation": MOST_DENIALS + 2}
    recorded = world.sql("SELECT actor_id FROM audit_events WHERE action = 'invitation.refused'")
    assert Counter(row.actor_id for row in recorded) == {mallory.id: MOST_DENIALS, None: MOST_DENIALS}
