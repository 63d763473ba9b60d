"""Growth: the same requests against a thousand users and against a million."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from contextlib import ExitStack
from statistics import median

import psycopg2

from tests.bench.clients import Script, always, request
from tests.bench.operations import CONNECTIONS, Operation
from tests.bench.population import Person, Population
from tests.bench.readings import of_operation
from tests.bench.servers import Postgres, Server, gunicorn
from tests.factories import PASSWORD

USERS, ORGANIZATIONS, BIGGEST = 1_000_000, 10_000, 10_000
SAMPLE = 400  # users who ask, from all over the table
SCANS = "SELECT relname, seq_scan FROM pg_stat_user_tables WHERE relname IN ('users', 'sessions', 'memberships')"


def growth(postgres: Postgres, small: Population, rounds: int, seconds: float) -> tuple[dict[str, float], list[str]]:
    """By what each operation gets dearer, server and PostgreSQL together, and the tables that were read whole."""
    large = Population(
        postgres, "large", users=USERS, organizations=ORGANIZATIONS, biggest=BIGGEST, bcrypt_rounds=small.bcrypt_rounds
    )
    scans = _scans(large)
    with ExitStack() as stack:
        few, many = (
            _operations(
                stack.enter_context(gunicorn("wsgi:app", population.url, population.bcrypt_rounds, "/readyz")),
                population,
            )
            for population in (small, large)
        )
        ratios: dict[str, list[float]] = {operation.name: [] for operation in few}
        for round_ in range(rounds + 1):
            for one, other in zip(few, many, strict=True):
                before = of_operation(one, postgres, seconds)
                after = of_operation(other, postgres, seconds)
                if round_:  # the first one warms up
                    ratios[one.name].append(after.all_ms / before.all_ms)
    # a connection hands its counts in when it ends
    whole = [table for table, times in _scans(large).items() if times > scans[table]]
    return {name: median(found) for name, found in ratios.items()}, whole


def _operations(server: Server, population: Population) -> list[Operation]:
    people = population.spread(SAMPLE)
    [member] = population.people([1])
    page = request("GET", f"/organizations/{member.organization_id}/members?limit=50", member.access_token)
    refresh_tokens = {person.email: person.refresh_token for person in people}

    def each(script: Callable[[list[Person]], Script]) -> Callable[[], list[Script]]:
        return lambda: [script(people[start::CONNECTIONS]) for start in range(CONNECTIONS)]

    return [
        Operation("me", server, each(_read)),
        Operation("login, hash cost 4", server, each(_sign_in)),
        Operation("refresh", server, each(lambda some: _refresh(some, refresh_tokens))),
        Operation("page of 50 members", server, each(lambda _: always(page))),
    ]


def _read(people: list[Person]) -> Script:
    for person in itertools.cycle(people):
        yield request("GET", "/auth/me", person.access_token)


def _sign_in(people: list[Person]) -> Script:
    for person in itertools.cycle(people):
        yield request("POST", "/auth/login", body={"email": person.email, "password": PASSWORD})


def _refresh(people: list[Person], tokens: dict[str, str]) -> Script:
    for person in itertools.cycle(people):
        body = yield request("POST", "/auth/refresh", body={"refresh_token": tokens[person.email]})
        tokens[person.email] = json.loads(body)["refresh_token"]


def _scans(population: Population) -> dict[str, int]:
    """How often each table was read whole so far."""
    connection = psycopg2.connect(population.url)
    with connection, connection.cursor() as cursor:
        cursor.execute(SCANS)
        found = dict(cursor.fetchall())
    connection.close()
    return found
