"""Row-level security of tenant tables. `flask db migrate` finds tables without it and writes its SQL as literals."""

from __future__ import annotations

from typing import cast

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations.ops import DropTableOp, MigrateOperation, UpgradeOps
from sqlalchemy import Connection, text

from authapp.db.engine import db
from authapp.db.tenant_model import TENANT, is_tenant_table, quoted

_SECURED = text(
    "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace "
    "AND relrowsecurity AND relforcerowsecurity AND EXISTS (SELECT FROM pg_policy WHERE polrelid = pg_class.oid)"
)
_HERE = f"({TENANT} = authapp_organization_id())"
# A policy for each command, as authapp's own tables have them: one can be replaced without touching the others.
_POLICIES = {
    "shown": f"FOR SELECT USING {_HERE}",
    "added": f"FOR INSERT WITH CHECK {_HERE}",
    "changed": f"FOR UPDATE USING {_HERE}",
    "removed": f"FOR DELETE USING {_HERE}",
    "operator": "USING (authapp_is_operator()) WITH CHECK (authapp_is_operator())",  # erasures search all rows
}


def unsecured_tables(connection: Connection) -> list[str]:
    """The tables with rows of organizations on which row-level security is not forced, in the database as it is."""
    tenants = {table.name for table in db.metadata.tables.values() if is_tenant_table(table)} | {"organizations"}
    return sorted(tenants - set(connection.scalars(_SECURED)))


def enable_rls(table: str) -> list[str]:
    """The statements that let a transaction see and write only rows whose organization it has set, an operator all."""
    return [
        # FORCE: for the owner too
        f"ALTER TABLE {quoted(table)} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
        *(f"CREATE POLICY {_policy(table, name)} {rule}" for name, rule in _POLICIES.items()),
    ]


def disable_rls(table: str) -> list[str]:
    """The statements that undo `enable_rls`."""
    return [
        # an older migration may have written fewer
        *(f"DROP POLICY IF EXISTS {_policy(table, name)}" for name in _POLICIES),
        f"ALTER TABLE {quoted(table)} NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY",
    ]


def _policy(table: str, name: str) -> str:
    return f"{quoted(f'{table}_{name}')} ON {quoted(table)}"


class TenantPolicy(MigrateOperation):
    """Enables or disables the row-level security of a table in a migration to be written."""

    def __init__(self, table: str, *, enable: bool = True) -> None:
        self.table, self.enable = table, enable

    def reverse(self) -> TenantPolicy:
        return TenantPolicy(self.table, enable=not self.enable)

    def to_diff_tuple(self) -> tuple[str, str]:
        return "enable_rls" if self.enable else "disable_rls", self.table


def compare_policies(context: AutogenContext, upgrade_ops: UpgradeOps) -> None:
    """Enable row-level security where a tenant table has none, and disable it where a table is none any more."""
    secured = set(cast("Connection", context.connection).scalars(_SECURED))
    for drop in [drop for drop in upgrade_ops.ops if isinstance(drop, DropTableOp)]:
        if drop.table_name in secured:  # so that the downgrade enables it again
            upgrade_ops.ops.insert(upgrade_ops.ops.index(drop), TenantPolicy(drop.table_name, enable=False))
    for table in context.sorted_tables:
        if TENANT in table.c and is_tenant_table(table) != (table.name in secured):
            upgrade_ops.ops.append(TenantPolicy(table.name, enable=is_tenant_table(table)))


@renderers.dispatch_for(TenantPolicy)
def render(context: AutogenContext, policy: TenantPolicy) -> list[str]:
    statements = enable_rls(policy.table) if policy.enable else disable_rls(policy.table)
    return [f"op.execute({statement!r})" for statement in statements]
