"""Limits of attempts to sign in. They slow down whoever guesses, and lock nobody out for good.

An attempt is reserved before it is judged, and given back where it was right: so simultaneous guesses get not one try
more than a single client. Counters are rows, so they outlive a restart. There is one for each of these:

- an address and a network together, an address, a network: for sign-ins from a device that the account does not know;
- a known device, for sign-ins to its account: somebody else's guesses do not slow its owner down;
- the second factor of an account.
"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import delete

from authapp.core import clock
from authapp.core.errors import ApiError
from authapp.core.request_context import client_network
from authapp.db import transaction
from authapp.models import AttemptCounter
from authapp.web.application import current_app

FORGOTTEN_AFTER = timedelta(hours=24)  # without an attempt


class TooManyAttempts(ApiError):
    status = 429
    code = "too_many_attempts"
    detail = "Too many attempts have failed. Wait as long as Retry-After says, then try again."


class Budget(NamedTuple):
    """How many attempts may fail before each further one has to wait: 1 second, 2, 4 and so on."""

    free: int
    longest_wait: int  # seconds


PAIR = Budget(10, 900)
ADDRESS = Budget(30, 300)
NETWORK = Budget(200, 300)
DEVICE = Budget(10, 900)
SECOND_FACTOR = Budget(5, 900)


class Counter(NamedTuple):
    """What an attempt counts for."""

    key: bytes
    subject: bytes | None
    budget: Budget


# One statement, so that no lock is held longer than it takes. Rows are locked in one order, so that two requests never
# wait for each other. A counter that was made a moment ago is not among those locked: the condition on the conflict
# asks it as well.
_RESERVE = """
WITH wanted AS (
    SELECT * FROM unnest(%(keys)s::bytea[], %(subjects)s::bytea[], %(free)s::int[], %(longest)s::int[])
        AS w (key, subject, free, longest)
), locked AS (
    SELECT key, failures, next_at FROM attempt_counters WHERE key = ANY(%(keys)s) ORDER BY key FOR UPDATE
), waiting AS (
    SELECT max(next_at) AS until FROM locked JOIN wanted USING (key) WHERE failures >= free AND next_at > %(now)s
), counted AS (
    INSERT INTO attempt_counters AS c (key, subject, failures, next_at, updated_at)
    SELECT key, subject, 1, %(now)s, %(now)s FROM wanted WHERE (SELECT until FROM waiting) IS NULL ORDER BY key
    ON CONFLICT (key) DO UPDATE SET (failures, next_at, updated_at) = (
        SELECT n, %(now)s + make_interval(
            secs => CASE WHEN n < w.free THEN 0 ELSE least(w.longest, power(2, least(n - w.free, 20))) END
        ), %(now)s
        FROM wanted AS w, (
            SELECT CASE WHEN c.updated_at < %(now)s - %(forgotten)s THEN 1 ELSE c.failures + 1 END
        ) AS f (n)
        WHERE w.key = c.key
    )
    WHERE c.next_at <= %(now)s OR c.failures < (SELECT free FROM wanted AS w WHERE w.key = c.key)
    RETURNING c.key
)
SELECT (SELECT count(*) FROM counted), (SELECT until FROM waiting)
"""
_GIVE_BACK = """
WITH mine AS (
    SELECT key FROM attempt_counters WHERE key = ANY(%(keys)s) ORDER BY key FOR UPDATE
), given_back AS (
    UPDATE attempt_counters AS c SET failures = greatest(c.failures - 1, 0), next_at = least(c.next_at, %(now)s)
    FROM mine WHERE c.key = mine.key RETURNING c.key
)
SELECT count(*) FROM given_back
"""


def of_password(email: str, device_id: UUID | None) -> list[Counter]:
    """What a password that is given for an address counts for.

    Args:
        email: in its canonical form, whether an account has it or not.
        device_id: the device, if it is a known one of that account.
    """
    key = current_app.digests.throttle_key
    subject = key("subject", email)
    if device_id is not None:
        return [Counter(key("device", str(device_id)), subject, DEVICE)]
    network = client_network()
    return [
        Counter(key("pair", email, network), subject, PAIR),
        Counter(key("address", email), subject, ADDRESS),
        Counter(key("network", network), None, NETWORK),
    ]


def of_second_factor(user_id: UUID) -> list[Counter]:
    """What a code counts for, whichever factor it is of and whatever it is given for."""
    return [Counter(current_app.digests.throttle_key("second factor", str(user_id)), None, SECOND_FACTOR)]


def reserve(counters: list[Counter]) -> None:
    """Count an attempt before it is judged, whatever becomes of the request, whose transaction begins anew.

    Raises:
        TooManyAttempts: a counter asks to wait.
    """
    now = clock.now()
    parameters = {
        "keys": [counter.key for counter in counters],
        "subjects": [counter.subject for counter in counters],
        "free": [counter.budget.free for counter in counters],
        "longest": [counter.budget.longest_wait for counter in counters],
        "now": now,
        "forgotten": FORGOTTEN_AFTER,
    }
    with transaction.paused():
        counted, until = transaction.fetch_autocommit(_RESERVE, parameters) or (0, None)
    if counted < len(counters):
        raise TooManyAttempts(retry_after=math.ceil((until - now).total_seconds()) if until else 1)


def give_back(counters: list[Counter]) -> None:
    """Uncount an attempt that was right, or that was not judged, as `reserve` has counted it."""
    with transaction.paused():
        transaction.fetch_autocommit(_GIVE_BACK, _to_give_back(counters))


def uncount(counters: list[Counter]) -> None:
    """Uncount an attempt in the request's transaction, for one that has changed something there: both stay, or none."""
    transaction.fetch_one(_GIVE_BACK, _to_give_back(counters))


def _to_give_back(counters: list[Counter]) -> dict[str, Any]:
    return {"keys": [counter.key for counter in counters], "now": clock.now()}


def forget(email: str) -> None:
    """Forget the failed attempts for an address, because its owner has set a new password."""
    subject = current_app.digests.throttle_key("subject", email)
    transaction.execute(delete(AttemptCounter).where(AttemptCounter.subject == subject))
