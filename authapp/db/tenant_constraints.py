"""Constraints that reach from one organization into another. `flask db migrate` and `flask db check` refuse them.

PostgreSQL checks foreign keys, unique and exclusion constraints without row-level security. Without `organization_id`
in it, a foreign key takes a row of another organization, whose deletion then takes the referring row along. A unique
constraint without it refuses a value because another organization has it, and so tells that it does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import Column, ForeignKeyConstraint, Index, PrimaryKeyConstraint, Table, UniqueConstraint, Uuid
from sqlalchemy.dialects.postgresql import ExcludeConstraint

from authapp.db.tenant_model import REFERENCE, TENANT, is_tenant_table


def constraints_across_organizations(tables: Iterable[Table]) -> list[str]:
    """A line for each such constraint: where it is, and what to write instead."""
    return sorted(f"{table.name}: {line}" for table in tables for line in (*_foreign_keys(table), *_unique(table)))


def _foreign_keys(table: Table) -> Iterator[str]:
    for column in table.c:
        if REFERENCE in column.info:
            yield f"column {column.name}: within() belongs in the class that has the table, not in a subclass of it"
    for key in table.foreign_key_constraints:
        target, names = key.referred_table, key.column_keys
        referred = [element.column.name for element in key.elements]
        if not (_is_of_organizations(table, target) or is_tenant_table(target)) or _compares_organizations(key):
            continue
        if TENANT not in table.c:
            instead = "make the table a TenantModel and use within(), or keep the column without a foreign key"
        elif len(names) > 1:
            instead = f"add {TENANT} on both sides"
        else:
            instead = f'write {names[0]} = within("{target.name}{"" if referred == ["id"] else f".{referred[0]}"}")'
        yield f"foreign key ({', '.join(names)}) to {target.name} ({', '.join(referred)}): {instead}"


def _is_of_organizations(table: Table, target: Table) -> bool:
    """Whether a tenant table refers to one with `__tenant__ = False`, whose rows belong to organizations as well."""
    return is_tenant_table(table) and TENANT in target.c


def _compares_organizations(key: ForeignKeyConstraint) -> bool:
    """Whether a row and the one it refers to have to be of the same organization.

    A table without `organization_id` may name its organization otherwise: a job queue, say, which a worker reads across
    all of them, with (tenant_id, model_id) to models (organization_id, id). Any other foreign key of such a table to a
    tenant table is refused, because its rows mostly belong to an organization too, and no policy separates them.
    """
    pairs = [(element.parent.name, element.column.name) for element in key.elements]
    return (TENANT, TENANT) in pairs or (TENANT not in key.table.c and TENANT in [referred for _, referred in pairs])


def _unique(table: Table) -> Iterator[str]:
    for item in (*table.constraints, *table.indexes) if is_tenant_table(table) else ():
        match item:
            case PrimaryKeyConstraint() if item.columns and not _is_generated(item):
                kind, names = "primary key", item.columns.keys()
                instead = (
                    f"write PrimaryKeyConstraint({_quoted(TENANT, *names)}) in __table_args__ in place of "
                    "primary_key=True, or let the server generate the key (Identified)"
                )
            case UniqueConstraint():
                kind, names = "unique constraint", item.columns.keys()
                instead = f"write unique_within({_quoted(*names)}) in __table_args__"
            case Index(unique=True):
                kind = f"unique index {item.name}"
                names = [part.name if isinstance(part, Column) else str(part) for part in item.expressions]
                instead = f"begin it with {TENANT}"
            case ExcludeConstraint():
                kind = "exclusion constraint"
                names = [name if sign == "=" else f"{name} WITH {sign}" for name, sign in item.operators.items()]
                instead = f'add ("{TENANT}", "=")'
            case _:
                continue
        if TENANT not in names:
            yield f"{kind} ({', '.join(names)}): {instead}"


def _quoted(*names: str) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _is_generated(key: PrimaryKeyConstraint) -> bool:
    """Whether the server chooses the value, so that nobody meets or tries the key of another organization's row.

    That is a UUID with a default, or an integer that counts up. The integers are fine as keys, but they tell how many
    rows all organizations have together. A foreign key as primary key (`user_id`, `model_id`) comes from the caller.
    """
    column, *others = key.columns
    is_uuid = isinstance(column.type, Uuid) and (column.default or column.server_default) is not None
    return not others and (is_uuid or column is key.table.autoincrement_column)
