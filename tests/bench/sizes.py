"""Sizes: what the service takes where one account or organization owns very many of something."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median
from typing import Any

from authapp.db import transaction
from tests import bulk
from tests.bench.population import Population
from tests.bench.report import Figure
from tests.bench.servers import Postgres, gunicorn
from tests.factories import API, PASSWORD
from tests.live import ask
from tests.plans import plans

CHEAP = 4  # cost of bcrypt


@dataclass(frozen=True)
class Counts:
    """How many of each: members of one organization, sessions and organizations of one account, and so on."""

    members: int = 100_000
    sessions: int = 20_000
    organizations: int = 2_000
    others: int = 20_000  # invitations and API keys, of which nearly all are over
    events: int = 10_000_000
    times: int = 15  # that each list is read


def sizes(postgres: Postgres, counts: Counts, name: str = "sizes") -> list[Figure]:
    """Load all of it, and see how long lists, signing out everywhere and deleting the account take."""
    users, members = counts.members + 2, counts.members
    population = Population(postgres, name, users=users, organizations=2, biggest=members, bcrypt_rounds=CHEAP)
    [busy] = population.people([members + 1])
    bulk.load(
        postgres,
        population,
        sessions=counts.sessions,
        organizations=counts.organizations,
        others=counts.others,
        events=counts.events,
    )
    lists = _Lists(population, bulk.find(population), counts.times)
    figures = [*_audit_log(lists, counts.events), *_members(lists)]
    with gunicorn("wsgi:app", population.url, CHEAP, "/readyz") as service:
        seconds = _seconds(service.port, "POST", "/auth/logout", {"everywhere": True}, busy.access_token)
        figures.append(Figure(f"sign out of {counts.sessions:,} sessions, s", seconds, 1, 3))
        [busy] = population.people([members + 1])
        seconds = _seconds(service.port, "DELETE", "/auth/me", {"password": PASSWORD}, busy.access_token)
        figures.append(Figure(f"delete an account of {counts.organizations:,} organizations, s", seconds, 3, 9))
    return figures


@dataclass(frozen=True)
class _Lists:
    population: Population
    known: bulk.Known
    times: int

    def milliseconds(self, name: str) -> float:
        """What PostgreSQL takes to plan and run the statement of a list."""
        found = []
        for _ in range(self.times):
            with self.population.app.app_context(), plans(self.population.app) as explained:
                bulk.read(self.known, name)
                transaction.rollback()
            found.append(explained[-1].milliseconds)
        return median(found)


def _audit_log(lists: _Lists, events: int) -> list[Figure]:
    return [
        Figure(f"audit log ({events:,}), {name}, ms", lists.milliseconds(f"audit log, {name}"), 5, 15)
        for name in bulk.FILTERS
    ]


def _members(lists: _Lists) -> list[Figure]:
    first = lists.milliseconds("members")
    pages = [name for name in bulk.OF_ORGANIZATION if name.startswith("members, ")]
    return [Figure(f"{name}, ms × the first page", lists.milliseconds(name) / first, 1.3, 4) for name in pages]


def _seconds(port: int, method: str, path: str, body: dict[str, Any], token: str) -> float:
    started = time.perf_counter()
    status, answer = ask(port, method, API + path, body, token)
    assert status == 204, answer
    return time.perf_counter() - started
