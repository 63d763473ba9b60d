"""A connection pool that serves whoever has waited longest."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from sqlalchemy.pool import ConnectionPoolEntry, QueuePool
from sqlalchemy.util.queue import Empty, Queue

from authapp.core.metrics import POOL_IN_USE, POOL_WAIT


class FairQueue(Queue[Any]):
    """SQLAlchemy's queue lets a request that comes just now take what another one waits for; under load some wait long.

    This one hands an item over to the request that has waited longest.

    Attributes:
        timer: makes the context in which a request waits.
    """

    timer: Callable[[], AbstractContextManager[object]] = nullcontext

    def __init__(self, maxsize: int = 0, use_lifo: bool = False) -> None:
        super().__init__(maxsize, use_lifo)
        self._waiting: deque[Future[Any]] = deque()

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """Hand the item over, or keep it where nobody waits."""
        with self.mutex:
            while self._waiting:
                waiter = self._waiting.popleft()
                if waiter.set_running_or_notify_cancel():
                    waiter.set_result(item)
                    return
            super().put(item, block, timeout)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Take an item, or wait for one.

        Raises:
            Empty: there is none, or none in this time (seconds).
        """
        with self.mutex:
            if not block or not self.empty():
                return super().get(block=False)
            waiter: Future[Any] = Future()
            self._waiting.append(waiter)
        try:
            with self.timer():
                return waiter.result(timeout)
        except TimeoutError:
            if waiter.cancel():
                raise Empty from None
            return waiter.result()  # handed over at the last moment
        except BaseException:  # the deadline of the request
            if not waiter.cancel():
                self.put(waiter.result())
            raise


class FairPool(QueuePool):
    """SQLAlchemy's pool with a fair queue. What it is used for is counted under its `logging_name`."""

    _queue_class = FairQueue
    _pool: FairQueue

    def __init__(self, creator: Any, **options: Any) -> None:
        super().__init__(creator, **options)
        name = self.logging_name
        self._in_use, self._pool.timer = POOL_IN_USE.labels(name), POOL_WAIT.labels(name).time

    def _do_get(self) -> ConnectionPoolEntry:
        record = super()._do_get()
        self._in_use.set(self.checkedout())
        return record

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        super()._do_return_conn(record)
        self._in_use.set(self.checkedout())
