"""The inventory of personal data has every column of every table, and so has its page."""

from __future__ import annotations

from itertools import groupby

import pytest
from marshmallow import Schema, fields

from authapp.db.engine import db
from authapp.schemas.exports import AccountExport
from authapp.services.personal_data.export import shown
from authapp.services.personal_data.inventory import Fate, Level, Table
from authapp.services.personal_data.tables import TABLES
from tests.pages import page
from tests.tenant_tables import own_tables

NAMES = [table.name for table in TABLES]
# The lists of an account's export, and the tables that they are of. `audit_events` is shown as everywhere.
LISTS = {
    "memberships": "memberships", "sessions": "sessions", "known_devices": "known_devices", "passkeys": "passkeys",
    "identities": "identities", "second_factors": "totp_factors", "invitations_received": "invitations",
    "invitations_sent": "invitations", "api_keys_created": "api_keys", "organizations_founded": "organizations",
    "emails": "outbox", "audit_events": "audit_events",
}  # fmt: skip
JOINED = {"organization_name", "organization_slug"}
# Nobody is told what these say: they are over within minutes, or have nothing but hashes.
NOT_EXPORTED = {
    "attempt_counters", "mfa_challenges", "one_time_tokens", "passkey_challenges", "passkey_users", "recovery_codes",
    "sso_codes", "sso_states",
}  # fmt: skip


@pytest.mark.parametrize("table", TABLES, ids=NAMES)
def test_the_inventory_has_each_column_of_a_table_once(table: Table) -> None:
    listed = [column for level in Level for column in getattr(table, level).split()]
    assert sorted(listed) == sorted(db.metadata.tables[table.name].c.keys())
    assert {*table.erased, *table.purged} <= set(listed)
    assert {table.account, table.address, table.organization} <= {"", *listed}


def test_the_inventory_has_each_table_once() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert set(NAMES) == own_tables()


@pytest.mark.parametrize("table", TABLES, ids=NAMES)
def test_what_tells_of_a_person_or_an_organization_is_erased_or_kept_for_a_reason(table: Table) -> None:
    columns = db.metadata.tables[table.name].c
    refers = {key.target_fullname for column in columns for key in column.foreign_keys}
    for target, fate in zip(("users.id", "organizations.id"), (table.erasure, table.purge), strict=True):
        assert target not in refers or fate is Fate.DELETED or table.why, target
    has_person = bool(table.personal) and table.name != "organizations"
    assert not has_person or table.erasure is Fate.DELETED or set(table.personal.split()) <= table.erased.keys()


def test_every_table_with_an_account_is_exported_or_known_not_to_be() -> None:
    of_people = {table.name for table in TABLES if table.account or table.address or table.erasure is Fate.DELETED}
    assert of_people == {*LISTS.values(), *NOT_EXPORTED, "users"} - {"api_keys", "organizations"}


def test_an_export_shows_every_column_of_the_inventory_but_credentials() -> None:
    declared = AccountExport().fields
    assert declared.keys() == {"exported_at", "user", "truncated", *LISTS}
    for name, table in {"user": "users", **LISTS}.items():
        columns = {column.name for column in shown(db.metadata.tables[table])}
        assert names_of(declared[name]) - JOINED == columns, name


def names_of(field: fields.Field[object]) -> set[str]:
    nested = field.inner if isinstance(field, fields.List) else field
    assert isinstance(nested, fields.Nested)
    schema = nested.schema
    assert isinstance(schema, Schema)
    return set(schema.fields)


def lines(table: Table) -> list[str]:
    """The rows of a table on the page: its columns by level and fate."""

    def key(column: str) -> tuple[str, Fate, Fate]:
        return (table.levels[column], *table.fates(column))

    groups = groupby(sorted(table.levels, key=key), key)
    return [
        f"| `{table.name}` | {level} | {', '.join(f'`{column}`' for column in columns)} | {erasure} | {purge} |"
        for (level, erasure, purge), columns in groups
    ]


def test_the_page_has_the_inventory() -> None:
    text = page("docs/personal-data.md")
    rows = [line for line in text.splitlines() if line.startswith("| `") and line.count(" | ") == 4]
    assert rows == [line for table in TABLES for line in lines(table)]
    reasons = [line for line in text.splitlines() if line.startswith("- `")]
    assert reasons == [f"- `{table.name}`: {table.why}" for table in TABLES if table.why]
