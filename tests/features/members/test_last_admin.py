"""An organization that is not deleted has an active admin, whatever happens at once and by whatever way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.exc import IntegrityError

from authapp.dev.postgres import create_database
from authapp.instance import ROOT
from tests.factories import API, LOCK_WAITS, PASSWORD, Person, World, all_at_once
from tests.live import ask, running


def two_admins(world: World) -> tuple[Person, Person, str]:
    one, two = world.person("Acme"), world.person()
    world.join(two, one.organization_id, "admin")
    return one, two, f"/organizations/{one.organization_id}/members"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE memberships SET role = 'viewer'",
        "DELETE FROM memberships",
        "UPDATE memberships SET role = 'developer' WHERE role = 'admin'",
        "UPDATE users SET is_active = false",
        "UPDATE users SET deleted_at = now()",
        "INSERT INTO organizations (id, name, slug) VALUES (gen_random_uuid(), 'Nobody''s', 'nobodys')",
    ],
)
def test_raw_sql_is_refused_too(world: World, statement: str) -> None:
    two_admins(world)
    with pytest.raises(IntegrityError, match="without an active admin"):
        world.sql(statement)


def test_a_deleted_organization_may_lose_its_admins_and_not_come_back_without(world: World) -> None:
    one, _, _ = two_admins(world)
    one.call("DELETE", f"/organizations/{one.organization_id}")
    world.sql("DELETE FROM memberships")
    with pytest.raises(IntegrityError, match="without an active admin"):
        world.sql("UPDATE organizations SET deleted_at = NULL")


def test_within_one_transaction_the_admins_may_change_hands(world: World) -> None:
    _, two, _ = two_admins(world)
    with world.superuser.begin() as connection:
        connection.exec_driver_sql("UPDATE memberships SET role = 'viewer'")
        connection.exec_driver_sql("UPDATE memberships SET role = 'admin' WHERE user_id = %s", (str(two.id),))


def test_raw_sql_at_once_is_held_by_the_trigger_alone(world: World) -> None:
    def demote(person: Person) -> bool:
        try:
            world.sql("UPDATE memberships SET role = 'viewer' WHERE user_id = :id", id=person.id)
        except IntegrityError:
            return False
        return True

    for _ in range(20):
        one, two, _ = two_admins(world)
        assert Counter(all_at_once([partial(demote, one), partial(demote, two)])) == {True: 1, False: 1}


def leave(person: Person, members: str) -> int:
    return person.call("DELETE", f"{members}/{person.id}").status_code


def test_the_service_refuses_before_the_trigger_does(world: World) -> None:
    one, two, members = two_admins(world)
    world.sql("ALTER TABLE memberships DISABLE TRIGGER memberships_keep_an_admin")
    try:
        for _ in range(20):
            assert sorted(all_at_once([partial(leave, one, members), partial(leave, two, members)])) == [204, 409]
            [[stays]] = world.sql("SELECT user_id FROM memberships")
            world.join(two if stays == one.id else one, one.organization_id, "admin")
    finally:
        world.sql("ALTER TABLE memberships ENABLE TRIGGER memberships_keep_an_admin")


def delete_account(world: World, person: Person) -> bool:
    answer = person.call("DELETE", "/auth/me", {"password": PASSWORD})
    assert answer.status_code == 204 or answer.get_json()["code"] == "last_admin", answer.text
    return answer.status_code == 204


def test_of_two_admins_whose_accounts_end_at_once_one_stays(world: World) -> None:
    for _ in range(10):
        one, two, members = two_admins(world)
        world.join(world.person(), one.organization_id, "viewer")
        ended = all_at_once([partial(delete_account, world, one), partial(delete_account, world, two)])
        assert sorted(ended) == [False, True]
        assert sorted(person.call("GET", members).status_code for person in (one, two)) == [200, 401]


def test_deleting_an_account_takes_along_the_organizations_that_are_its_own_alone(world: World) -> None:
    one, two, _ = two_admins(world)
    alone = one.call("POST", "/organizations", {"name": "Alone"}).get_json()["id"]
    key = world.api_key(one, alone, "viewer")
    assert one.call("DELETE", "/auth/me", {"password": "Wrong12345"}).get_json()["code"] == "wrong_credentials"
    assert one.call("DELETE", "/auth/me", {"password": PASSWORD}).status_code == 204
    assert one.call("GET", "/auth/me").status_code == 401
    assert world.caller(key).call("GET", f"/organizations/{alone}").status_code == 401
    assert two.call("GET", f"/organizations/{one.organization_id}").status_code == 200
    actions = [row.action for row in world.sql("SELECT action FROM audit_events ORDER BY id DESC LIMIT 3")]
    assert sorted(actions) == ["member.left", "organization.deleted", "user.deleted"]


def test_an_account_with_followers_cannot_just_go(world: World) -> None:
    one, two = world.person("Acme"), world.person()
    world.join(two, one.organization_id, "developer")
    refused = one.call("DELETE", "/auth/me", {"password": PASSWORD})
    assert (refused.status_code, refused.get_json()["code"]) == (409, "last_admin")
    assert one.call("GET", f"/organizations/{one.organization_id}").get_json()["role"] == "admin"


@contextmanager
def both_wait(superuser: Engine) -> Iterator[None]:
    """Lock every organization's row until both requests have passed their guards and wait for it."""
    with superuser.connect() as holder, superuser.connect() as observer:
        holder.exec_driver_sql("SELECT FROM organizations FOR NO KEY UPDATE")
        yield
        while observer.scalar(text(LOCK_WAITS)) != 2:
            observer.rollback()
        holder.rollback()


