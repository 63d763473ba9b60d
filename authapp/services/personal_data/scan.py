"""Searches every text of the database, in whatever column of whatever table, also of tables of somebody's own."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import text

from authapp.db import transaction
from authapp.services.personal_data.addresses import pattern

# Every column whose type may hold text or, if wanted, a UUID. Partitions are read with their table. Row-level security
# hides rows of a table that has no policy for operators, unless the tenant is set.
_COLUMNS = text("""
SELECT format('%I.%I', nspname, relname) AS source, relname AS table, attname AS column,
    format(CASE WHEN typname = 'bytea' THEN 'encode(%I, ''escape'')' ELSE '%I::text' END, attname) AS expression,
    has_table_privilege(pg_class.oid, 'SELECT') AND (:in_tenant OR NOT relrowsecurity OR EXISTS (
        SELECT FROM pg_policy
        WHERE polrelid = pg_class.oid AND strpos(pg_get_expr(polqual, polrelid), 'authapp_is_operator') > 0
    )) AS is_visible
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    JOIN pg_attribute ON attrelid = pg_class.oid JOIN pg_type ON pg_type.oid = atttypid
WHERE relkind IN ('r', 'p', 'm') AND NOT relispartition AND NOT starts_with(nspname, 'pg_')
    AND nspname <> 'information_schema' AND attnum > 0 AND NOT attisdropped
    AND typcategory NOT IN ('B', 'N', 'D', 'T') AND (:with_ids OR typname <> 'uuid')
ORDER BY source, attnum
""")


class Found(NamedTuple):
    """What a search has found.

    Attributes:
        columns: how many rows have one of the texts, by `table.column`.
        hidden: the tables whose rows could not be read.
    """

    columns: dict[str, int]
    hidden: list[str]


def search(
    texts: Sequence[str],
    *,
    with_ids: bool = False,
    in_tenant: bool = False,
    advance: Callable[[int], object] = lambda _: None,
) -> Found:
    """Search every column of every table for these texts, in any case, also inside of JSON and binary values.

    An address is found where it stands by itself, not as a part of another.
    The caller sees all organizations.

    Args:
        texts: what to search for.
        with_ids: search columns of UUIDs too.
        in_tenant: a tenant is set, so that tables that have no policy for operators show its rows.
        advance: is called with 1 for each table.
    """
    tables: dict[str, list[Any]] = defaultdict(list)
    for row in transaction.execute(_COLUMNS, {"with_ids": with_ids, "in_tenant": in_tenant}):
        tables[row.source].append(row)
    found, hidden, needles = dict[str, int](), [], _spellings(texts)
    for columns in tables.values() if needles else ():
        if columns[0].is_visible:
            found |= _search_table(columns, needles)
        else:
            hidden.append(columns[0].table)
        advance(1)
    return Found(found, hidden)


def _contains(expression: str) -> str:
    """The SQL of whether a text has one of the needles, and its pattern."""
    needles = "unnest(%(needles)s::text[], %(patterns)s::text[]) AS n (needle, pattern)"
    return f"EXISTS (SELECT FROM {needles} WHERE strpos({expression}, needle) > 0 AND {expression} ~ pattern)"


def _search_table(columns: list[Any], needles: list[str]) -> dict[str, int]:
    """How many rows of a table have a needle, by column, without the columns that have none.

    The texts of a row are joined first: most rows have none.
    """
    each = [column.expression.replace("%", "%%") for column in columns]
    counts = ", ".join(f"count(*) FILTER (WHERE {_contains(f'lower({expression})')})" for expression in each)
    joined = f"lower(concat_ws(E'\\n', {', '.join(each)}))"
    # an address has an @ and few texts have: that is asked once, not once for each needle
    mark = "strpos(joined, '@') > 0 AND " if all("@" in needle for needle in needles) else ""
    source = columns[0].source.replace("%", "%%")
    statement = (
        f"SELECT {counts} FROM {source} CROSS JOIN LATERAL (SELECT {joined} AS joined) AS texts "  # noqa: S608
        f"WHERE {mark}{_contains('joined')}"
    )
    patterns = [pattern(needle) if "@" in needle else "" for needle in needles]
    row = transaction.fetch_one(statement, {"needles": needles, "patterns": patterns}) or ()
    return {f"{column.table}.{column.column}": count for column, count in zip(columns, row, strict=True) if count}


def _spellings(texts: Sequence[str]) -> list[str]:
    """How texts are written in lower case: plainly, in JSON, and as PostgreSQL escapes binary values."""
    lower = [each.lower() for each in texts if each]
    return sorted({spelling for each in lower for spelling in (each, _in_json(each), _escaped(each))})


def _in_json(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)[1:-1]


def _escaped(value: str) -> str:
    """As `encode(…, 'escape')` has it."""
    octal = (f"\\{byte:03o}" if byte > 127 or byte == 0 else chr(byte) for byte in value.encode())
    return "".join("\\\\" if each == "\\" else each for each in octal)
