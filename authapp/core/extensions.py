"""The database extensions, made once and bound to an application in the factory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Engine, MetaData
from sqlalchemy.engine import make_url
from sqlalchemy.orm import DeclarativeBase

from config import ROOT, Settings

POOL_TIMEOUT_SECONDS = 5
CONNECT_TIMEOUT_SECONDS = 5
MIGRATIONS = ROOT / "migrations"


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
migrate = Migrate(directory=str(MIGRATIONS), render_as_batch=False)

if TYPE_CHECKING:
    Model = Base
else:
    Model = db.Model


def init_database(app: Flask, settings: Settings) -> None:
    """Bind two engines to one address.

    The default engine serves the request's transaction. `autocommit` serves work that is a single statement: it sends
    that statement and nothing else, one round trip where BEGIN, statement and COMMIT are three.
    """
    common = {
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
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = common
    app.config["SQLALCHEMY_BINDS"] = {
        "autocommit": {"url": url, **common, "isolation_level": "AUTOCOMMIT", "pool_reset_on_return": None}
    }
    db.init_app(app)
    migrate.init_app(app, db)


def autocommit_engine() -> Engine:
    """The engine for single statements. Each one is its own transaction."""
    return db.engines["autocommit"]
