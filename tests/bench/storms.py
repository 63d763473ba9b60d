"""Storms: what readers notice while everybody signs in at once."""

from __future__ import annotations

import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context

from tests.bench.clients import Outcome, always, closed_loop, open_loop, request
from tests.bench.population import Population
from tests.bench.readings import hashes_per_second
from tests.bench.servers import Server
from tests.factories import PASSWORD
from tests.live import slow_clients

READS_PER_SECOND = 60
SECONDS = 10.0
HASHING_SECONDS = 3.0
MANY = 16  # clients, so that no worker has none
SLOW, SLOW_SECONDS = 150, 4.0


@dataclass(frozen=True)
class Storm:
    """What some clients that sign in as fast as they are let, and one reader beside them, saw.

    Attributes:
        clients: how many sign in, each again as soon as it was answered.
        read_p50_ms: of `GET /auth/me` at an even rate, from when each was due.
        reads_failed: how many of those had another answer than 200.
        sign_ins_per_second: how many were let in.
        share_of_bcrypt: the same as a share of what bcrypt alone did on all cores a moment before.
        refused: how many sign-ins had which other status.
        longest_sign_in: seconds.
    """

    clients: int
    read_p50_ms: float
    read_p99_ms: float
    reads_failed: int
    sign_ins_per_second: float = 0.0
    share_of_bcrypt: float = 0.0
    refused: dict[int, int] = field(default_factory=dict)
    longest_sign_in: float = 0.0


def storm(server: Server, population: Population, clients: int) -> Storm:
    """Let so many clients sign in, and read beside them."""
    [reader] = population.people([population.users])
    sent = request("GET", "/auth/me", reader.access_token)
    bcrypt_alone = hashes_per_second(population.bcrypt_rounds, HASHING_SECONDS)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        signing_in = pool.submit(hammer, server.port, clients, SECONDS + 2)
        time.sleep(1)
        reads = pool.submit(open_loop, server.port, sent, READS_PER_SECOND, SECONDS).result()
        signed = signing_in.result()
    return Storm(
        clients=clients,
        read_p50_ms=reads.quantile(0.5),
        read_p99_ms=reads.quantile(0.99),
        reads_failed=reads.statuses.total() - reads.statuses[200],
        sign_ins_per_second=signed.statuses[200] / signed.seconds,
        share_of_bcrypt=signed.statuses[200] / signed.seconds / bcrypt_alone,
        refused={status: number for status, number in signed.statuses.items() if status != 200},
        longest_sign_in=max(signed.latencies, default=0.0),
    )


def sign_ins(server: Server, population: Population) -> float:
    """Sign-ins a second with nothing beside them, as a share of what bcrypt alone does on all cores."""
    before = hashes_per_second(population.bcrypt_rounds, HASHING_SECONDS)
    signed = hammer(server.port, MANY, SECONDS)
    after = hashes_per_second(population.bcrypt_rounds, HASHING_SECONDS)
    return signed.statuses[200] / signed.seconds / ((before + after) / 2)


def beside_slow_clients(server: Server, population: Population, kind: str) -> Outcome:
    """Read while many clients of a kind are slow to send their requests or to take their answers."""
    [reader] = population.people([population.users])
    sent = request("GET", "/auth/me", reader.access_token)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool, slow_clients(server.port, kind, SLOW):
        return pool.submit(open_loop, server.port, sent, READS_PER_SECOND, SLOW_SECONDS).result()


def hammer(port: int, clients: int, seconds: float) -> Outcome:
    """Sign in again and again, each client with an account of its own, and never wait as asked."""
    if not clients:
        return Outcome(seconds=seconds)
    bodies = ({"email": f"user{number + 1}@example.com", "password": PASSWORD} for number in range(clients))
    return closed_loop(port, [always(request("POST", "/auth/login", body=body)) for body in bodies], seconds)
