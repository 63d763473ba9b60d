"""The connection pool serves whoever has waited longest, and loses no connection on the way."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy.util.queue import Empty

from authapp.db.pool import FairQueue


def waiters(queue: FairQueue, pool: ThreadPoolExecutor, number: int, timeout: float = 10) -> list[Future[Any]]:
    """So many threads that wait, in this order."""
    waiting = []
    for length in range(1, number + 1):
        waiting.append(pool.submit(queue.get, True, timeout))
        while len(queue._waiting) < length:
            time.sleep(0.001)
    return waiting


def test_the_pool_gives_a_connection_to_the_request_that_has_waited_longest() -> None:
    queue = FairQueue(3)
    with ThreadPoolExecutor(3) as pool:
        waiting = waiters(queue, pool, 3)
        for number in range(3):
            queue.put(number, False)
            with pytest.raises(Empty):
                queue.get(False)
        assert [one.result() for one in waiting] == [0, 1, 2]


def test_a_connection_of_the_pool_is_not_given_to_a_request_that_has_stopped_waiting() -> None:
    queue = FairQueue(1)
    with ThreadPoolExecutor(1) as pool:
        [gave_up] = waiters(queue, pool, 1, timeout=0.01)
        with pytest.raises(Empty):
            gave_up.result()
    queue.put("connection", False)
    assert queue.get(False) == "connection"


def test_no_connection_is_lost_while_many_wait_and_give_up() -> None:
    queue = FairQueue(2)
    for number in range(2):
        queue.put(number, False)

    def borrow(_: int) -> int:
        try:
            connection = queue.get(True, 0.002)
        except Empty:
            return 0
        time.sleep(0.001)
        queue.put(connection, False)
        return 1

    with ThreadPoolExecutor(16) as pool:
        borrowed = sum(pool.map(borrow, range(2000)))
    assert 0 < borrowed < 2000  # some have given up
    assert sorted(queue.get(False) for _ in range(2)) == [0, 1]
