"""One request, one transaction. This is the only file that commits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any, cast

from flask import Response, g
from sqlalchemy import ClauseElement, Connection, CursorResult, Executable
from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2
from sqlalchemy.exc import DBAPIError

from authapp.core.errors import ServiceUnavailable
from authapp.core.extensions import LIMITS, autocommit_engine, db
from authapp.core.problems import may_pass
from authapp.core.refusal import Refusal

ATTEMPTS = 3


class Stale(ServiceUnavailable):
    """What this request read was changed before it could write. It is run again, from the start."""


def run(work: Callable[[], Response]) -> Response:
    """Run the work and end its transaction.

    A reply below 400 commits. A refusal rolls back, unless its class `keeps_writes`. A deadlock, a serialization
    failure, a broken connection or a `Stale` read rolls back and runs the work again, three times at most. A commit
    is never tried twice: nobody knows whether the first one arrived.
    """
    for attempt in count(1):
        g.afterwards = []
        try:
            response = work()
        except Exception as error:
            if attempt < ATTEMPTS and (isinstance(error, Stale) or may_pass(error)):
                db.session.rollback()
                continue
            _end(keep=isinstance(error, Refusal) and error.keeps_writes)
            raise
        _end(keep=response.status_code < 400)
        return response
    raise AssertionError("count() ends")


def connection() -> Connection:
    """The connection of the request's transaction, which begins with it."""
    return db.session.connection()


def execute(statement: Executable, parameters: Mapping[str, Any] | None = None) -> CursorResult[*tuple[Any, ...]]:
    """Send a statement in the request's transaction. Rows, no objects: those cost twice the time of the statement."""
    return connection().execute(statement, parameters)


def scalar(statement: Executable) -> Any:
    """The first column of the first row, None where there is none."""
    return execute(statement).scalar()


def send(statement: str, parameters: Mapping[str, Any]) -> Sequence[Any] | None:
    """Send a text, with `%(name)s` for each parameter, in the request's transaction. The first row, None if none."""
    return connection().exec_driver_sql(statement, parameters).one_or_none()


def alone(statement: str, parameters: Mapping[str, Any]) -> Sequence[Any] | None:
    """Send a statement that is a transaction of its own: one round trip where BEGIN, statement and COMMIT are three.

    It goes straight to the driver, because SQLAlchemy's way there and back costs more than the statement; its errors
    are told as SQLAlchemy tells them. It is for look-ups, which lock no row: so whoever waits for a locked row in a
    request's transaction takes no connection from them. When the connection breaks, the request is run again.
    """
    engine, borrowed = autocommit_engine(), None
    driver = engine.dialect.loaded_dbapi
    try:
        borrowed = engine.raw_connection()
        cursor = borrowed.cursor()
        cursor.execute(LIMITS + statement, parameters)
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


def as_text(statement: ClauseElement) -> str:
    """A statement as `send` and `alone` take it."""
    return str(statement.compile(dialect=PGDialect_psycopg2()))  # type: ignore[no-untyped-call]


def afterwards(work: Callable[[], None]) -> None:
    """Do this when the request's transaction has ended, however it ended: one request never needs two connections."""
    g.afterwards.append(work)


def _end(keep: bool) -> None:
    if db.session.registry.has():  # else the request used single statements only
        if keep:
            db.session.commit()
        else:
            db.session.rollback()
    for work in g.afterwards:
        work()


def release() -> None:
    """Give the connection back before slow work that needs none. What was read and opened so far is forgotten."""
    db.session.rollback()


def commit() -> None:
    """End the transaction of a command."""
    db.session.commit()
