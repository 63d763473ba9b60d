"""A database that fails over: connections that lead to the wrong server are replaced, and nothing is written twice."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import count
from threading import Event

from tests.factories import PASSWORD, AppWith, Person, World, all_at_once

CLIENTS = 8
TERMINATE = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'authapp'"
)


@contextmanager
def read_only(world: World) -> Iterator[None]:
    """New connections reach a standby, as it were."""
    [[database]] = world.sql("SELECT current_database()")
    world.sql(f"ALTER ROLE authapp IN DATABASE {database} SET default_transaction_read_only = on")
    try:
        yield
    finally:
        world.sql(f"ALTER ROLE authapp IN DATABASE {database} RESET default_transaction_read_only")


def write(person: Person) -> int:
    return person.call("PATCH", "/auth/me", {"first_name": str(time.monotonic_ns())}).status_code


def test_connections_to_a_server_that_was_read_only_are_replaced_at_once(world: World, app_with: AppWith) -> None:
    people = [world.person() for _ in range(CLIENTS)]
    behind = world.with_app(app_with())  # whose pools are empty
    for person in people:
        person.caller = behind.caller(person.caller.access_token)
    with read_only(world):
        refused = all_at_once([partial(write, person) for person in people])
    assert set(refused) == {503}
    assert [write(person) for person in people] == [200] * CLIENTS


def while_connections_are_lost(
    world: World, clients: list[Callable[[], None]], over: Event, times: int, acknowledged: list[str]
) -> None:
    """Run the clients in threads, end all connections to the database so many times, and then let the clients end.

    They go on until each of them has had an answer on average, however slow the machine is.
    """
    with ThreadPoolExecutor(len(clients)) as pool:
        running = [pool.submit(client) for client in clients]
        for _ in range(times):
            time.sleep(0.1)
            world.sql(TERMINATE)
        deadline = time.monotonic() + 20
        while len(acknowledged) <= CLIENTS and time.monotonic() < deadline:
            time.sleep(0.05)
        over.set()
        for one in running:
            one.result()


def test_what_is_acknowledged_while_connections_are_lost_is_there_exactly_once(world: World) -> None:
    people = [world.person() for _ in range(CLIENTS)]
    numbers, over = count(), Event()
    acknowledged: list[str] = []

    def create(person: Person) -> None:
        while not over.is_set():
            name = f"Organization {next(numbers)}"
            if person.call("POST", "/organizations", {"name": name}).status_code == 201:
                acknowledged.append(name)

    while_connections_are_lost(world, [partial(create, person) for person in people], over, 20, acknowledged)
    found = Counter(name for (name,) in world.sql("SELECT name FROM organizations"))
    assert len(acknowledged) > CLIENTS
    assert {found[name] for name in acknowledged} == {1}
    assert set(found.values()) == {1}  # what was not acknowledged may be there, but not twice


def test_sign_ins_while_connections_are_lost_leave_a_session_for_each_that_is_acknowledged(world: World) -> None:
    people, over = [world.person() for _ in range(CLIENTS)], Event()
    signed_in: list[str] = []

    def sign_in(person: Person) -> None:
        while not over.is_set():
            response = world.caller().call("POST", "/auth/login", {"email": person.email, "password": PASSWORD})
            if response.status_code == 200:
                signed_in.append(response.get_json()["access_token"])

    while_connections_are_lost(world, [partial(sign_in, person) for person in people], over, 10, signed_in)
    assert len(set(signed_in)) == len(signed_in) > CLIENTS
    statuses = [world.caller(token).call("GET", "/auth/me").status_code for token in signed_in[-20:]]
    assert set(statuses) == {200}
    assert {write(person) for person in people} == {200}
