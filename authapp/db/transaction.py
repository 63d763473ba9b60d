"""One request, one transaction. No other module commits or rolls back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any, cast

from flask import Response, g
from psycopg2.extensions import TRANSACTION_STATUS_INERROR
from sqlalchemy import ClauseElement, Connection, CursorResult, Executable
from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2
from sqlalchemy.exc import DBAPIError

from authapp.core.errors import ApiError, ServiceUnavailable
from authapp.core.logging import log_context
from authapp.db.engine import TIMEOUTS, autocommit_engine, db
from authapp.db.errors import is_transient

ATTEMPTS = 3


class Stale(ServiceUnavailable):
    """What this request read was changed before it could write. It is run again, from the start."""


def run(work: Callable[[], Response]) -> Response:
    """Run the work and end its transaction.

    A response below 400 commits. An error rolls back, unless it `keeps_writes`. A deadlock, a serialization failure, a
    broken connection or a `Stale` read rolls back and runs the work again, three times at most. A commit is never tried
    twice: nobody knows whether the first one arrived.
    """
    for attempt in count(1):
        g.after_transaction_end = []
        g.pop("actor", None)  # the guard looks the caller up again, and sets the tenant context again
        log_context().pop("audit", None)
        try:
            response = work()
        except Exception as error:
            if attempt < ATTEMPTS and (isinstance(error, Stale) or is_transient(error)):
                db.session.rollback()
                continue
            _end(keep=isinstance(error, ApiError) and error.keeps_writes)
            raise
        _end(keep=response.status_code < 400)
        return response
    raise AssertionError("count() ends")


def connection() -> Connection:
    """The connection of the request's transaction, which begins with it."""
    return db.session.connection()


def execute(
    statement: Executable, parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
) -> CursorResult[*tuple[Any, ...]]:
    """Send a statement in the request's transaction. Rows, no objects: those cost twice the time of the statement."""
    return connection().execute(statement, parameters)


def scalar(statement: Executable) -> Any:
    """The first column of the first row, None where there is none."""
    return execute(statement).scalar()


def fetch_one(statement: str, parameters: Mapping[str, Any]) -> Sequence[Any] | None:
    """Send a text in the request's transaction. The first row, None if there is none.

    Args:
        statement: as `compiled` makes it, with `%(name)s` for each parameter.
        parameters: by name.
    """
    return connection().exec_driver_sql(statement, parameters).one_or_none()


def fetch_autocommit(statement: str, parameters: Mapping[str, Any]) -> Sequence[Any] | None:
    """Send a statement that is a transaction of its own: one round trip where BEGIN, statement and COMMIT are three.

    It goes straight to the driver, because SQLAlchemy's overhead costs more than the statement; its errors are raised
    as SQLAlchemy raises them. It must wait for no row that requests lock in their transactions, because these
    connections stay free meanwhile. When the connection breaks, the request is run again.
    """
    engine, borrowed = autocommit_engine(), None
    driver = engine.dialect.loaded_dbapi
    try:
        borrowed = engine.raw_connection()
        cursor = borrowed.cursor()
        cursor.execute(TIMEOUTS + statement, parameters)
        return cast("Sequence[Any] | None", cursor.fetchone())
    except driver.Error as error:
        is_lost = engine.dialect.is_disconnect(error, borrowed and borrowed.driver_connection, None)
        if is_lost and borrowed:
            borrowed.invalidate(error)
        raise DBAPIError.instance(None, None, error, driver.Error, connection_invalidated=is_lost) from error
    except BaseException:  # a time limit: the connection waits for an answer that nobody will read
        if borrowed:
            borrowed.invalidate()
        raise
    finally:
        if borrowed:
            borrowed.close()


def compiled(statement: ClauseElement) -> str:
    """A statement as text, for `fetch_one` and `fetch_autocommit`. Compile it once, at import."""
    return str(statement.compile(dialect=PGDialect_psycopg2()))  # type: ignore[no-untyped-call]


def flush() -> None:
    """Send what objects of the ORM have changed now, in the tenant context that is set."""
    db.session.flush()


@contextmanager
def savepoint() -> Iterator[None]:
    """Undo what the block has written if it raises, and nothing else of the transaction."""
    with db.session.begin_nested():
        yield


def after_transaction_end(work: Callable[[], None]) -> None:
    """Do this once the request's transaction has ended, however it ended: one request never needs two connections."""
    g.after_transaction_end.append(work)


def _end(keep: bool) -> None:
    if db.session.registry.has():  # else the request used single statements only
        if keep:
            _require_intact()
            db.session.commit()
        else:
            db.session.rollback()
            log_context().pop("audit", None)  # those events are not in the audit log
    for work in g.pop("after_transaction_end"):
        work()


def _require_intact() -> None:
    """Raise where an error of the database was caught: PostgreSQL would answer COMMIT with ROLLBACK."""
    if not db.session().in_transaction():
        return
    driver_connection: Any = connection().connection.driver_connection
    if driver_connection.info.transaction_status == TRANSACTION_STATUS_INERROR:
        db.session.rollback()
        raise RuntimeError("an error of the database was caught here; let it pass, or use a savepoint")


@contextmanager
def paused() -> Iterator[None]:
    """Hold no connection during slow work that needs none. Locks and tenant context are gone afterwards."""
    rollback()
    yield


def limit_time() -> None:
    """Let a transaction of a job wait as briefly for locks, and run as briefly, as one of a request."""
    connection().exec_driver_sql(TIMEOUTS)


@contextmanager
def left_open() -> Iterator[None]:
    """Run code of an application that must not end the transaction.

    Raises:
        RuntimeError: it has ended.
    """
    session = db.session()
    begun = session.get_transaction()
    yield
    if session.get_transaction() is not begun:
        raise RuntimeError("The transaction has ended. Leave commit and rollback to whoever has begun it.")


@contextmanager
def begin() -> Iterator[None]:
    """Run a block of a job in a transaction of its own. The end of the block commits, an exception rolls back.

    Raises:
        RuntimeError: a transaction is open already, or it has ended in the block.
    """
    session = db.session()
    if "after_transaction_end" in g:
        raise RuntimeError("A view has its transaction already: it begins with the guard and ends after the view.")
    if session.in_transaction():
        raise RuntimeError("A transaction is open already, perhaps of a block around this one. End it first.")
    try:
        connection()
        with left_open():
            yield
        commit()
    except BaseException:
        rollback()
        raise


def commit() -> None:
    """Commit the transaction of a command."""
    _require_intact()
    db.session.commit()


def rollback() -> None:
    """Roll the transaction of a command back, and give its connection back."""
    db.session.rollback()
