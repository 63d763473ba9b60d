"""What PostgreSQL does for the statements that the services send: what it touches, and how long it takes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import event

from authapp.db.engine import db
from authapp.web.application import Application

EXPLAIN = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) "


@dataclass(frozen=True)
class Plan:
    """How one statement was run.

    Attributes:
        statement: its text.
        rows: how many rows its scans touched, those that a filter removed included.
        blocks: how many pages of tables and indexes were read. They show an index that is read from end to end.
        milliseconds: of planning and running it.
        tables: those that were read from end to end, unless they are empty.
        text: the plan, for the message of a test that fails.
    """

    statement: str
    rows: float
    blocks: int
    milliseconds: float
    tables: list[str]
    text: str


@contextmanager
def plans(app: Application) -> Iterator[list[Plan]]:
    """The plans of the statements that are sent meanwhile in the request's transaction, but for INSERTs.

    Each is run before for its plan, and undone, in the same transaction: row-level security shows it the same rows.
    """
    found: list[Plan] = []

    def explain(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if not statement.startswith(("SELECT", "UPDATE", "DELETE", "WITH")):
            return
        with cursor.connection.cursor() as another:
            another.execute("SAVEPOINT plan")
            another.execute(EXPLAIN + statement, parameters)
            [[[explained]]] = another.fetchall()
            another.execute("ROLLBACK TO plan")
        milliseconds = explained["Planning Time"] + explained["Execution Time"]
        root = explained["Plan"]
        blocks = root["Shared Hit Blocks"] + root["Shared Read Blocks"]
        read = list(_read_from_end_to_end(root))
        found.append(Plan(statement, _rows(root), blocks, milliseconds, read, json.dumps(root, indent=1)))

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", explain)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", explain)


def _rows(node: dict[str, Any]) -> float:
    """The rows that a node and those below it took out of tables and indexes."""
    touched = 0.0
    if "Relation Name" in node or "Index Name" in node:
        removed = ("Rows Removed by Filter", "Rows Removed by Index Recheck")
        touched = (node["Actual Rows"] + sum(node.get(name, 0) for name in removed)) * node["Actual Loops"]
    return touched + sum(_rows(child) for child in node.get("Plans", []))


def _read_from_end_to_end(node: dict[str, Any]) -> Iterator[str]:
    if node["Node Type"] == "Seq Scan" and node["Shared Hit Blocks"] + node["Shared Read Blocks"]:
        yield node["Relation Name"]
    for child in node.get("Plans", ()):
        yield from _read_from_end_to_end(child)
