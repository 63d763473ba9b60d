"""Add when an account was erased and an organization purged, and what finds their rows.

Whoever exports an account sees the invitations to its address, once that is verified.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

COLUMNS = {"users": "erased_at", "organizations": "purged_at"}
# Index: its table, columns and condition.
INDEXES: dict[str, tuple[str, list[str], str | None]] = {
    "ix_users_deleted_at_due": ("users", ["deleted_at"], "deleted_at IS NOT NULL AND erased_at IS NULL"),
    "ix_users_erased_at": ("users", ["erased_at"], "erased_at IS NOT NULL"),
    "ix_organizations_deleted_at_due": (
        "organizations",
        ["deleted_at"],
        "deleted_at IS NOT NULL AND purged_at IS NULL",
    ),
    "ix_sessions_user_id_id": ("sessions", ["user_id", "id"], None),
    "ix_invitations_email": ("invitations", ["email"], None),
    "ix_invitations_invited_by_id": ("invitations", ["invited_by", "id"], None),
}
RECEIVED = """
CREATE POLICY invitations_received ON invitations FOR SELECT USING (
    authapp_organization_id() IS NULL AND coalesce(current_setting('authapp.all_organizations', true), '') = 'on'
    AND email = (SELECT email FROM users WHERE id = authapp_user_id() AND email_verified)
)
"""


def upgrade() -> None:
    for table, column in COLUMNS.items():
        op.add_column(table, sa.Column(column, sa.DateTime(timezone=True), nullable=True))
    for name, (table, columns, where) in INDEXES.items():
        op.create_index(name, table, columns, unique=False, postgresql_where=sa.text(where) if where else None)
    op.execute(RECEIVED)


def downgrade() -> None:
    op.execute("DROP POLICY invitations_received ON invitations")
    for name, (table, _, _) in INDEXES.items():
        op.drop_index(name, table_name=table)
    for table, column in COLUMNS.items():
        op.drop_column(table, column)
