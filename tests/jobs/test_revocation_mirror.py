"""The mirror in Redis: complete within a second, whatever happens to Redis, which no guard of ours asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any
from uuid import UUID

import pytest
from redis import Redis, RedisError

from authapp.core.enums import EndReason
from authapp.core.positions import Position
from authapp.db import transaction
from authapp.db.revocation_mirror import CURSOR, Mirror, Revoked
from authapp.jobs import revocations
from authapp.jobs.registry import JOBS
from authapp.jobs.runner import repeat
from authapp.models import Session
from authapp.services import sessions
from tests.factories import AppWith, Person, World, all_at_once
from tests.redis_server import RedisServer, redis_server

[JOB] = [job for job in JOBS if job.name == "revocations-mirror"]


@pytest.fixture(scope="module")
def shared_server() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture
def server(shared_server: RedisServer) -> RedisServer:
    """An empty Redis."""
    with client(shared_server) as redis:
        redis.flushall()
    return shared_server


def client(server: RedisServer) -> Any:
    return Redis.from_url(server.url, decode_responses=True)


class Mirrored:
    """An application with a mirror, and the mirror."""

    def __init__(self, world: World, server: RedisServer) -> None:
        self.world, self.server = world, server

    def run(self) -> None:
        """Run the job once."""
        with self.world.app.app_context():
            try:
                revocations.mirror(Event())
            finally:
                transaction.rollback()

    def revoked(self) -> set[str]:
        with client(self.server) as redis:
            return set(redis.keys("authapp:revoked:s*"))

    def configure(self, *command: str) -> None:
        with client(self.server) as redis:
            redis.execute_command(*command)


@pytest.fixture
def mirrored(world: World, app_with: AppWith, server: RedisServer) -> Mirrored:
    return Mirrored(world.with_app(app_with(redis_url=server.url)), server)


def key_of(world: World, person: Person) -> str:
    [row] = world.sql("SELECT id FROM sessions WHERE user_id = :id", id=person.id)
    return f"authapp:revoked:sid:{row.id}"


def leave(world: World) -> str:
    """Somebody signs out. The key of the session."""
    person = world.person()
    assert person.call("POST", "/auth/logout").status_code == 204
    assert person.call("GET", "/auth/me").status_code == 401
    return key_of(world, person)


def test_sessions_and_accounts_are_keys_that_expire_with_their_last_token(world: World, mirrored: Mirrored) -> None:
    first, person = leave(world), world.person()
    person.call("POST", "/auth/logout", {"everywhere": True})
    account = f"authapp:revoked:sub:{person.id}"
    mirrored.run()
    assert mirrored.revoked() == {first, account}
    rows = world.sql("SELECT session_id, revoked_at, expires_at FROM revocations")
    with client(mirrored.server) as redis:
        for row in rows:
            key = first if row.session_id else account
            assert int(redis.get(key)) == int(row.revoked_at.timestamp())
            left = row.expires_at.timestamp() - row.revoked_at.timestamp()
            assert left - 20 < redis.ttl(key) <= left + 2  # Redis rounds


def test_of_an_account_the_later_moment_counts(mirrored: Mirrored) -> None:
    target, far = Mirror(mirrored.server.url), 2**31
    assert target.publish([Revoked("authapp:revoked:sub:x", 200, far)], b"", b"one")
    assert target.publish([Revoked("authapp:revoked:sub:x", 100, far - 5)], b"one", b"two")
    with client(mirrored.server) as redis:
        assert redis.get("authapp:revoked:sub:x") == "200"


def test_a_session_is_in_the_mirror_within_a_second_of_its_end(world: World, mirrored: Mirrored) -> None:
    assert JOB.interval <= 1
    stopped = Event()
    worker = Thread(target=repeat, args=(JOB, stopped, mirrored.world.app))
    worker.start()
    person = world.person()
    key = key_of(world, person)
    person.call("POST", "/auth/logout")
    began = monotonic()
    while key not in mirrored.revoked():
        assert monotonic() - began < 5  # a second, on a machine that is not busy
        sleep(0.02)
    stopped.set()
    worker.join()


def test_a_mirror_that_was_emptied_is_filled_again(world: World, mirrored: Mirrored) -> None:
    keys = {leave(world)}
    mirrored.run()
    mirrored.configure("FLUSHALL")
    mirrored.run()
    assert mirrored.revoked() == keys


def test_a_mirror_that_is_emptied_while_it_is_written_gets_no_cursor(world: World, mirrored: Mirrored) -> None:
    leave(world)
    target = Mirror(mirrored.server.url)
    mirrored.run()
    while not (before := target.cursor()):  # the transaction of another test holds the feed back
        mirrored.run()
    mirrored.configure("FLUSHALL")
    assert not target.publish([Revoked("authapp:revoked:sid:x", 1, 2**31)], before, b"later")
    assert (target.cursor(), mirrored.revoked()) == (b"", set())


def test_a_cursor_of_another_cluster_or_none_of_ours_fills_the_mirror_again(world: World, mirrored: Mirrored) -> None:
    keys = {leave(world)}
    mirrored.run()
    known = Position.decode(Mirror(mirrored.server.url).cursor().decode())
    foreign = known._replace(history=known.history._replace(cluster=1), transaction=2**50)
    for cursor in (foreign.encode(), "junk", "ä"):
        mirrored.configure("FLUSHALL")
        mirrored.configure("SET", CURSOR, cursor)
        mirrored.run()
        assert mirrored.revoked() == keys


def test_several_workers_at_once_fill_it_as_one_does(
    world: World, mirrored: Mirrored, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revocations, "AT_ONCE", 3)
    keys = {leave(world) for _ in range(10)}
    all_at_once([mirrored.run] * 4)
    mirrored.run()
    assert mirrored.revoked() == keys


def test_an_open_transaction_keeps_nothing_out_of_the_mirror_and_is_in_it_once_it_commits(
    world: World, mirrored: Mirrored
) -> None:
    late_key = key_of(world, mirrored.world.person())
    with world.app.app_context():  # a request of the same application would be in the same transaction
        sessions.end(Session.id == UUID(late_key[-36:]), reason=EndReason.REVOKED)
        keys = {leave(mirrored.world) for _ in range(2)}
        mirrored.run()
        assert mirrored.revoked() == keys
        transaction.commit()
    mirrored.run()
    assert mirrored.revoked() == keys | {late_key}


FAULTS: dict[str, tuple[Callable[[Mirrored], None], Callable[[Mirrored], None]]] = {
    "killed": (lambda it: it.server.kill(), lambda it: it.server.start()),
    "paused": (lambda it: it.server.hang(), lambda it: it.server.go_on()),
    "full": (
        lambda it: it.configure("CONFIG", "SET", "maxmemory", "1"),
        lambda it: it.configure("CONFIG", "SET", "maxmemory", "0"),
    ),
    "read-only": (
        lambda it: it.configure("REPLICAOF", "127.0.0.1", "1"),
        lambda it: it.configure("REPLICAOF", "NO", "ONE"),
    ),
    "without replicas": (
        lambda it: it.configure("CONFIG", "SET", "min-replicas-to-write", "1"),
        lambda it: it.configure("CONFIG", "SET", "min-replicas-to-write", "0"),
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_while_redis_cannot_be_written_the_service_goes_on_and_then_the_mirror_is_complete(
    mirrored: Mirrored, fault: str
) -> None:
    first = leave(mirrored.world)
    mirrored.run()
    begin, end = FAULTS[fault]
    begin(mirrored)
    try:
        keys = {leave(mirrored.world) for _ in range(2)}
        began = monotonic()
        with pytest.raises(RedisError):
            mirrored.run()
        assert monotonic() - began < 4
        if fault not in ("killed", "paused"):
            assert mirrored.revoked() == {first}  # and none of it is half written
    finally:
        end(mirrored)
    mirrored.run()
    assert mirrored.revoked() == keys | {first}


def test_a_worker_reports_a_redis_that_is_away_without_a_traceback_and_goes_on(
    world: World, mirrored: Mirrored, server: RedisServer, capfd: pytest.CaptureFixture[str]
) -> None:
    key = leave(world)
    server.kill()
    stopped = Event()
    worker = Thread(target=repeat, args=(JOB, stopped, mirrored.world.app))
    worker.start()
    error = "SELECT error FROM jobs WHERE name = 'revocations-mirror'"
    while not (rows := world.sql(error)) or rows[0].error is None:
        sleep(0.02)
    server.start()
    while key not in mirrored.revoked():
        sleep(0.02)
    stopped.set()
    worker.join()
    assert rows[0].error.startswith("ConnectionError: ")
    assert "Traceback" not in capfd.readouterr().out


def test_without_a_redis_the_job_does_nothing(world: World) -> None:
    leave(world)
    with world.app.app_context():
        revocations.mirror(Event())
    assert world.app.settings.redis_url is None
