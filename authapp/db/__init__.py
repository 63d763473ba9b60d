"""PostgreSQL: engines, transactions, tenant context, credential look-ups, pages. Imports `core` and nothing above.

Three ways to send a statement, and when:

- `transaction.execute`, `scalar`: Core statements in the request's transaction. The default.
- `transaction.fetch_one`: the same with a text that was compiled once, for a statement of a hot path.
- `transaction.fetch_autocommit`: a look-up that needs no transaction, because the request sends nothing else.

The guards' look-ups are PostgreSQL functions, see `credentials.sql`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy.orm import Session, scoped_session

    session: scoped_session[Session]


def __getattr__(name: str) -> Any:
    """Give `db.session` to whoever builds on authapp: `from authapp import db` is this package."""
    if name != "session":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module("authapp.db.engine").db.session
