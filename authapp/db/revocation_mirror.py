"""The mirror of the revocations in Redis, for services that ask on every request. authapp itself never reads it."""

from __future__ import annotations

from typing import NamedTuple

from authapp.db.counters import Redis

CURSOR = "authapp:revoked:cursor"
SECONDS_TO_ANSWER = 1.0

# All or nothing, and only where the cursor is the one that was read: else Redis was flushed meanwhile, or another
# worker was first. Of one account the later moment counts.
_PUBLISH = """if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
for i = 2, #KEYS do
  local at = ARGV[2 * i - 1]
  if tonumber(redis.call('GET', KEYS[i]) or 0) <= tonumber(at) then
    redis.call('SET', KEYS[i], at)
    redis.call('EXPIREAT', KEYS[i], ARGV[2 * i])
  end
end
redis.call('SET', KEYS[1], ARGV[2])
return 1"""


class Revoked(NamedTuple):
    """An entry of the mirror: its key, its value and when it expires, both in seconds since 1970."""

    key: str
    at: int
    expires_at: int


class Mirror:
    """Writes to the mirror.

    Args:
        redis_url: of the Redis.
    """

    def __init__(self, redis_url: str) -> None:
        self._redis = Redis(redis_url, SECONDS_TO_ANSWER)

    def cursor(self) -> bytes:
        """Up to where the feed is in the mirror, as it was written. Empty where nothing is.

        Raises:
            RedisError: Redis is away.
        """
        answer: bytes | None = self._redis.ask("GET", CURSOR)
        return answer or b""

    def publish(self, entries: list[Revoked], before: bytes, cursor: bytes) -> bool:
        """Write entries and the cursor behind them. Returns whether the cursor was still what it was before.

        Raises:
            RedisError: Redis is away, full or read-only. Nothing is written.
        """
        keys = [CURSOR, *(entry.key for entry in entries)]
        values = [value for entry in entries for value in (entry.at, entry.expires_at)]
        return bool(self._redis.ask("EVAL", _PUBLISH, len(keys), *keys, before, cursor, *values))
