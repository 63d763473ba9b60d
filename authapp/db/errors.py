"""What an error of the database means for the caller."""

from __future__ import annotations

from functools import cache

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from authapp.core.errors import ApiError, Conflict, ServiceUnavailable, ValidationFailed, catalogue
from authapp.db.engine import READ_ONLY, db

ERRORS = "authapp.errors"
"""In the info of a table: the code of the error for each of its constraints that has one of its own, by its name."""

# SQLSTATE classes of a database that is away or overloaded: connection, resources, intervention, system, locks.
_AWAY = ("08", "53", "57", "58", "55")
_NOT_MIGRATED = ("42P01", "42703")  # no such table, no such column
_NOT_READY = (READ_ONLY, *_NOT_MIGRATED)  # the first: a failover in progress
_CONFLICTS = ("23503", "23505")  # violations of a foreign key, of a unique constraint
_TRY_AGAIN = ("40001", "40P01")  # serialization failure, deadlock


def api_error_of(error: SQLAlchemyError) -> ApiError | None:
    """The error to answer with, or None where the mistake is ours."""
    if isinstance(error, PoolTimeout):
        return ServiceUnavailable("no free database connection")
    if not isinstance(error, DBAPIError):
        return None
    state = sqlstate(error)
    constraint = getattr(getattr(error.orig, "diag", None), "constraint_name", None) or ""
    if state in _CONFLICTS or constraint in _by_constraint():
        return _by_constraint().get(constraint, Conflict)(f"constraint {constraint}")
    if state.startswith("22"):
        return ValidationFailed(f"data error {state}")
    unreachable = not state and isinstance(error, (OperationalError, InterfaceError))
    if unreachable or is_transient(error) or state.startswith(_AWAY) or state in _NOT_READY:
        return ServiceUnavailable(f"database {state or 'unreachable'}")
    return None


def connection_failure(error: OperationalError) -> str:
    """Why no connection could be made, in one line for an operator."""
    hint = " In development, start it with: make run" if "socket" in str(error.orig) else ""
    return f"The database cannot be reached: {one_line(error.orig)}{hint}"


def one_line(error: BaseException | None) -> str:
    """The text of an error, each line of it a sentence."""
    lines = [" ".join(line.split()) for line in str(error).splitlines() if line.strip()]
    return " ".join(line if line.endswith((".", "?", "!", ":", ",")) else f"{line}." for line in lines)


def is_not_migrated(error: DBAPIError) -> bool:
    """Whether a table or a column is missing."""
    return sqlstate(error) in _NOT_MIGRATED


def sqlstate(error: DBAPIError) -> str:
    """PostgreSQL's five characters for an error, empty when the connection itself failed."""
    return getattr(error.orig, "pgcode", None) or ""


def is_transient(error: Exception) -> bool:
    """Whether the same request may succeed when it is run once more, in a new transaction on a new connection."""
    return isinstance(error, DBAPIError) and (error.connection_invalidated or sqlstate(error) in _TRY_AGAIN)


@cache
def _by_constraint() -> dict[str, type[ApiError]]:
    by_code = {error.code: error for error in catalogue()}
    codes = [table.info.get(ERRORS, {}) for table in db.metadata.tables.values()]
    return {constraint: by_code[code] for found in codes for constraint, code in found.items()}
