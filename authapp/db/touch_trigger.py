"""The trigger that moves `updated_at`. `flask db migrate` finds tables without it and writes its SQL as literals."""

from __future__ import annotations

from typing import cast

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations.ops import DropTableOp, MigrateOperation, UpgradeOps
from sqlalchemy import Connection, Table, text

from authapp.db.tenant_model import quoted

TOUCHED = "authapp.touched"  # in the info of a column: the trigger moves it
_TRIGGERED = text(
    "SELECT relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid JOIN pg_proc ON pg_proc.oid = tgfoid "
    "WHERE relnamespace = current_schema()::regnamespace AND proname = 'authapp_touch_updated_at' "
    "AND tgname = (relname || '_touch_updated_at')::name AND tgenabled <> 'D' AND NOT relispartition"
)


class TouchTrigger(MigrateOperation):
    """Creates or drops the trigger of a table in a migration to be written."""

    def __init__(self, table: str, *, create: bool = True) -> None:
        self.table, self.create = table, create

    def reverse(self) -> TouchTrigger:
        return TouchTrigger(self.table, create=not self.create)

    def to_diff_tuple(self) -> tuple[str, str]:
        return "add_touch_trigger" if self.create else "remove_touch_trigger", self.table


def compare_triggers(context: AutogenContext, upgrade_ops: UpgradeOps) -> None:
    """Create the trigger where a column needs it, and drop it before the column or the table is dropped."""
    found = set(cast("Connection", context.connection).scalars(_TRIGGERED))
    tables = {table.name: table for table in context.sorted_tables}
    dropped = {op.table_name for op in upgrade_ops.ops if isinstance(op, DropTableOp)}
    leaving = {name for name in found if name in dropped or (name in tables and not _is_touched(tables[name]))}
    upgrade_ops.ops[:0] = [TouchTrigger(name, create=False) for name in sorted(leaving)]
    upgrade_ops.ops += [TouchTrigger(name) for name in tables if _is_touched(tables[name]) and name not in found]


def _is_touched(table: Table) -> bool:
    return any(TOUCHED in column.info for column in table.c)


@renderers.dispatch_for(TouchTrigger)
def render(context: AutogenContext, trigger: TouchTrigger) -> list[str]:
    table, name = quoted(trigger.table), quoted(f"{trigger.table}_touch_updated_at")
    if not trigger.create:
        return [f"op.execute({f'DROP TRIGGER {name} ON {table}'!r})"]
    when = f"BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION authapp_touch_updated_at()"
    return [f"op.execute({f'CREATE TRIGGER {name} {when}'!r})"]
