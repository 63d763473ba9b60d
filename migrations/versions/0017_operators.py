"""Add the flag of accounts whose owners are operators. Only an active account has it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("is_operator", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_check_constraint(
        op.f("ck_users_operator_is_active"), "users", "NOT is_operator OR (is_active AND deleted_at IS NULL)"
    )
    op.create_index("ix_users_id_operator", "users", ["id"], postgresql_where=sa.text("is_operator"))


def downgrade() -> None:
    op.drop_index("ix_users_id_operator", table_name="users")
    op.drop_constraint(op.f("ck_users_operator_is_active"), "users", type_="check")
    op.drop_column("users", "is_operator")
