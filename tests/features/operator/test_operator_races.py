"""Operators who lose the flag, or change each other, while a request is on its way."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from sqlalchemy import text

from tests.factories import LOCK_WAITS, ROUNDS, Person, World, all_at_once
from tests.features.test_races import snapshot
from tests.operators import grant, operator
from tests.second_factors import answer, enrol

LATE: dict[str, Callable[[dict[str, str]], tuple[str, str]]] = {
    "a deactivation": lambda ids: ("POST", f"/operator/users/{ids['user']}/deactivate"),
    "an activation": lambda ids: ("POST", f"/operator/users/{ids['inactive']}/activate"),
    "the end of sessions": lambda ids: ("DELETE", f"/operator/users/{ids['user']}/sessions"),
    "a suspension": lambda ids: ("POST", f"/operator/organizations/{ids['organization']}/suspend"),
    "a restoration": lambda ids: ("POST", f"/operator/organizations/{ids['suspended']}/restore"),
    "an email": lambda ids: ("POST", f"/operator/outbox/{ids['email']}/retry"),
}
ENDS = {
    "signed in long ago": (
        "UPDATE sessions SET authenticated_at = now() - interval '6 minutes' WHERE user_id = :id",
        (401, "reauthentication_required"),
    ),
    "without a second factor": (
        "UPDATE sessions SET amr = '{pwd}' WHERE user_id = :id",
        (401, "reauthentication_required"),
    ),
    "revoked": ("UPDATE users SET is_operator = false WHERE id = :id", (403, "operator_only")),
    "deactivated": ("UPDATE users SET is_operator = false, is_active = false WHERE id = :id", (401, "revoked_token")),
    "signed out": ("UPDATE sessions SET ended_at = now() WHERE user_id = :id", (401, "revoked_token")),
}


@pytest.mark.parametrize("late", LATE)
@pytest.mark.parametrize("end", ENDS)
def test_whoever_is_an_operator_no_more_while_a_change_is_on_its_way_changes_nothing(
    world: World, late: str, end: str
) -> None:
    statement, expected = ENDS[end]
    me, user, inactive, suspended = operator(world), world.person("Acme"), world.person(), world.person("Suspended")
    world.sql("UPDATE users SET is_active = false WHERE id = :id", id=inactive.id)
    ids = {"user": str(user.id), "inactive": str(inactive.id), "organization": user.organization_id}
    ids["suspended"] = suspended.organization_id
    assert me.call("POST", f"/operator/organizations/{ids['suspended']}/suspend").status_code == 204
    world.sql("INSERT INTO outbox (id, recipient, kind, dead_at) VALUES (uuidv7(), 'a@example.com', 'reset', now())")
    ids["email"] = str(world.sql("SELECT id FROM outbox WHERE dead_at IS NOT NULL")[0].id)
    before = snapshot(world)
    with ThreadPoolExecutor() as pool, world.superuser.connect() as holder:
        holder.execute(text("SELECT FROM users WHERE id = :id FOR NO KEY UPDATE"), {"id": me.id})
        asking = pool.submit(me.call, *LATE[late](ids))
        while world.sql(LOCK_WAITS)[0][0] == 0:
            assert not asking.done(), asking.result().text
        holder.execute(text(statement), {"id": me.id})
        holder.commit()
        assert answer(asking.result()) == expected
    changed = {table for table, rows in snapshot(world).items() if rows != before[table]}
    assert changed == {statement.split()[1]}


def test_of_two_operators_who_deactivate_each_other_at_once_one_is_an_operator_no_more(world: World) -> None:
    ada, grace = world.person(), world.person()
    for person in (ada, grace):
        enrol(person)

    def deactivate(me: Person, other: Person) -> int:
        return me.call("POST", f"/operator/users/{other.id}/deactivate").status_code

    for _ in range(ROUNDS):
        for person in (ada, grace):
            world.sql("UPDATE users SET is_active = true, is_operator = true WHERE id = :id", id=person.id)
            world.sql("UPDATE sessions SET ended_at = NULL, end_reason = NULL WHERE user_id = :id", id=person.id)
        both: list[Callable[[], int]] = [partial(deactivate, ada, grace), partial(deactivate, grace, ada)]
        assert sorted(all_at_once(both)) == [200, 401]
        assert [tuple(row) for row in world.sql("SELECT is_operator FROM users ORDER BY 1")] == [(False,), (True,)]


def test_a_change_comes_before_the_removal_of_the_last_second_factor_or_not_at_all(
    world: World,
) -> None:
    for _ in range(3):
        me, other = world.person(), world.person()
        app = enrol(me)
        grant(world, me)
        both: list[Callable[[], int]] = [
            lambda me=me, app=app: me.call("DELETE", "/auth/mfa/totp", {"code": app.code()}).status_code,  # type: ignore[misc]
            lambda me=me, other=other: me.call("POST", f"/operator/users/{other.id}/deactivate").status_code,  # type: ignore[misc]
        ]
        removed, deactivated = all_at_once(both)
        assert (removed, deactivated) in {(204, 200), (204, 403)}
        ids = {"id": me.id, "other": other.id}
        which = "action = 'operator.revoked' AND user_id = :id OR action = 'user.deactivated' AND user_id = :other"
        found = [row.action for row in world.sql(f"SELECT action FROM audit_events WHERE {which} ORDER BY id", **ids)]
        assert found == [*(["user.deactivated"] if deactivated == 200 else []), "operator.revoked"]
