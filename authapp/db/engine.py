"""The engines, and the base class of all tables. Made once and bound to an application in the factory."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING

from flask import Flask, has_request_context
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, Engine, MetaData, event
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.orm import DeclarativeBase

from authapp.config import Settings
from authapp.db.migrations import migrate, use_folder
from authapp.db.pool import FairPool

# A request that meets a busy pool and then a locked row is answered within 3 seconds.
POOL_TIMEOUT_SECONDS = 1.2
LOCK_TIMEOUT_SECONDS = 1.5
STATEMENT_TIMEOUT_SECONDS = 6
IDLE_TIMEOUT_SECONDS = 15  # of a transaction whose process has stopped
CONNECT_TIMEOUT_SECONDS = 5
TIMEOUTS = (
    f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'; "
    f"SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT_SECONDS}s'; "
    f"SET LOCAL idle_in_transaction_session_timeout = '{IDLE_TIMEOUT_SECONDS}s'; "
)
"""What a request's transaction begins with. In the transaction, because a pooler would pass a session's setting on."""

POOLS = ("transaction", "autocommit")  # the names of the engines' pools in metrics
READ_ONLY = "25006"  # SQLSTATE of a write on a server that is, or was, a standby


class Base(DeclarativeBase):
    """The registry of all tables. Constraint names follow one rule, so that errors and migrations can rely on them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


db = SQLAlchemy(model_class=Base)

if TYPE_CHECKING:
    Model = Base
else:
    Model = db.Model


def init_database(app: Flask, settings: Settings, migrations: str | PathLike[str] | None) -> None:
    """Bind two engines to one address.

    The default engine serves the request's transaction. `autocommit` serves work that is a single statement: it sends
    that statement and nothing else, one round trip where BEGIN, statement and COMMIT are three.
    """
    common = {
        "poolclass": FairPool,
        "pool_size": settings.web_threads,
        "max_overflow": 0,
        "pool_timeout": POOL_TIMEOUT_SECONDS,
        "pool_use_lifo": True,
        "hide_parameters": True,  # an error in the log must not quote a password hash
        "connect_args": {"connect_timeout": CONNECT_TIMEOUT_SECONDS, "application_name": "authapp"},
    }
    url = make_url(settings.database_url.replace("postgres://", "postgresql://", 1)).set(
        drivername="postgresql+psycopg2"
    )
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {**common, "pool_logging_name": POOLS[0]}
    app.config["SQLALCHEMY_BINDS"] = {
        "autocommit": {
            "url": url,
            **common,
            "pool_logging_name": POOLS[1],
            "isolation_level": "AUTOCOMMIT",
            "pool_reset_on_return": None,
        }
    }
    db.init_app(app)
    migrate.init_app(app, db)
    use_folder(app, migrations)
    with app.app_context():
        event.listen(db.engine, "begin", _set_timeouts)
        for engine in db.engines.values():
            event.listen(engine, "handle_error", _leave_read_only_server)


def _set_timeouts(connection: Connection) -> None:
    """Commands and migrations may take their time."""
    if has_request_context():
        connection.exec_driver_sql(TIMEOUTS)


def _leave_read_only_server(context: ExceptionContext) -> None:
    """Replace all connections of the pool: after a failover, new ones lead to the server that takes writes."""
    if getattr(context.original_exception, "pgcode", None) == READ_ONLY:
        context.is_disconnect = True


def autocommit_engine() -> Engine:
    """The engine for single statements. Each one is its own transaction."""
    return db.engines["autocommit"]
