"""What the tests of authapp use of the test kit, and what only they need."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2.extensions
from sqlalchemy import event

from authapp.db.engine import TIMEOUTS, db
from authapp.testing import PASSWORD, Caller, Person, World, all_at_once
from authapp.web.application import Application
from authapp.web.openapi import API_PREFIX as API

__all__ = [
    "API",
    "CLIENTS",
    "LOCK_WAITS",
    "PASSWORD",
    "ROUNDS",
    "UNKNOWN_ID",
    "AppWith",
    "Caller",
    "Person",
    "World",
    "all_at_once",
    "statements",
]

CLIENTS, ROUNDS = 16, 10  # of a race; one of two or three clients, which meet less often, takes twice as many rounds
UNKNOWN_ID = "019aab1c-7d3e-7a40-9a55-000000000000"
LOCK_WAITS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
AppWith = Callable[..., Application]
"""The fixture `app_with`: makes an application with these settings or arguments of `create_app`."""
WorldWith = Callable[..., World]
"""The fixture `world_with`: makes such an application, and the world that calls it."""


@contextmanager
def statements(app: Application) -> Iterator[list[str]]:
    """The statements that both engines send meanwhile, by their first word; `one:` outside of a transaction.

    The keys of the process are loaded before, so that none of these statements loads them.
    """
    app.keys.reload()
    sent: list[str] = []

    class Overheard(psycopg2.extensions.cursor):
        def execute(self, query: Any, parameters: Any = None) -> None:
            own = query.removeprefix(TIMEOUTS)  # the time limits that each transaction begins with
            prefix = "one:" if self.connection.autocommit else ""
            sent.extend(prefix + verb.lower() for verb in own.split(maxsplit=1)[:1])
            super().execute(query, parameters)

    def overhear(connection: Any, *_: object) -> None:
        connection.cursor_factory = Overheard

    def forget(connection: Any, *_: object) -> None:
        connection.cursor_factory = None

    with app.app_context():
        listeners = [
            (engine, name, listener)
            for engine in db.engines.values()
            for name, listener in (("checkout", overhear), ("checkin", forget))
        ]
    for listener in listeners:
        event.listen(*listener)
    try:
        yield sent
    finally:
        for listener in listeners:
            event.remove(*listener)
