"""What is measured: each operation of the service, and the baselines that it is compared with."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from tests.bench.clients import Script, always, request
from tests.bench.population import Person, Population
from tests.bench.servers import Server
from tests.factories import PASSWORD
from tests.live import ask

CONNECTIONS = 4  # enough to keep both workers busy
LOGOUTS = 300  # for one round
_registered = itertools.count()


@dataclass(frozen=True)
class Operation:
    """Requests of one kind.

    Attributes:
        name: as it stands in the table.
        server: which answers them.
        scripts: new ones for each round, one for each connection.
        reference: the operation that its processor time is a multiple of.
        target: that multiple, as it should be.
        bound: that multiple, beyond which `make bench-check` fails.
        statements: how many the service may send for each request.
        hashes: whether the multiple is of the processor time without that of the hash.
    """

    name: str
    server: Server
    scripts: Callable[[], Iterable[Script]]
    reference: str = "baseline"
    target: float | None = None
    bound: float | None = None
    statements: int | None = None
    hashes: bool = False


def operations(bare: Server, fast: Server, service: Server, population: Population) -> list[Operation]:
    """All of them, in the order of the table."""
    people = population.spread(CONNECTIONS)
    admin, *members = population.people(range(1, CONNECTIONS + 1))
    keys = f"/api/v1/organizations/{admin.organization_id}/api-keys"
    _, issued = ask(service.port, "POST", keys, {"name": "bench", "role": "viewer"}, admin.access_token)
    organization = f"/organizations/{admin.organization_id}"

    def each(script: Callable[[Person], Script]) -> Callable[[], list[Script]]:
        return lambda: [script(person) for person in people]

    def by_member(path: str) -> Callable[[], list[Script]]:
        return lambda: [always(request("GET", path, person.access_token)) for person in (admin, *members)]

    def me(person: Person) -> Script:
        return always(request("GET", "/auth/me", person.access_token))

    def logouts() -> Iterator[Script]:
        leaving = population.people(number % population.users + 1 for number in range(LOGOUTS))
        return (_logout(leaving[start::CONNECTIONS]) for start in range(CONNECTIONS))

    emails = itertools.cycle(f"user{number + 1}@example.com" for number in range(population.users))

    def by_key() -> list[Script]:
        return [always(request("GET", organization, issued["key"]))] * CONNECTIONS

    return [
        Operation("bare Flask", bare, lambda: [always(request("GET", "/hello"))] * CONNECTIONS),
        Operation("baseline", fast, each(me)),
        Operation("me", service, each(me), target=1.25, bound=1.6, statements=1),
        Operation("role-checked read", service, by_member(organization), "me", 1.3, 1.6, 1),
        Operation("API key read", service, by_key, "me", 1.0, 1.6, 1),
        Operation("page of 50 members", service, by_member(f"{organization}/members?limit=50"), "me", statements=2),
        Operation("refresh", service, lambda: map(_refresh, population.spread(CONNECTIONS)), "me", 2.2, 3.0, 1),
        Operation("login, hash cost 4", service, each(lambda _: _login(emails)), "me", 13.0, 18.0, 12, hashes=True),
        Operation("register, hash cost 4", service, each(_register), "me", 15.0, 20.0, 11, hashes=True),
        Operation("logout", service, logouts, "me", statements=3),
    ]


def _refresh(person: Person) -> Script:
    token = person.refresh_token
    while True:
        body = yield request("POST", "/auth/refresh", body={"refresh_token": token})
        token = json.loads(body)["refresh_token"]


def _login(emails: Iterator[str]) -> Script:
    """Sign in one account after the other: many sessions of one would end each other."""
    for email in emails:
        yield request("POST", "/auth/login", body={"email": email, "password": PASSWORD})


def _register(_: Person) -> Script:
    while True:
        body = {"email": f"new{next(_registered)}@example.com", "password": PASSWORD}
        yield request("POST", "/auth/register", body=body)


def _logout(people: list[Person]) -> Script:
    for person in people:
        yield request("POST", "/auth/logout", person.access_token)
