"""Counters of requests: in Redis for all processes, or in the memory of this one."""

from __future__ import annotations

import time
from collections import deque
from threading import Lock
from typing import Any

import structlog
from redis import ConnectionPool, RedisError
from redis.backoff import NoBackoff
from redis.connection import AbstractConnection
from redis.exceptions import ConnectionError as BrokenConnection
from redis.retry import Retry

SECONDS_TO_ANSWER = 0.1
SECONDS_BETWEEN_TRIES = 3.0
MOST_KEYS = 100_000
MOST_IDLE_CONNECTIONS = 8
_ADD = """local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return count"""

log = structlog.get_logger("authapp")


class LocalCounters:
    """Counters of this process. Those of an earlier window are dropped."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._windows: dict[str, tuple[int, dict[str, int]]] = {}

    def add(self, name: str, key: str, window: int) -> int:
        """Count one more, and give the count."""
        with self._lock:
            current, counts = self._windows.get(name, (None, {}))
            if current != window:
                counts = {}
                self._windows[name] = window, counts
            if key not in counts and len(counts) >= MOST_KEYS:
                del counts[next(iter(counts))]  # the oldest: memory has a limit whatever addresses an attacker has
            counts[key] = counts.get(key, 0) + 1
            return counts[key]


class Redis:
    """Asks Redis with redis-py's connections. Its client and pool take another 0.05 ms of CPU for each command.

    Args:
        url: of `REDIS_URL`.
        seconds_to_answer: how long to wait for a connection, and for each answer.
    """

    def __init__(self, url: str, seconds_to_answer: float) -> None:
        self._pool = ConnectionPool.from_url(
            url,
            protocol=2,
            socket_connect_timeout=seconds_to_answer,
            socket_timeout=seconds_to_answer,
            retry=Retry(NoBackoff(), 0),  # the default tries again for seconds
        )
        self._idle: deque[AbstractConnection] = deque(maxlen=MOST_IDLE_CONNECTIONS)  # one that drops out is closed

    def ask(self, *command: bytes | str | int) -> Any:
        """The answer to a command.

        Raises:
            RedisError: there is none, or it is an error.
        """
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._pool.connection_class(**self._pool.connection_kwargs)
        try:
            answer = _exchange(connection, command)
        except BrokenConnection:  # Redis closes what was idle for long, or was started again
            answer = _exchange(connection, command)
        self._idle.append(connection)
        return answer


def _exchange(connection: AbstractConnection, command: tuple[bytes | str | int, ...]) -> Any:
    connection.send_command(*command, check_health=False)  # type: ignore[no-untyped-call]  # connects first
    return connection.read_response()


class Counters:
    """Counters in Redis where there is one. While it is away, this process counts for itself.

    A request waits for a Redis that is known to be away once in SECONDS_BETWEEN_TRIES, and no request waits longer
    than SECONDS_TO_ANSWER for connecting, and again for each answer.

    Args:
        redis_url: None where each process counts for itself.
    """

    def __init__(self, redis_url: str | None) -> None:
        self._local = LocalCounters()
        self._redis = Redis(redis_url, SECONDS_TO_ANSWER) if redis_url else None
        self._is_away = False
        self._next_try = 0.0

    def add(self, name: str, key: str, window: int, seconds: int) -> int:
        """Count one more, and give the count.

        Args:
            name: of what is counted.
            key: of whom.
            window: the number of the time window. The count begins anew in the next one.
            seconds: how long a window lasts.
        """
        count = self._ask("EVAL", _ADD, 1, f"authapp:limits:{name}/{key}/{window}", seconds)
        return self._local.add(name, key, window) if count is None else int(count)

    def redis_status(self) -> str | None:
        """`up` or `away`, None where no Redis is configured."""
        if self._redis is None:
            return None
        return "up" if self._ask("PING") else "away"

    def _ask(self, *command: str | int) -> Any:
        """The answer of Redis, None while it is away."""
        if self._redis is None or self._must_wait():
            return None
        try:
            answer = self._redis.ask(*command)
        except RedisError as error:
            self._next_try = time.monotonic() + SECONDS_BETWEEN_TRIES
            if not self._is_away:
                self._is_away = True
                log.warning("redis.away", error=str(error))
            return None
        if self._is_away:
            self._is_away = False
            log.info("redis.back")
        return answer

    def _must_wait(self) -> bool:
        """Whether Redis is away and was tried a moment ago. Whoever gets False tries, and the next ones wait."""
        if not self._is_away:
            return False
        now = time.monotonic()
        if now < self._next_try:
            return True
        self._next_try = now + SECONDS_BETWEEN_TRIES
        return False
