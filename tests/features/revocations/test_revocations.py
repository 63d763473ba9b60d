"""The feed of revocations: what is in it, in which order, and that nobody who follows it misses anything."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from threading import Event, Thread
from time import perf_counter, sleep
from typing import Any
from uuid import UUID

import jwt
import pytest
from sqlalchemy import update
from werkzeug.test import TestResponse

from authapp.core.clock import FrozenClock
from authapp.core.enums import EndReason
from authapp.core.positions import History, Position
from authapp.db import transaction
from authapp.jobs import revocations as jobs
from authapp.models import Session
from authapp.security.tokens import LEEWAY
from authapp.services import sessions
from tests.factories import LOCK_WAITS, PASSWORD, AppWith, Person, World, all_at_once, statements
from tests.features.passwords.test_passwords import forget

MANY = 20_000
CLIENTS = 16
LOAD = """
INSERT INTO sessions (id, user_id, refresh_id, authenticated_at, amr, last_used_at, expires_at, ends_at_latest)
SELECT gen_random_uuid(), :user, gen_random_uuid(), now(), '{pwd}', now(), now() + interval '7 days', now()
FROM generate_series(1, :number)
"""


UNSETTLED = """
SELECT 1 FROM revocations WHERE transaction_id < 1000000000
AND transaction_id >= pg_snapshot_xmin(pg_current_snapshot())::text::bigint
"""


class Poller:
    """A service that follows the feed."""

    def __init__(self, world: World) -> None:
        self._world, self._caller = world, world.caller(world.service_key("revocations"))
        self.cursor, self.items, self.waits = "", list[dict[str, Any]](), True

    def get(self, **query: Any) -> TestResponse:
        while self.waits and self._world.sql(UNSETTLED):  # transactions of other tests are under way in this cluster
            sleep(0.01)
        return self._caller.call("GET", "/auth/revocations", query_string=query)

    def poll(self, limit: int = 100) -> list[dict[str, Any]]:
        """What is new, to the end of the feed."""
        found: list[dict[str, Any]] = []
        more = True
        while more:
            answer = self.get(limit=limit, **({"after": self.cursor} if self.cursor else {}))
            assert answer.status_code == 200, answer.text
            page = answer.get_json()
            self.cursor = page["next_cursor"]
            found += page["items"]
            more = len(page["items"]) == limit
        self.items += found
        return found

    def subjects(self) -> list[str]:
        return [next(iter(item.values())) for item in self.items]


@pytest.fixture
def poller(world: World) -> Poller:
    return Poller(world)


def sid(person: Person) -> str:
    session_id = person.call("GET", "/auth/sessions").get_json()["items"]
    return str(next(each["id"] for each in session_id if each["current"]))


def command(*arguments: str) -> Callable[[World, Person], object]:
    return lambda world, person: world.app.test_cli_runner().invoke(args=["users", *arguments, person.email])


def reset_password(world: World, person: Person) -> object:
    body = {"token": forget(world, person.email), "new_password": "AnotherPassword456"}
    return world.caller().call("POST", "/auth/password/reset", body)


def reuse(world: World, person: Person) -> object:
    for _ in range(3):
        answer = person.call("POST", "/auth/refresh", {"refresh_token": person.refresh_token})
        world.sql("UPDATE sessions SET last_used_at = last_used_at - interval '1 minute'")
    return answer


def change_password(world: World, person: Person) -> object:
    body = {"current_password": PASSWORD, "new_password": "AnotherPassword456"}
    return person.call("POST", "/auth/password/change", body)


WAYS: dict[str, tuple[Callable[[World, Person], object], str]] = {
    "logout": (lambda world, person: person.call("POST", "/auth/logout"), "this"),
    "everywhere": (lambda world, person: person.call("POST", "/auth/logout", {"everywhere": True}), "account"),
    "others": (lambda world, person: person.call("DELETE", "/auth/sessions"), "other"),
    "one": (lambda world, person: person.call("DELETE", f"/auth/sessions/{sid(person)}"), "this"),
    "reuse": (reuse, "this"),
    "password": (change_password, "other"),
    "reset": (reset_password, "account"),
    "delete": (lambda world, person: person.call("DELETE", "/auth/me", {"password": PASSWORD}), "account"),
    "deactivate": (command("deactivate"), "account"),
    "end-sessions": (command("end-sessions"), "account"),
}


@pytest.mark.parametrize("way", WAYS)
def test_each_way_to_end_sessions_is_in_the_feed(world: World, poller: Poller, way: str) -> None:
    person = world.person()
    this, other = sid(person), sid(world.sign_in(person))
    end, expected = WAYS[way]
    end(world, person)
    assert poller.subjects() == []
    [item] = poller.poll()
    names = {"this": {"sid": this}, "other": {"sid": other}, "account": {"sub": str(person.id)}}
    assert {name: value for name, value in item.items() if name in ("sid", "sub")} == names[expected]
    assert item.keys() - {"sid", "sub"} == {"at", "until"}
    assert poller.poll() == []


def test_everybody_signed_out_is_a_row_for_each_account(world: World, poller: Poller) -> None:
    people = [world.person() for _ in range(3)]
    world.sign_in(people[0])
    world.app.test_cli_runner().invoke(args=["users", "end-sessions", "--everybody", "--yes"])
    poller.poll()
    assert sorted(poller.subjects()) == sorted(str(person.id) for person in people)


def test_the_sessions_that_the_limit_ends_are_in_the_feed(world: World, app_with: AppWith, poller: Poller) -> None:
    person = world.person()
    oldest = sid(person)
    world.with_app(app_with(max_sessions_per_account=1)).sign_in(person)
    poller.poll()
    assert poller.subjects() == [oldest]


def test_only_what_may_still_verify_is_in_the_feed_and_until_it_cannot(
    world: World, poller: Poller, time: FrozenClock
) -> None:
    early, late, all_late = (world.person() for _ in range(3))
    lifetime = world.app.settings.access_token_expire_minutes * 60 + world.app.settings.refresh_grace_seconds
    time.advance(seconds=lifetime + LEEWAY.total_seconds() - 1)
    refreshed = early.call("POST", "/auth/refresh", {"refresh_token": early.refresh_token}).get_json()
    world.caller(refreshed["access_token"]).call("POST", "/auth/logout")
    late_session = world.sql("SELECT id FROM sessions WHERE user_id = :id", id=late.id)[0].id
    with world.app.app_context():
        sessions.end(Session.id == late_session, reason=EndReason.REVOKED)
        transaction.commit()
    assert len(poller.poll()) == 2
    time.advance(seconds=1)
    with world.app.app_context():
        sessions.end_all(all_late.id, reason=EndReason.REVOKED)
        transaction.commit()
    assert poller.poll() == []  # its last access token expired long ago
    poller.cursor = ""
    assert [item["sid"] for item in poller.poll()] == [sid_of(refreshed)]
    time.advance(seconds=lifetime + LEEWAY.total_seconds())
    poller.cursor = ""
    assert poller.poll() == []
    with world.app.app_context():
        jobs.prune(Event())
    assert world.sql("SELECT * FROM revocations") == []


def sid_of(session: dict[str, Any]) -> str:
    return str(_claims(session)["sid"])


def _claims(session: dict[str, Any]) -> dict[str, Any]:
    return dict(jwt.decode(session["access_token"], options={"verify_signature": False}))


def test_an_account_signs_in_again_after_all_its_sessions_have_ended(
    world: World, poller: Poller, time: FrozenClock
) -> None:
    person = world.person()
    person.call("POST", "/auth/logout", {"everywhere": True})
    [item] = poller.poll()
    at = datetime.fromisoformat(item["at"]).timestamp()
    time.advance(seconds=30)
    again = world.sign_in(person)
    first, second = (_claims(session)["iat"] for session in (person.session, again.session))
    assert first <= at < second


def test_what_a_clock_ahead_has_issued_is_dead_too(world: World, poller: Poller, time: FrozenClock) -> None:
    person = world.person()
    time.advance(seconds=20)
    refreshed = person.call("POST", "/auth/refresh", {"refresh_token": person.refresh_token}).get_json()
    last = time.now()
    time.advance(seconds=-15)
    world.caller(refreshed["access_token"]).call("POST", "/auth/logout", {"everywhere": True})
    [row] = world.sql("SELECT revoked_at FROM revocations")
    assert row.revoked_at >= last


def test_a_session_and_its_row_end_in_one_statement(world: World) -> None:
    person = world.person()
    with statements(world.app) as sent:
        person.call("POST", "/auth/logout")
    assert sent == ["select", "with", "insert"]
    world.sign_in(person)
    with world.app.app_context():
        sessions.end_all(person.id, reason=EndReason.REVOKED)
        transaction.rollback()
    assert len(world.sql("SELECT * FROM revocations")) == 1


def test_the_cursor_goes_on_from_the_end_of_the_feed(world: World, poller: Poller) -> None:
    people = [world.person() for _ in range(5)]
    assert poller.poll() == []
    start = poller.cursor
    for person in people[:3]:
        person.call("POST", "/auth/logout")
    assert [len(poller.get(limit=limit, after=start).get_json()["items"]) for limit in (1, 2, 3, 100)] == [1, 2, 3, 3]
    assert len(poller.poll(limit=2)) == 3
    assert poller.poll() == []
    for person in people[3:]:
        person.call("POST", "/auth/logout")
    assert len(poller.poll(limit=1)) == 2


def test_a_poll_sends_three_statements(world: World, poller: Poller) -> None:
    world.person().call("POST", "/auth/logout")
    poller.poll()
    world.person().call("POST", "/auth/logout")
    with statements(world.app) as sent:
        assert len(poller.get(after=poller.cursor).get_json()["items"]) == 1
    assert sent == ["select"] * 3  # the key, the history, the rows


@pytest.mark.parametrize(
    "query",
    [
        {"after": "junk"}, {"after": ""}, {"after": "ä"}, {"after": "\x00"}, {"after": "A" * 5000},
        {"after": "cmV2MQAAAAAAAAAB"}, {"limit": 0}, {"limit": 101}, {"limit": "x"}, {"cursor": "x"},
    ],
)  # fmt: skip
def test_a_query_that_is_not_of_this_feed_is_a_422(poller: Poller, query: dict[str, Any]) -> None:
    assert poller.get(**query).status_code == 422


def test_a_cursor_has_one_spelling() -> None:
    position = Position(History(-5, 7), False, 2**60, 3)
    assert Position.decode(position.encode()) == position
    for text in (position.encode() + "A", position.encode()[:-4], position.encode().replace("c", "d", 1)):
        with pytest.raises(ValueError, match="not a position"):
            Position.decode(text)


@pytest.mark.parametrize("change", ["cluster", "timeline"])
def test_a_cursor_of_another_cluster_or_from_before_a_failover_starts_from_the_beginning(
    world: World, poller: Poller, change: str
) -> None:
    world.person().call("POST", "/auth/logout")
    assert len(poller.poll()) == 1
    position = Position.decode(poller.cursor)
    history = position.history._replace(**{change: 3})
    poller.cursor = position._replace(history=history, transaction=2**50).encode()
    assert len(poller.poll()) == 1
    assert poller.poll() == []


def test_rows_of_a_restored_backup_come_first_and_those_of_now_behind_them(world: World, poller: Poller) -> None:
    people = [world.person() for _ in range(6)]
    world.person().call("POST", "/auth/logout")
    restored = [str(person.id) for person in people[:3]]
    for number, user_id in enumerate(restored):
        world.sql(
            "INSERT INTO revocations (transaction_id, user_id, revoked_at, expires_at) "
            "VALUES (:xact, :user, now(), now() + interval '30 minutes')",
            xact=2**40 + number,
            user=user_id,
        )
    poller.poll(limit=2)
    assert poller.subjects()[:3] == restored
    assert len(poller.items) == 4
    for person in people[3:]:
        person.call("POST", "/auth/logout")
        assert len(poller.poll(limit=1)) == 1


def test_a_poller_misses_nothing_and_sees_nothing_twice_while_many_sessions_end_at_once(
    world: World, poller: Poller
) -> None:
    """One transaction that ended a session before all others commits after them."""
    people = [world.person() for _ in range(CLIENTS * 3 + 1)]
    others = people[1:]
    expected = [sid(person) for person in people]
    wrote, commit, stop = Event(), Event(), Event()

    def end_late() -> None:
        with world.app.app_context():
            sessions.end(Session.id == UUID(expected[0]), reason=EndReason.REVOKED)
            wrote.set()
            commit.wait(30)
            transaction.commit()

    def follow() -> None:
        poller.waits = False
        while not stop.is_set():
            poller.poll(limit=5)

    threads = [Thread(target=end_late), Thread(target=follow)]
    for thread in threads:
        thread.start()
    wrote.wait(30)

    def leave(mine: list[Person]) -> list[int]:
        return [person.call("POST", "/auth/logout").status_code for person in mine]

    answers = all_at_once([partial(leave, others[n::CLIENTS]) for n in range(CLIENTS)])
    assert {status for each in answers for status in each} == {204}
    assert poller.items == []  # the late one could still come before them
    commit.set()
    threads[0].join()
    stop.set()
    threads[1].join()
    poller.waits = True
    poller.poll()
    written = world.sql("SELECT session_id FROM revocations ORDER BY transaction_id, id")
    assert poller.subjects() == [str(row.session_id) for row in written]
    assert sorted(poller.subjects()) == sorted(expected)
    assert poller.subjects()[0] == expected[0]


def test_a_refresh_that_an_end_of_all_sessions_waits_for_is_dead_in_the_feed(world: World) -> None:
    """What it has issued is from after the end began."""
    person = world.person()
    refreshed, go_on = Event(), Event()

    def refresh_slowly() -> None:
        with world.app.app_context():
            transaction.execute(update(Session).values(last_used_at=Session.last_used_at))
            refreshed.set()
            go_on.wait(30)
            transaction.commit()

    slow = Thread(target=refresh_slowly)
    slow.start()
    refreshed.wait(30)
    leaving = Thread(target=lambda: person.call("POST", "/auth/logout", {"everywhere": True}))
    leaving.start()
    while world.sql(LOCK_WAITS)[0][0] == 0:
        pass
    [[issued]] = world.sql("SELECT clock_timestamp()")
    go_on.set()
    slow.join()
    leaving.join()
    [row] = world.sql("SELECT revoked_at FROM revocations")
    assert row.revoked_at > issued


@pytest.mark.parametrize(("everywhere", "rows"), [(True, 1), (False, MANY)])
def test_twenty_thousand_sessions_end_at_once_within_seconds(
    world: World, poller: Poller, everywhere: bool, rows: int
) -> None:
    person = world.person()
    world.sql(LOAD, user=person.id, number=MANY)
    began = perf_counter()
    if everywhere:
        assert person.call("POST", "/auth/logout", {"everywhere": True}).status_code == 204
    else:
        assert person.call("DELETE", "/auth/sessions").status_code == 204
    assert perf_counter() - began < 15  # on a busy machine
    assert world.sql("SELECT count(*) FROM revocations")[0][0] == rows
    [[live]] = world.sql("SELECT count(*) FROM sessions WHERE ended_at IS NULL")
    assert live == (0 if everywhere else 1)
    assert len(poller.get(limit=100).get_json()["items"]) == min(rows, 100)
