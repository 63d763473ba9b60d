"""What other services have to know of access tokens that are dead before they expire.

It is written by the statement that ends the session, so there is never one without the other. Where all sessions of an
account end, it is one row however many there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Row,
    Select,
    Text,
    Update,
    cast,
    delete,
    func,
    insert,
    literal,
    select,
    text,
    tuple_,
    type_coerce,
)

from authapp.core import clock
from authapp.core.positions import History, Position
from authapp.db import transaction
from authapp.models import Revocation, Session
from authapp.models.columns import timestamp
from authapp.security.tokens import LEEWAY
from authapp.web.application import current_app

PRUNED_AT_ONCE = 1000

# A failover or a recovery to an earlier moment begins another timeline, and may give ids of transactions a second time.
_HISTORY = text(
    "SELECT system_identifier, ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint "
    "FROM pg_control_system()"
)


def _as_number(xid: ColumnElement[Any]) -> ColumnElement[int]:
    return cast(cast(xid, Text), BigInteger)


_SNAPSHOT = func.pg_current_snapshot()
_IS_SETTLED = Revocation.transaction_id < _as_number(func.pg_snapshot_xmin(_SNAPSHOT))
# No transaction of this cluster that is visible has such an id: the row comes from the backup of another one.
_IS_RESTORED = Revocation.transaction_id >= _as_number(func.pg_snapshot_xmax(_SNAPSHOT))


class Entry(NamedTuple):
    """A row of the feed: where it is, and whether no row can come before it any more."""

    position: Position
    is_settled: bool
    row: Row[*tuple[Any, ...]]


def end(ending: Update, now: datetime, *, whole_accounts: bool = False) -> Sequence[Row[*tuple[Any, ...]]]:
    """End sessions with this statement, and write what other services have to know of it. Returns `id`, `end_reason`.

    Args:
        ending: an UPDATE of sessions that ends live ones, or such as have expired.
        now: when they end.
        whole_accounts: these are all sessions of their accounts.
    """
    columns = (Session.id, Session.user_id, Session.last_used_at, Session.expires_at, Session.end_reason)
    ended = ending.returning(*columns).cte("ended")
    found = _accounts(ended.c, now) if whole_accounts else _sessions(ended.c, now)
    written = insert(Revocation).from_select(list(found.selected_columns.keys()), found).cte("written")
    return transaction.execute(select(ended.c.id, ended.c.end_reason).add_cte(written)).all()


def end_workload(identity_id: UUID, now: datetime) -> None:
    """Write that all tokens of a trusted identity, which is deleted by now, are dead."""
    revoked_at = func.greatest(literal(now, timestamp()), func.clock_timestamp(), type_=timestamp())
    expires_at = revoked_at + _lifetime() + LEEWAY
    values = {"transaction_id": _transaction_id(), "revoked_at": revoked_at, "expires_at": expires_at}
    transaction.execute(insert(Revocation).values(user_id=identity_id, **values))


def _sessions(ended: Any, now: datetime) -> Select[*tuple[Any, ...]]:
    """A row for each session whose access tokens may still verify."""
    last_expires_at = _last_expires_at(ended)
    return select(
        _transaction_id(),
        ended.id.label("session_id"),
        literal(now, timestamp()).label("revoked_at"),
        last_expires_at.label("expires_at"),
    ).where(last_expires_at > now)


def _accounts(ended: Any, now: datetime) -> Select[*tuple[Any, ...]]:
    """A row for each account, if one of its access tokens may still verify.

    It is about all tokens issued until `revoked_at`. So this is no moment before the refreshes for which the statement
    has waited, nor before one on a host whose clock is ahead.
    """
    ends = (literal(now, timestamp()), func.clock_timestamp(), func.max(ended.last_used_at))
    revoked_at = func.greatest(*ends, type_=timestamp())
    return (
        select(
            _transaction_id(),
            ended.user_id,
            revoked_at.label("revoked_at"),
            (revoked_at + _lifetime() + LEEWAY).label("expires_at"),
        )
        .group_by(ended.user_id)
        .having(func.max(_last_expires_at(ended)) > now)
    )


def _transaction_id() -> ColumnElement[int]:
    return _as_number(func.pg_current_xact_id()).label("transaction_id")


def _last_expires_at(ended: Any) -> ColumnElement[datetime]:
    """When no service accepts an access token of a session any more, also one that was issued to a retry."""
    grace = timedelta(seconds=current_app.settings.refresh_grace_seconds)
    last = func.least(ended.last_used_at + grace + _lifetime(), ended.expires_at, type_=timestamp())
    return type_coerce(last + LEEWAY, timestamp())


def _lifetime() -> timedelta:
    return timedelta(minutes=current_app.settings.access_token_expire_minutes)


def page(after: Position | None, limit: int) -> dict[str, Any]:
    """What has ended, in the order of the transactions that have written it, and where to go on.

    A row is shown once no transaction is under way that could write one before it, so that nobody misses one.
    """
    start = position_in_history(after)
    entries = entries_after(start, limit, settled=True)
    return {
        "items": [_shown(entry.row) for entry in entries],
        "next_cursor": entries[-1].position if entries else start,
    }


def position_in_history(known: Position | None) -> Position:
    """The position where a reader goes on: its own or, after a restore or a failover, the start."""
    history = History._make(transaction.execute(_HISTORY).one())
    return known if known and known.history == history else Position(history)


def entries_after(position: Position, limit: int, *, settled: bool = False) -> list[Entry]:
    """The rows behind a position that have not expired, in order.

    Args:
        position: of the present history.
        limit: how many rows at most.
        settled: only such as no row can come before any more.
    """
    found = _read(position, limit) if position.restored else []
    if len(found) < limit:
        behind = Position(position.history, restored=False) if position.restored else position
        found += _read(behind, limit - len(found), *([_IS_SETTLED] if settled else []))
    return found


def _read(position: Position, limit: int, *which: ColumnElement[bool]) -> list[Entry]:
    key = tuple_(Revocation.transaction_id, Revocation.id)
    settled = literal(True) if position.restored else _IS_SETTLED
    statement = (
        select(Revocation.__table__, settled.label("is_settled"))
        .where(key > tuple_(position.transaction, position.id), Revocation.expires_at > clock.now())
        .where(_IS_RESTORED if position.restored else ~_IS_RESTORED, *which)
        .order_by(Revocation.transaction_id, Revocation.id)
        .limit(limit)
    )
    return [
        Entry(position._replace(transaction=row.transaction_id, id=row.id), row.is_settled, row)
        for row in transaction.execute(statement)
    ]


def _shown(row: Any) -> dict[str, Any]:
    subject = {"sid": row.session_id} if row.session_id else {"sub": row.user_id}
    return {**subject, "at": row.revoked_at, "until": row.expires_at}


def prune() -> int:
    """Remove some rows that have expired, the oldest first. Returns how many."""
    expired = (
        select(Revocation.id)
        .where(Revocation.expires_at <= clock.now())
        .order_by(Revocation.expires_at)
        .limit(PRUNED_AT_ONCE)
        .with_for_update(skip_locked=True)
        .cte()
    )
    return transaction.execute(delete(Revocation).where(Revocation.id.in_(select(expired.c.id)))).rowcount
