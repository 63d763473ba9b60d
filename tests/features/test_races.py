"""What only shows when many ask at once, on a real PostgreSQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from threading import Event
from typing import Any

import pytest
from sqlalchemy import text

from authapp.core.clock import FrozenClock
from tests.factories import CLIENTS, LOCK_WAITS, PASSWORD, ROUNDS, AppWith, Person, World, all_at_once, statements


def refresh(world: World, token: str) -> tuple[int, dict[str, Any]]:
    response = world.caller().call("POST", "/auth/refresh", {"refresh_token": token})
    return response.status_code, response.get_json()


def test_a_token_refreshed_by_all_rotates_once_and_all_get_the_same_successor(world: World) -> None:
    person = world.person()
    token = person.refresh_token
    for _ in range(ROUNDS):
        answers = all_at_once([partial(refresh, world, token)] * CLIENTS)
        assert Counter(status for status, _ in answers) == {200: CLIENTS}
        [successor] = {body["refresh_token"] for _, body in answers}
        assert successor != token
        [row] = world.sql("SELECT refresh_id, previous_refresh_id, ended_at FROM sessions")
        assert row.ended_at is None
        token = successor


def test_reuse_by_all_at_once_ends_the_session_and_is_recorded_once(world: World, time: FrozenClock) -> None:
    for round_ in range(1, ROUNDS + 1):
        person = world.person()
        successor = refresh(world, person.refresh_token)[1]["refresh_token"]
        time.advance(seconds=11)
        answers = all_at_once([partial(refresh, world, person.refresh_token)] * CLIENTS)
        assert {status for status, _ in answers} == {401}
        assert Counter(body["code"] for _, body in answers)["refresh_token_reused"] == 1
        assert refresh(world, successor)[0] == 401
        [[recorded]] = world.sql("SELECT count(*) FROM audit_events WHERE action = 'session.refresh.reused'")
        assert recorded == round_


def test_no_token_is_usable_after_logout_has_answered(world: World) -> None:
    def logout(person: Person) -> tuple[int, dict[str, Any]]:
        return person.call("POST", "/auth/logout").status_code, {}

    for _ in range(ROUNDS):
        person = world.person()
        refreshing = [partial(refresh, world, person.refresh_token)] * (CLIENTS - 1)
        answers = all_at_once([partial(logout, person), *refreshing])
        assert answers[0][0] == 204
        for status, body in answers[1:]:
            assert status in (200, 401)
            if status == 200:
                assert world.caller(body["access_token"]).call("GET", "/auth/me").status_code == 401
                assert refresh(world, body["refresh_token"])[0] == 401


def test_one_address_registers_once(world: World) -> None:
    def register(email: str) -> int:
        return world.caller().call("POST", "/auth/register", {"email": email, "password": PASSWORD}).status_code

    for round_ in range(ROUNDS):
        # no more at once than the hash queue lets in
        statuses = all_at_once([partial(register, f"race{round_}@example.com")] * 5)
        assert Counter(statuses) == {201: 1, 409: 4}


def test_two_hundred_organizations_of_one_name_all_get_a_slug_of_their_own(world: World) -> None:
    founders = [world.person() for _ in range(25)]

    def create(founder: Person) -> tuple[int, str]:
        response = founder.call("POST", "/organizations", {"name": "Acme Research"})
        return response.status_code, response.get_json().get("slug", "")

    answers = [answer for _ in range(8) for answer in all_at_once([partial(create, founder) for founder in founders])]
    assert {status for status, _ in answers} == {201}
    slugs = [slug for (slug,) in world.sql("SELECT slug FROM organizations")]
    assert len(set(slugs)) == len(slugs) == 200
    assert "acme-research" in slugs


def test_sign_ins_at_once_while_the_hash_is_renewed_all_succeed(world: World, app_with: AppWith) -> None:
    outdated = app_with(bcrypt_rounds=5).hasher.hash(PASSWORD)

    def sign_in(person: Person) -> int:
        body = {"email": person.email, "password": PASSWORD}
        return world.caller().call("POST", "/auth/login", body).status_code

    for _ in range(ROUNDS // 2):
        person = world.person()
        world.sql("UPDATE users SET password_hash = :old WHERE id = :id", old=outdated, id=person.id)
        assert set(all_at_once([partial(sign_in, person)] * 4)) == {200}
        [[stored]] = world.sql("SELECT password_hash FROM users WHERE id = :id", id=person.id)
        assert "$2b$04$" in stored


@contextmanager
def nobody_hashes(world: World) -> Iterator[None]:
    """Hash one password slowly: all other hashes wait until this is over."""
    begun, over = Event(), Event()

    def hash_slowly() -> None:
        begun.set()
        over.wait()

    queue = world.app.hasher.queue
    with ThreadPoolExecutor() as pool:
        pool.submit(queue.run, hash_slowly)
        begun.wait()
        try:
            yield
        finally:
            over.set()


@pytest.mark.parametrize(
    ("meanwhile", "status", "code"),
    [
        ("UPDATE users SET is_active = false", 403, "inactive_account"),
        ("UPDATE users SET password_hash = 'another'", 401, "wrong_credentials"),
        ("UPDATE users SET deleted_at = now()", 401, "wrong_credentials"),
    ],
)
def test_an_account_that_changes_while_its_password_is_checked_is_checked_again(
    world: World, meanwhile: str, status: int, code: str
) -> None:
    person = world.person()
    credentials = {"email": person.email, "password": PASSWORD}
    with ThreadPoolExecutor() as pool:
        with nobody_hashes(world), statements(world.app) as sent:
            signing_in = pool.submit(world.caller().call, "POST", "/auth/login", credentials)
            while not sent:
                assert not signing_in.done()
            world.sql(meanwhile)
            assert not signing_in.done()
        response = signing_in.result()
    assert (response.status_code, response.get_json()["code"]) == (status, code)


def test_one_hash_at_a_time_in_each_process(world: World) -> None:
    body = {"email": "ada@example.com", "password": PASSWORD}
    with ThreadPoolExecutor() as pool:
        with nobody_hashes(world):
            registering = pool.submit(world.caller().call, "POST", "/auth/register", body)
            with pytest.raises(TimeoutError):
                registering.result(timeout=0.5)
        assert registering.result().status_code == 201


@pytest.mark.parametrize("everywhere", [True, False])
def test_sessions_ended_twice_at_once_are_recorded_once(world: World, everywhere: bool) -> None:
    person = world.person()

    def logout() -> int:
        return person.call("POST", "/auth/logout", {"everywhere": everywhere}).status_code

    assert set(all_at_once([logout] * CLIENTS)) <= {204, 401}
    [[recorded]] = world.sql("SELECT count(*) FROM audit_events WHERE action = 'session.ended'")
    assert recorded == 1


def test_an_invitation_token_is_accepted_once_of_sixteen_times_at_once(world: World) -> None:
    admin = world.person("Acme")

    def accept(person: Person, token: str) -> int:
        return person.call("POST", "/invitations/accept", {"token": token}).status_code

    for _ in range(ROUNDS):
        guest = world.person()
        token = world.invite(admin, admin.organization_id, guest.email, "viewer")
        answers = all_at_once([partial(accept, guest, token)] * CLIENTS)
        assert Counter(answers) == {200: 1, 410: CLIENTS - 1}


def test_accepting_declining_and_withdrawing_at_once_has_one_outcome(world: World) -> None:
    admin = world.person("Acme")
    invitations = f"/organizations/{admin.organization_id}/invitations"

    def call(caller: Any, method: str, path: str, body: dict[str, str] | None = None) -> int:
        status: int = caller.call(method, path, body).status_code
        return status

    for _ in range(2 * ROUNDS):
        guest = world.person()
        created = admin.call("POST", invitations, {"email": guest.email, "role": "viewer"}).get_json()
        token = {"token": world.token_for(guest.email)}
        accepted, declined, revoked = all_at_once(
            [
                partial(call, guest, "POST", "/invitations/accept", token),
                partial(call, world.caller(), "POST", "/invitations/decline", token),
                partial(call, admin, "DELETE", f"{invitations}/{created['id']}"),
            ]
        )
        [[status]] = world.sql("SELECT status FROM invitations WHERE id = :id", id=created["id"])
        joined = world.sql("SELECT FROM memberships WHERE user_id = :id", id=guest.id) != []
        assert (accepted == 200) == joined == (status == "accepted")
        assert [accepted == 200, declined == 204, revoked == 204].count(True) == 1, (accepted, declined, revoked)


def test_the_last_seat_is_taken_once(world: World) -> None:
    admin = world.person("Acme")
    guests = [world.person() for _ in range(8)]
    tokens = [world.invite(admin, admin.organization_id, guest.email, "viewer") for guest in guests]
    world.sql("UPDATE organizations SET seats = 3")

    def accept(guest: Person, token: str) -> int:
        return guest.call("POST", "/invitations/accept", {"token": token}).status_code

    answers = all_at_once([partial(accept, *pair) for pair in zip(guests, tokens, strict=True)])
    assert Counter(answers) == {200: 2, 409: 6}


def test_one_address_is_invited_once(world: World) -> None:
    admin = world.person("Acme")

    def invite(email: str) -> int:
        body = {"email": email, "role": "viewer"}
        return admin.call("POST", f"/organizations/{admin.organization_id}/invitations", body).status_code

    for round_ in range(ROUNDS):
        answers = all_at_once([partial(invite, f"guest{round_}@example.com")] * CLIENTS)
        assert Counter(answers) == {201: 1, 409: CLIENTS - 1}
    assert len(world.emails()) == ROUNDS


def test_one_slug_goes_to_one_organization(world: World) -> None:
    founders = [world.person(f"Acme {number}") for number in range(CLIENTS)]

    def rename(founder: Person) -> int:
        return founder.call("PATCH", f"/organizations/{founder.organization_id}", {"slug": "wanted"}).status_code

    answers = all_at_once([partial(rename, founder) for founder in founders])
    assert Counter(answers) == {200: 1, 409: CLIENTS - 1}


def test_a_key_used_by_many_at_once_notes_one_use(world: World) -> None:
    admin = world.person("Acme")
    key = world.caller(world.api_key(admin, admin.organization_id, "viewer"))

    def read() -> int:
        return key.call("GET", f"/organizations/{admin.organization_id}").status_code

    assert set(all_at_once([read] * CLIENTS)) == {200}
    [[used, created]] = world.sql("SELECT last_used_at, updated_at = created_at FROM api_keys")
    assert used is not None
    assert created  # using a key is not a change of it


INVALID = (410, "invalid_invitation")


@pytest.mark.parametrize(
    ("meanwhile", "expected"),
    [
        ("UPDATE one_time_tokens SET token_hash = 'sent again'", INVALID),
        ("UPDATE invitations SET status = 'revoked'", INVALID),
        ("UPDATE memberships SET role = 'viewer'", INVALID),
        ("UPDATE organizations SET deleted_at = now()", INVALID),
        (
            "UPDATE organizations SET suspended_at = now(), suspension_reason = 'operator'",
            (403, "organization_suspended"),
        ),
    ],
)
def test_an_invitation_that_ends_while_its_acceptance_waits_is_not_accepted(
    world: World, meanwhile: str, expected: tuple[int, str]
) -> None:
    admin, guest = world.person("Acme"), world.person()
    world.sql("ALTER TABLE memberships DISABLE TRIGGER memberships_keep_an_admin")
    token = world.invite(admin, admin.organization_id, guest.email, "viewer")
    try:
        with ThreadPoolExecutor() as pool, world.superuser.connect() as holder:
            holder.execute(text("SELECT FROM organizations FOR NO KEY UPDATE"))
            accepting = pool.submit(guest.call, "POST", "/invitations/accept", {"token": token})
            while world.sql(LOCK_WAITS)[0][0] == 0:
                assert not accepting.done()
            holder.execute(text(meanwhile))
            holder.commit()
            answer = accepting.result()
    finally:
        world.sql("ALTER TABLE memberships ENABLE TRIGGER memberships_keep_an_admin")
    assert (answer.status_code, answer.get_json()["code"]) == expected
    assert world.sql("SELECT FROM memberships WHERE user_id = :id", id=guest.id) == []


LATE: dict[str, Callable[[str, dict[str, Any]], tuple[str, str, Any]]] = {
    "an api key": lambda path, ids: ("POST", f"{path}/api-keys", {"name": "late", "role": "developer"}),
    "a rotation": lambda path, ids: ("POST", f"{path}/api-keys/{ids['key']}/rotate", {}),
    "a revocation": lambda path, ids: ("DELETE", f"{path}/api-keys/{ids['key']}", None),
    "an invitation": lambda path, ids: ("POST", f"{path}/invitations", {"email": "x@example.com", "role": "viewer"}),
    "an email": lambda path, ids: ("POST", f"{path}/invitations/{ids['invitation']}/resend", None),
    "a revoked invitation": lambda path, ids: ("DELETE", f"{path}/invitations/{ids['invitation']}", None),
    "a name": lambda path, ids: ("PATCH", path, {"name": "Late"}),
    "a deletion": lambda path, ids: ("DELETE", path, None),
    "a promotion": lambda path, ids: ("PATCH", f"{path}/members/{ids['viewer']}", {"role": "admin"}),
    "a removal": lambda path, ids: ("DELETE", f"{path}/members/{ids['viewer']}", None),
    "an organization of one's own": lambda path, ids: ("POST", "/organizations", {"name": "Late"}),
    "a new name of one's own": lambda path, ids: ("PATCH", "/auth/me", {"first_name": "Late"}),
    "an acceptance": lambda path, ids: ("POST", "/invitations/accept", {"token": ids["token"]}),
}
ENDS = {
    "removed": ("DELETE FROM memberships WHERE user_id = :id", 403),
    "demoted": ("UPDATE memberships SET role = 'developer' WHERE user_id = :id", 403),
    "signed out": ("UPDATE sessions SET ended_at = now() WHERE user_id = :id", 401),
    "deactivated": ("UPDATE users SET is_active = false WHERE id = :id", 401),
    "deleted": ("UPDATE users SET deleted_at = now() WHERE id = :id", 401),
    "suspended": (
        "UPDATE organizations SET suspended_at = now(), suspension_reason = 'operator' "
        "WHERE id IN (SELECT organization_id FROM memberships WHERE user_id = :id)",
        403,
    ),
}
# which rest on no membership
PERSONAL = ("an organization of one's own", "a new name of one's own", "an acceptance")


@pytest.mark.parametrize(
    ("late", "end"),
    [(late, end) for late in LATE for end, (_, status) in ENDS.items() if status == 401 or late not in PERSONAL],
)
def test_whoever_loses_the_right_while_a_request_is_on_its_way_leaves_nothing_behind(
    world: World, late: str, end: str
) -> None:
    statement, status = ENDS[end]
    founder, admin, viewer, elsewhere = world.person("Acme"), world.person(), world.person(), world.person("Elsewhere")
    organization_id = founder.organization_id
    for person, role in ((admin, "admin"), (viewer, "viewer")):
        world.join(person, organization_id, role)
    world.api_key(founder, organization_id, "viewer")
    world.invite(founder, organization_id, "guest@example.com", "viewer")
    ids = {
        "key": world.sql("SELECT id FROM api_keys")[0].id,
        "invitation": world.sql("SELECT id FROM invitations")[0].id,
        "viewer": viewer.id,
        "token": world.invite(elsewhere, elsewhere.organization_id, admin.email, "viewer"),
    }
    before = snapshot(world)
    with ThreadPoolExecutor() as pool, world.superuser.connect() as holder:
        holder.execute(text("SELECT FROM users WHERE id = :id FOR NO KEY UPDATE"), {"id": admin.id})
        asking = pool.submit(admin.call, *LATE[late](f"/organizations/{organization_id}", ids))
        while world.sql(LOCK_WAITS)[0][0] == 0:
            assert not asking.done(), asking.result().text
        holder.execute(text(statement), {"id": admin.id})
        holder.commit()
        answer = asking.result()
    assert answer.status_code == status, answer.text
    changed = {table for table, rows in snapshot(world).items() if rows != before[table]}
    assert changed <= {statement.replace("DELETE FROM", "UPDATE").split()[1], "audit_events"}
    assert (
        world.sql(
            "SELECT FROM audit_events WHERE action <> 'access.refused' AND actor_id = :id AND "
            "action NOT IN ('user.registered', 'session.started')",
            id=admin.id,
        )
        == []
    )


def snapshot(world: World) -> dict[str, list[Any]]:
    tables = ("users", "sessions", "organizations", "memberships", "invitations", "api_keys", "audit_events", "outbox")
    return {table: world.sql(f"SELECT to_jsonb(t) FROM {table} t ORDER BY t::text") for table in tables}
