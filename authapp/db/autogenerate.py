"""What `flask db migrate` and `flask db check` do beyond Alembic. `migrations/env.py` imports it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from alembic.autogenerate import comparators, renderers
from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.render import render_op
from alembic.operations.ops import (
    CreateForeignKeyOp,
    CreateTableOp,
    DropConstraintOp,
    DropTableOp,
    MigrateOperation,
    ModifyTableOps,
    OpContainer,
    UpgradeOps,
)
from alembic.util import DispatchPriority, PriorityDispatchResult
from click import ClickException
from sqlalchemy import Connection, ForeignKeyConstraint, text

from authapp.db.row_level_security import compare_policies
from authapp.db.tenant_constraints import constraints_across_organizations
from authapp.db.tenant_model import quoted
from authapp.db.touch_trigger import compare_triggers

_PARTITIONS = text(
    "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relispartition"
)
_FORCED = text(
    "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relforcerowsecurity"
)


@comparators.dispatch_for("schema", priority=DispatchPriority.LAST)  # Alembic's own comparison comes before
def complete(context: AutogenContext, upgrade_ops: UpgradeOps, schemas: object) -> PriorityDispatchResult:
    """Refuse constraints across organizations, sort the foreign keys, write policies and triggers."""
    if lines := constraints_across_organizations(context.sorted_tables):
        reason = "PostgreSQL checks these without row-level security, so they apply across organizations:"
        raise ClickException("\n  ".join([reason, *lines]))
    leave_partitions(upgrade_ops, set(cast("Connection", context.connection).scalars(_PARTITIONS)))
    sort_foreign_keys(upgrade_ops, set(cast("Connection", context.connection).scalars(_FORCED)))
    compare_policies(context, upgrade_ops)
    compare_triggers(context, upgrade_ops)
    return PriorityDispatchResult.CONTINUE


def leave_partitions(upgrade_ops: UpgradeOps, partitions: set[str]) -> None:
    """Drop no partition: they come and go by themselves, and no model knows them."""
    upgrade_ops.ops = [op for op in upgrade_ops.ops if getattr(op, "table_name", None) not in partitions]


def sort_foreign_keys(upgrade_ops: UpgradeOps, forced: set[str]) -> None:
    """Drop foreign keys first and create them last.

    Alembic creates one before the unique constraint that it needs, and where two tables refer to each other, together
    with the first table, before the second is there. `forced` are the tables that force row-level security.
    """
    dropped, created = ForeignKeys(forced), ForeignKeys(forced)
    first: list[MigrateOperation] = [dropped]
    last: list[MigrateOperation] = [created]
    for position, op in enumerate(upgrade_ops.ops):
        if isinstance(op, CreateTableOp):
            last += [CreateForeignKeyOp.from_constraint(key) for key in _take_foreign_keys(op)]
        elif isinstance(op, DropTableOp):
            reverse = op.reverse()
            first += [DropConstraintOp.from_constraint(key) for key in _take_foreign_keys(reverse)]
            upgrade_ops.ops[position] = reverse.reverse()
        elif isinstance(op, ModifyTableOps):
            steps = [step for step in op.ops if getattr(step, "constraint_type", None) == "foreignkey"]
            op.ops = [step for step in op.ops if step not in steps]
            dropped.ops += [step for step in steps if isinstance(step, DropConstraintOp)]
            created.ops += [step for step in steps if isinstance(step, CreateForeignKeyOp)]
    for op in (*created.ops, *last[1:]):
        cast("CreateForeignKeyOp", op).kw.pop("use_alter", None)  # every one of them alters a table here
    ops = [*first, *upgrade_ops.ops, *last]
    upgrade_ops.ops = [op for op in ops if not (isinstance(op, OpContainer) and op.is_empty())]


def _take_foreign_keys(op: CreateTableOp) -> list[ForeignKeyConstraint]:
    keys = [item for item in op.columns if isinstance(item, ForeignKeyConstraint)]
    op.columns = [item for item in op.columns if not isinstance(item, ForeignKeyConstraint)]
    return sorted(keys, key=lambda key: str(key.name))


class ForeignKeys(OpContainer):
    """Creates or drops foreign keys of tables that may have rows.

    PostgreSQL checks the rows with a query of the owner's. Where row-level security is forced upon the owner, the query
    finds none, and the foreign key counts as valid whatever the rows hold. So it is not forced meanwhile; nobody else
    sees them, because ALTER TABLE locks the tables until the migration ends.
    """

    def __init__(self, forced: set[str], ops: Sequence[MigrateOperation] = ()) -> None:
        super().__init__(ops)
        self.forced = forced

    def reverse(self) -> ForeignKeys:
        return ForeignKeys(self.forced, [op.reverse() for op in self.ops])


@renderers.dispatch_for(ForeignKeys)
def render(context: AutogenContext, keys: ForeignKeys) -> list[str]:
    created = [op for op in keys.ops if isinstance(op, CreateForeignKeyOp)]
    names = keys.forced & {name for op in created for name in (op.source_table, op.referent_table)}
    tables = [quoted(name) for name in sorted(names)]
    return [
        *[f"op.execute({f'ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY'!r})" for table in tables],
        *[line for op in keys.ops for line in render_op(context, op)],
        *[f"op.execute({f'ALTER TABLE {table} FORCE ROW LEVEL SECURITY'!r})" for table in tables],
    ]
