"""Add the profile of accounts: the fields of the application."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    empty = sa.text("'{}'")
    op.add_column("users", sa.Column("profile", postgresql.JSONB(), server_default=empty, nullable=False))
    op.create_check_constraint(
        op.f("ck_users_profile_is_small"),
        "users",
        "jsonb_typeof(profile) = 'object' AND octet_length(profile::text) <= 16384",
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_users_profile_is_small"), "users", type_="check")
    op.drop_column("users", "profile")
