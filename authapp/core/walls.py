"""How a wall gets around a table. `flask db migrate` finds the tables that lack one and writes the calls."""

from __future__ import annotations

from typing import cast

from alembic import op
from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations.ops import DropTableOp, MigrateOperation, UpgradeOps
from sqlalchemy import Connection, text

_WALLED = text(
    "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace "
    "AND relrowsecurity AND relforcerowsecurity AND EXISTS (SELECT FROM pg_policy WHERE polrelid = pg_class.oid)"
)


def wall_off(table: str, column: str = "organization_id") -> None:
    """Let a transaction see and write those rows of a table only whose organization it has opened."""
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")  # FORCE: the owner too
    op.execute(f"CREATE POLICY {table}_open ON {table} USING ({column} = authapp_organization_id())")


def tear_down(table: str) -> None:
    """Undo `wall_off`."""
    op.execute(f"DROP POLICY {table}_open ON {table}")
    op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY")


class Wall(MigrateOperation):
    """A call of `wall_off` or `tear_down` in a migration to be."""

    def __init__(self, table: str, call: str = "wall_off") -> None:
        self.table, self.call = table, call

    def reverse(self) -> Wall:
        return Wall(self.table, "tear_down" if self.call == "wall_off" else "wall_off")

    def to_diff_tuple(self) -> tuple[str, str]:
        return self.call, self.table


def find_tables_without_a_wall(context: AutogenContext, upgrade_ops: UpgradeOps) -> None:
    """Every table with an `organization_id` has a wall."""
    for drop in [drop for drop in upgrade_ops.ops if isinstance(drop, DropTableOp)]:
        if "organization_id" in drop.to_table().c:  # so that the way back builds the wall again
            upgrade_ops.ops.insert(upgrade_ops.ops.index(drop), Wall(drop.table_name, "tear_down"))
    walled = set(cast("Connection", context.connection).scalars(_WALLED))
    for table in context.sorted_tables:
        if "organization_id" in table.c and table.name not in walled:
            upgrade_ops.ops.append(Wall(table.name))


@renderers.dispatch_for(Wall)
def render(context: AutogenContext, wall: Wall) -> str:
    context.imports.add(f"from authapp.core.walls import {wall.call}")
    return f"{wall.call}({wall.table!r})"
