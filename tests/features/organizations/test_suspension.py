"""A suspended organization: none of its credentials is accepted, and everything else goes on."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy.exc import IntegrityError

from authapp.cli.lookup import lock_account
from authapp.db import tenancy, transaction
from authapp.instance import ROOT
from authapp.services import accounts
from authapp.services.members import LastAdmin
from authapp.services.operator import suspension
from tests.factories import PASSWORD, UNKNOWN_ID, Person, World, all_at_once

SUSPENDED = (403, "organization_suspended")
SUSPEND = "UPDATE organizations SET suspended_at = now(), suspension_reason = 'operator' WHERE name = 'Acme'"
RESTORE = "UPDATE organizations SET suspended_at = NULL, suspension_reason = NULL"
STATES = "SELECT suspension_reason FROM organizations ORDER BY id"


def routes_of_organizations() -> list[tuple[str, str]]:
    rows = csv.DictReader((ROOT / "tests" / "architecture" / "routes.csv").read_text().splitlines())
    found = [(row["method"], row["route"]) for row in rows if row["guard"].startswith("require_organization_")]
    assert len(found) >= 15
    return found


def answer_of(person: Person, method: str, path: str, body: object = None) -> tuple[int, str]:
    answer = person.call(method, path, body)
    return answer.status_code, (answer.get_json(silent=True) or {}).get("code", "")


def test_every_route_of_a_suspended_organization_refuses_members_and_api_keys(world: World) -> None:
    admin, stranger = world.person("Acme"), world.person()
    key = world.caller(world.api_key(admin, admin.organization_id, "developer"))
    world.sql(SUSPEND)
    for method, route in routes_of_organizations():
        path = re.sub(r"<\w+>", UNKNOWN_ID, re.sub(r"<organization_id>", admin.organization_id, route))
        for caller in (admin.caller, key):
            answer = caller.open(path, method=method)
            assert (answer.status_code, answer.get_json()["code"]) == SUSPENDED, route
        assert stranger.caller.open(path, method=method).get_json()["code"] == "not_a_member"
    assert [tuple(row) for row in world.sql("SELECT last_used_at FROM api_keys")] == [(None,)]


def test_its_members_go_on_elsewhere_and_see_it_in_their_lists(world: World) -> None:
    admin, member = world.person("Acme"), world.person("Other")
    world.join(member, admin.organization_id, "developer")
    world.sql(SUSPEND)
    assert member.call("GET", f"/organizations/{member.organization_id}").status_code == 200
    assert answer_of(member, "GET", f"/organizations/{admin.organization_id}") == SUSPENDED
    listed = member.call("GET", "/organizations").get_json()["items"]
    memberships = member.call("GET", "/auth/me").get_json()["memberships"]
    assert [each["name"] for each in listed] == ["Acme", "Other"]
    assert [each["organization"]["name"] for each in memberships] == ["Acme", "Other"]
    world.sql(RESTORE)
    assert member.call("GET", f"/organizations/{admin.organization_id}").get_json()["role"] == "developer"


def test_an_invitation_waits_until_its_organization_is_restored(world: World) -> None:
    admin, guest = world.person("Acme"), world.person()
    token = world.invite(admin, admin.organization_id, guest.email, "viewer")
    other = world.invite(admin, admin.organization_id, "new@example.com", "viewer")
    world.sql(SUSPEND)
    body = {"email": "new@example.com", "password": PASSWORD, "invitation_token": other}
    assert answer_of(guest, "POST", "/auth/register", body) == SUSPENDED
    for action in ("preview", "decline", "accept"):
        assert answer_of(guest, "POST", f"/invitations/{action}", {"token": token}) == SUSPENDED, action
    world.sql(RESTORE)
    assert guest.call("POST", "/invitations/accept", {"token": token}).status_code == 200


@pytest.mark.parametrize("others", [0, 1])
def test_a_suspended_organization_keeps_nobody_from_deleting_the_account(world: World, others: int) -> None:
    admin = world.person("Acme")
    for _ in range(others):
        world.join(world.person(), admin.organization_id, "viewer")
    world.sql(SUSPEND)
    assert admin.call("DELETE", "/auth/me", {"password": PASSWORD}).status_code == 204
    [[deleted]] = world.sql("SELECT deleted_at IS NOT NULL FROM organizations")
    assert deleted is (others == 0)


def test_it_is_restored_with_an_active_admin_only_by_raw_sql_too(world: World) -> None:
    admin = world.person("Acme")
    world.sql(SUSPEND)
    world.sql("UPDATE users SET is_active = false")
    with pytest.raises(IntegrityError, match="without an active admin"):
        world.sql(RESTORE)
    with world.app.app_context():
        tenancy.set_tenant(UUID(admin.organization_id))
        with pytest.raises(LastAdmin):
            suspension.restore(UUID(admin.organization_id))


def deactivate(world: World, person: Person) -> None:
    with world.app.app_context():
        accounts.deactivate(lock_account(person.email))
        transaction.commit()


def activate(world: World, person: Person) -> None:
    with world.app.app_context():
        accounts.activate(lock_account(person.email))
        transaction.commit()


def restore(world: World, organization_id: str) -> None:
    with world.app.app_context():
        tenancy.set_tenant(UUID(organization_id))
        try:
            suspension.restore(UUID(organization_id))
        except LastAdmin:
            transaction.rollback()
        transaction.commit()


def test_two_last_admins_are_deactivated_at_once_and_the_organization_is_suspended_once(world: World) -> None:
    for round_ in range(1, 6):
        one, two = world.person("Acme"), world.person()
        world.join(two, one.organization_id, "admin")
        all_at_once([partial(deactivate, world, one), partial(deactivate, world, two)])
        assert Counter(row[0] for row in world.sql(STATES)) == {"no_admin": round_}
        [[events]] = world.sql("SELECT count(*) FROM audit_events WHERE action = 'organization.suspended'")
        assert events == round_


@pytest.mark.parametrize("other", [restore, activate])
def test_an_organization_that_is_restored_while_its_admin_is_deactivated_is_not_left_without_one(
    world: World, other: Callable[..., None]
) -> None:
    for _ in range(5):
        admin, viewer = world.person("Acme"), world.person()
        world.join(viewer, admin.organization_id, "viewer")
        if other is activate:
            deactivate(world, admin)
            undo = partial(activate, world, admin)
        else:
            world.sql(SUSPEND)
            undo = partial(restore, world, admin.organization_id)
        all_at_once([partial(deactivate, world, admin), undo])
        [[is_active, is_suspended]] = world.sql(
            "SELECT is_active, suspended_at IS NOT NULL FROM users, organizations WHERE users.id = :id", id=admin.id
        )
        assert is_active is not is_suspended
        world.clear()