WAYS: dict[str, Callable[[str, str], tuple[str, str, Any]]] = {
    "demote_each_other": lambda me, other: ("PATCH", other, {"role": "viewer"}),
    "remove_each_other": lambda me, other: ("DELETE", other, None),
    "both_step_down": lambda me, other: ("PATCH", me, {"role": "viewer"}),
    "both_leave": lambda me, other: ("DELETE", me, None),
}


@pytest.mark.xdist_group("live")
def test_of_two_last_admins_at_once_over_two_servers_one_stays(socket_folder: str, worker_id: str) -> None:
    name = f"pair_{worker_id}"
    create_database(socket_folder, name)
    url = f"postgresql://authapp@/{name}?host={socket_folder}"
    environment = {"DATABASE_URL": url, "JWT_ISSUER": "http://pair.example.com", "BCRYPT_ROUNDS": "4"}
    superuser = create_engine(make_url(url).set(drivername="postgresql+psycopg2", username="postgres"))
    with running(ROOT, **environment) as (_, one), running(ROOT, **environment) as (_, two):
        people = [register(port) for port in (one, two)]
        organization_id = people[0]["organization"]["id"]
        ids = [person["user"]["id"] for person in people]
        with ThreadPoolExecutor() as pool:
            for round_ in range(4 * len(WAYS)):
                with superuser.begin() as connection:
                    for id_ in ids:
                        connection.execute(MAKE_ADMIN, {"user": id_, "organization": organization_id})
                way = list(WAYS.values())[round_ % len(WAYS)]
                with both_wait(superuser):
                    asked = []
                    for port, me, other in ((one, 0, 1), (two, 1, 0)):
                        method, member, body = way(ids[me], ids[other])
                        path = f"{API}/organizations/{organization_id}/members/{member}"
                        asked.append(pool.submit(ask, port, method, path, body, people[me]["access_token"]))
                (done, _), (refused, problem) = sorted(answer.result() for answer in asked)
                assert done in (200, 204)
                assert (refused, problem["code"]) == (409, "last_admin")
    superuser.dispose()


MAKE_ADMIN = text(
    "INSERT INTO memberships (user_id, organization_id, role) VALUES (:user, :organization, 'admin') "
    "ON CONFLICT (user_id, organization_id) DO UPDATE SET role = 'admin'"
)


def register(port: int) -> dict[str, Any]:
    body = {"email": f"admin{port}@example.com", "password": PASSWORD, "organization_name": "Pair"}
    status, session = ask(port, "POST", f"{API}/auth/register", body)
    assert status == 201
    assert isinstance(session, dict)
    return session


def test_of_two_admins_who_demote_each_other_at_once_one_is_an_admin_no_more(world: World) -> None:
    one, two, members = two_admins(world)
    world.join(world.person(), one.organization_id, "admin")  # so that it is not the last who goes
    body = {"role": "viewer"}
    with ThreadPoolExecutor() as pool:
        with both_wait(world.superuser):
            asked = [
                pool.submit(person.call, "PATCH", f"{members}/{other.id}", body)
                for person, other in ((one, two), (two, one))
            ]
        answers = [answer.result() for answer in asked]
    assert sorted(answer.status_code for answer in answers) == [200, 403]
    assert [answer.get_json()["code"] for answer in answers if answer.status_code == 403] == ["role_too_low"]
