"""Add webhooks of organizations, and the deliveries of events to them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

HERE = "(organization_id = authapp_organization_id())"


def upgrade() -> None:
    create_webhooks()
    create_deliveries()
    for table in ("webhooks", "webhook_deliveries"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY {table}_shown ON {table} FOR SELECT USING {HERE}")
        op.execute(f"CREATE POLICY {table}_added ON {table} FOR INSERT WITH CHECK {HERE}")
        op.execute(f"CREATE POLICY {table}_changed ON {table} FOR UPDATE USING {HERE}")
        op.execute(f"CREATE POLICY {table}_removed ON {table} FOR DELETE USING {HERE}")
        op.execute(
            f"CREATE POLICY {table}_operator ON {table} "
            "USING (authapp_is_operator()) WITH CHECK (authapp_is_operator())"
        )


def create_webhooks() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.String(2048), nullable=False),
        sa.Column("actions", sa.ARRAY(sa.Text()), nullable=True),
        sa.Column("description", sa.String(200), nullable=True),
        sa.Column("encrypted_secret", sa.LargeBinary(), nullable=True),
        sa.Column("encrypted_previous_secret", sa.LargeBinary(), nullable=True),
        sa.Column("key_id", sa.String(16), nullable=False),
        sa.Column("previous_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disabled_reason", sa.String(32), nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("free_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("organization_id", sa.Uuid(), server_default=sa.text("authapp_organization_id()"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("cardinality(actions) > 0", name=op.f("ck_webhooks_some_actions")),
        sa.CheckConstraint(
            "deleted_at IS NOT NULL OR encrypted_secret IS NOT NULL", name=op.f("ck_webhooks_has_secret")
        ),
        sa.CheckConstraint("disabled_reason IN ('admin', 'gone', 'failing')", name=op.f("ck_webhooks_disabled_reason")),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_webhooks_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_webhooks_organization_id_id")),
    )
    op.create_index(
        "ix_webhooks_organization_id_id_undeleted",
        "webhooks",
        ["organization_id", "id"],
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_webhooks_deleted_at", "webhooks", ["deleted_at"], postgresql_where=sa.text("deleted_at IS NOT NULL")
    )


def create_deliveries() -> None:
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("webhook_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("status", sa.String(32), server_default="pending", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_status_code", sa.Integer(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("organization_id", sa.Uuid(), server_default=sa.text("authapp_organization_id()"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("status IN ('pending', 'delivered', 'dead')", name=op.f("ck_webhook_deliveries_status")),
        sa.CheckConstraint(
            "(status = 'pending') = (due_at IS NOT NULL)", name=op.f("ck_webhook_deliveries_due_while_pending")
        ),
        sa.CheckConstraint(
            "(status = 'pending') = (finished_at IS NULL)",
            name=op.f("ck_webhook_deliveries_finished_unless_pending"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_webhook_deliveries_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "webhook_id"],
            ["webhooks.organization_id", "webhooks.id"],
            name=op.f("fk_webhook_deliveries_organization_id_webhook_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
    )
    of_webhook = ["organization_id", "webhook_id"]
    op.create_index("ix_webhook_deliveries_organization_id_webhook_id_id", "webhook_deliveries", [*of_webhook, "id"])
    op.create_index(
        "ix_webhook_deliveries_organization_id_webhook_id_status_id",
        "webhook_deliveries",
        [*of_webhook, "status", "id"],
    )
    op.create_index(
        "ix_webhook_deliveries_webhook_id_due_at_pending",
        "webhook_deliveries",
        ["webhook_id", "due_at"],
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index(
        "ix_webhook_deliveries_finished_at",
        "webhook_deliveries",
        ["finished_at"],
        postgresql_where=sa.text("finished_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_table("webhook_deliveries")
    op.drop_table("webhooks")
