"""The tenant context of an operator: which requests set it, and when it ends; very many rows of one account."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, event, text

from authapp.db import pagination, transaction
from authapp.db.tenancy import OPERATOR
from authapp.db.transaction import Stale
from authapp.instance import ROOT
from tests.factories import UNKNOWN_ID, Person, World, statements
from tests.operators import operator

ROUTES = [*csv.DictReader((ROOT / "tests" / "architecture" / "routes.csv").read_text().splitlines())]
MANY = 3_000


@contextmanager
def operators_contexts() -> Iterator[list[str]]:
    """The statements that set the context of an operator, of all engines."""
    found: list[str] = []

    def look(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        if OPERATOR in f"{statement} {parameters}":
            found.append(statement)

    event.listen(Engine, "before_cursor_execute", look)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", look)


def context_of_next_transaction(world: World) -> str:
    with world.app.app_context():
        found = transaction.scalar(text(f"SELECT coalesce(current_setting('{OPERATOR}', true), '')"))
        transaction.rollback()
    return str(found)


def test_one_route_makes_all_organizations_visible_and_no_other_does(world: World) -> None:
    me = operator(world, "Acme")
    setting = set()
    for row in ROUTES:
        if me.call("GET", "/auth/me").status_code != 200:
            me = operator(world, "Acme")
        path = re.sub(r"<organization_id>", me.organization_id, row["route"])
        path = re.sub(r"<user_id>", str(me.id), path)
        with operators_contexts() as found:
            me.caller.open(re.sub(r"<\w+>", UNKNOWN_ID, path), method=row["method"])
        if found:
            setting.add(f"{row['method']} {row['route']}")
    assert setting == {"GET /api/v1/operator/organizations"}


def test_the_context_of_an_operator_ends_with_the_request_however_it_ends(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = operator(world, "Acme")
    answers = [Stale("once"), None, RuntimeError("broken")]

    def fetch(*arguments: Any) -> Any:
        contexts.append(transaction.scalar(text(f"SELECT current_setting('{OPERATOR}', true)")))
        if error := answers.pop(0):
            raise error
        return pagination.fetch(*arguments)

    contexts: list[str] = []
    monkeypatch.setattr("authapp.services.operator.organizations.fetch", fetch)
    assert me.call("GET", "/operator/organizations").status_code == 200  # at the second attempt
    assert context_of_next_transaction(world) == ""
    assert me.call("GET", "/operator/organizations").status_code == 500
    assert context_of_next_transaction(world) == ""
    assert contexts == ["on", "on", "on"]
    assert me.call("GET", "/organizations").get_json()["items"][0]["name"] == "Acme"


def busy(world: World, number: int) -> Person:
    """Somebody with so many sessions, who alone administers as many organizations."""
    person = world.person("Acme")
    statements = (
        "SET LOCAL session_replication_role = replica",
        "INSERT INTO sessions"
        " (id, user_id, refresh_id, authenticated_at, amr, last_used_at, expires_at, ends_at_latest)"
        " SELECT uuidv7(), :id, uuidv7(), now(), '{pwd}', now(), now() + interval '7 days', now() + interval '30 days'"
        " FROM generate_series(1, :number)",
        "CREATE TEMP TABLE o ON COMMIT DROP AS SELECT uuidv7() AS id FROM generate_series(1, :number)",
        "INSERT INTO organizations (id, name, slug) SELECT id, 'Of many', id FROM o",
        "INSERT INTO memberships (user_id, organization_id, role) SELECT :id, id, 'admin' FROM o",
        "ANALYZE sessions, organizations, memberships",  # as autovacuum does a minute later
    )
    with world.superuser.begin() as connection:
        for statement in statements:
            connection.execute(text(statement), {"id": person.id, "number": number} if ":" in statement else {})
    return person


def test_an_account_with_very_many_sessions_and_organizations_is_shown_and_deactivated(world: World) -> None:
    me, person = operator(world), busy(world, MANY)
    path = f"/operator/users/{person.id}"
    shown = me.call("GET", path).get_json()
    assert (shown["sessions"], shown["organizations"]) == (MANY + 1, MANY + 1)
    assert len(me.call("GET", f"{path}/organizations").get_json()["items"]) == 50
    with statements(world.app) as sent:
        assert me.call("DELETE", f"{path}/sessions").get_json() == {"ended": MANY + 1}
    assert len(sent) == 5
    with statements(world.app) as sent:
        assert me.call("POST", f"{path}/deactivate").get_json() == {"suspended": MANY + 1}
    assert len(sent) < 25 + MANY / 1000  # events are inserted by the thousand
    with statements(world.app) as sent:
        found = me.call("POST", f"{path}/activate").get_json()
    assert found == {"restored": MANY + 1, "still_suspended": 0}
    assert len(sent) < 15 + MANY / 1000
