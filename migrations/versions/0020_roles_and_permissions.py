"""Let an application have other roles, and grant permissions to API keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

BUILT_IN = "role IN ('admin', 'developer', 'viewer')"
HAS_FORM = "role ~ '^[a-z][a-z0-9_]{0,31}$'"
TABLES = ("memberships", "invitations", "api_keys")


def constrain_roles(condition: str) -> None:
    for table in TABLES:
        op.drop_constraint(op.f(f"ck_{table}_role"), table, type_="check")
        op.create_check_constraint(op.f(f"ck_{table}_role"), table, condition)


def upgrade() -> None:
    constrain_roles(HAS_FORM)
    op.add_column("api_keys", sa.Column("permissions", sa.ARRAY(sa.Text()), server_default="{}", nullable=False))
    op.create_check_constraint(op.f("ck_api_keys_permissions_bounded"), "api_keys", "cardinality(permissions) <= 200")


def downgrade() -> None:
    op.drop_constraint(op.f("ck_api_keys_permissions_bounded"), "api_keys", type_="check")
    op.drop_column("api_keys", "permissions")
    constrain_roles(BUILT_IN)
