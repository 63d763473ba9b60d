"""Add the context of an operator, who sees all organizations, and a table of when the jobs of the worker have run."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TABLES = ("organizations", "memberships", "invitations", "api_keys", "audit_events")
IS_OPERATOR = """
CREATE FUNCTION authapp_is_operator() RETURNS boolean LANGUAGE sql STABLE
    AS $$ SELECT coalesce(current_setting('authapp.operator', true), '') = 'on' $$
"""


def upgrade() -> None:
    op.execute(IS_OPERATOR)
    for table in TABLES:
        op.execute(
            f"CREATE POLICY {table}_operator ON {table} "
            "USING (authapp_is_operator()) WITH CHECK (authapp_is_operator())"
        )
    op.create_table(
        "jobs",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("succeeded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_jobs")),
    )


def downgrade() -> None:
    op.drop_table("jobs")
    for table in TABLES:
        op.execute(f"DROP POLICY {table}_operator ON {table}")
    op.execute("DROP FUNCTION authapp_is_operator()")
