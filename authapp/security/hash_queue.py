"""The hash queue: bcrypt runs once at a time in each process, so that many sign-ins do not starve other requests."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, TypeVar, cast

from gevent import monkey

from authapp.core.errors import ServiceUnavailable
from authapp.core.metrics import HASH_QUEUE_DEPTH, HASH_QUEUE_WAIT

WAITING = 64  # requests in each process, some 15 seconds of them
LONGEST_WAIT = 20.0  # seconds
NICENESS = 5  # a quarter of a processor that others want as well

T = TypeVar("T")


class HashQueueFull(ServiceUnavailable):
    code = "hash_queue_full"
    detail = "Too many people are signing in at this very moment. Try again shortly."
    retry_after = 1


class HashQueue:
    """One hash at a time in this process, in a native thread of low priority; a limited number of requests wait.

    Args:
        client_is_connected: asked before a hash is computed. A request whose client has disconnected is not served.
        waiting: how many requests may wait.
        longest_wait: seconds.
    """

    def __init__(
        self,
        client_is_connected: Callable[[], bool],
        waiting: int = WAITING,
        longest_wait: float = LONGEST_WAIT,
    ) -> None:
        self._client_is_connected, self._longest_wait = client_is_connected, longest_wait
        self._slots = threading.BoundedSemaphore(1 + waiting)
        self._lock = threading.Lock()

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Take a slot of the queue. Take it before the first query, and hold no connection while hashing.

        Raises:
            HashQueueFull: at once, if too many are waiting.
        """
        if not self._slots.acquire(blocking=False):
            raise HashQueueFull
        HASH_QUEUE_DEPTH.inc()
        try:
            yield
        finally:
            HASH_QUEUE_DEPTH.dec()
            self._slots.release()

    def run(self, work: Callable[..., T], *args: Any) -> T:
        """Wait until no other request hashes, do the work and return its result.

        Raises:
            HashQueueFull: the wait was too long, or the client has disconnected meanwhile.
        """
        with HASH_QUEUE_WAIT.time():
            is_next = self._lock.acquire(timeout=self._longest_wait)
        if not is_next:
            raise HashQueueFull("the wait was too long")
        try:
            if not self._client_is_connected():
                raise HashQueueFull("the client has disconnected")
            return self._in_native_thread(work, *args)
        finally:
            self._lock.release()

    def _in_native_thread(self, work: Callable[..., T], *args: Any) -> T:
        """Hash outside of gevent's event loop. A thread that is native already hashes by itself."""
        if monkey.is_module_patched("threading"):
            return cast("T", self._native_thread.apply(_with_low_priority, (work, *args)))
        return work(*args)

    @cached_property
    def _native_thread(self) -> Any:
        from gevent.threadpool import ThreadPool  # noqa: PLC0415  needs an event loop, which a fork does not survive

        return ThreadPool(1)


def _with_low_priority(work: Callable[..., T], *args: Any) -> T:
    """Let the event loop go first on a busy processor. Linux has priorities for each thread."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
    return work(*args)
