"""What is removed once it has ended, and when. A test asks of every table that it is here, or why it is not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, any_, delete, func, select, update
from sqlalchemy.orm import InstrumentedAttribute

from authapp.core import clock
from authapp.core.enums import EndReason
from authapp.db import transaction
from authapp.models import (
    ApiKey,
    AttemptCounter,
    Invitation,
    KnownDevice,
    MfaChallenge,
    OneTimeToken,
    OutboxMessage,
    PasskeyChallenge,
    Session,
    SsoCode,
    SsoState,
    UsedJobToken,
    Webhook,
    WebhookDelivery,
)
from authapp.services import throttle
from authapp.web.application import current_app

BATCH = 1_000  # rows of a transaction
AT_ONCE = timedelta(minutes=1)  # the clocks of other processes may be late
IN_LISTS = timedelta(days=90)  # what an admin may look for; the audit log has it longer


class Rule(NamedTuple):
    """Rows are removed when so much time has passed since a moment of theirs. An index begins with its column."""

    column: InstrumentedAttribute[Any]
    age: timedelta | str  # or the setting with the number of days


RULES = (
    Rule(SsoCode.expires_at, AT_ONCE),
    Rule(SsoState.expires_at, AT_ONCE),
    Rule(PasskeyChallenge.expires_at, AT_ONCE),
    Rule(MfaChallenge.expires_at, AT_ONCE),
    Rule(OneTimeToken.expires_at, AT_ONCE),
    Rule(KnownDevice.expires_at, AT_ONCE),
    Rule(UsedJobToken.expires_at, AT_ONCE),
    Rule(AttemptCounter.updated_at, throttle.FORGOTTEN_AFTER),
    Rule(Session.ended_at, "session_retention_days"),
    Rule(OutboxMessage.sent_at, "outbox_retention_days"),
    Rule(OutboxMessage.dead_at, "outbox_retention_days"),
    Rule(WebhookDelivery.finished_at, "outbox_retention_days"),
    Rule(Webhook.deleted_at, "outbox_retention_days"),
    # last: tables that somebody has added may refer to these
    Rule(Invitation.expires_at, IN_LISTS),
    Rule(ApiKey.revoked_at, IN_LISTS),
    Rule(ApiKey.expires_at, IN_LISTS),
)


class Step(NamedTuple):
    """One kind of work.

    Attributes:
        name: the table, or what is done.
        run: works on a batch in the transaction, and returns how many rows that were. Fewer than `BATCH`: it was the
            last one.
        due: how many rows are to be worked on.
    """

    name: str
    run: Callable[[], int]
    due: Callable[[], int]


def steps() -> list[Step]:
    """All the work, in its order."""
    ending = Step("ended", _end_expired, lambda: _count(Session.expires_at, clock.now() - AT_ONCE, _unended()))
    return [ending, *map(_step, RULES)]


def _step(rule: Rule) -> Step:
    days = rule.age if isinstance(rule.age, timedelta) else timedelta(days=getattr(current_app.settings, rule.age))
    return Step(
        rule.column.class_.__tablename__,
        lambda: _remove(rule.column, clock.now() - days),
        lambda: _count(rule.column, clock.now() - days),
    )


def _remove(column: InstrumentedAttribute[Any], before: datetime) -> int:
    """Remove a batch of rows, the oldest first."""
    table = column.class_.__table__
    [key] = table.primary_key.columns
    return _number_of(delete(table).where(_is_in_batch(key, column, before)).returning(key))


def _end_expired() -> int:
    """Mark a batch of sessions that have expired as ended, so that the indexes of live ones have live ones alone."""
    ended = (
        update(Session)
        .where(_is_in_batch(Session.id, Session.expires_at, clock.now() - AT_ONCE, _unended()))
        .values(ended_at=Session.expires_at, end_reason=EndReason.EXPIRED)
    )
    return _number_of(ended.returning(Session.id))


def _is_in_batch(
    key: Any, column: InstrumentedAttribute[Any], before: datetime, *which: ColumnElement[bool]
) -> ColumnElement[bool]:
    """The condition that a row is of the next batch, which is locked. What another worker has locked is left to it.

    As an array, which PostgreSQL looks up in the primary key: it might read the whole table for a sub-select.
    """
    oldest: Select[Any] = select(key).where(column <= before, *which).order_by(column).limit(BATCH)
    ids = func.array(oldest.with_for_update(skip_locked=True).scalar_subquery())
    return key == any_(ids)  # type: ignore[no-any-return]


def _unended() -> ColumnElement[bool]:
    return Session.ended_at.is_(None)


def _count(column: InstrumentedAttribute[Any], before: datetime, *which: ColumnElement[bool]) -> int:
    return int(transaction.scalar(select(func.count()).where(column <= before, *which)))


def _number_of(statement: Any) -> int:
    return len(transaction.execute(statement).all())
