"""Add what emails need that are composed when they are sent, and the limits of emails to one address."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# An email to an account names the API keys that it has created, whatever their organizations.
CREATED_BY_ME = """
CREATE POLICY api_keys_created ON api_keys FOR SELECT
USING (CASE WHEN authapp_organization_id() IS NULL THEN created_by = authapp_user_id() ELSE false END)
"""


def upgrade() -> None:
    op.add_column("outbox", sa.Column("encrypted_context", sa.LargeBinary(), nullable=True))
    op.create_index(op.f("ix_outbox_recipient_created_at"), "outbox", ["recipient", "created_at"])
    op.create_index(
        "ix_api_keys_created_by_id_unrevoked",
        "api_keys",
        ["created_by", "id"],
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
    op.execute(CREATED_BY_ME)


def downgrade() -> None:
    op.execute("DROP POLICY api_keys_created ON api_keys")
    op.drop_index("ix_api_keys_created_by_id_unrevoked", table_name="api_keys")
    op.drop_index(op.f("ix_outbox_recipient_created_at"), table_name="outbox")
    # Those that are not composed yet would be sent without a text.
    op.execute("DELETE FROM outbox WHERE encrypted_body IS NULL AND sent_at IS NULL")
    op.drop_column("outbox", "encrypted_context")
