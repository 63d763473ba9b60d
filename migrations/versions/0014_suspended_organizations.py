"""Let an organization be suspended, and then be without an active admin. Add an index for emails that were given up."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def keep_an_admin(live: str) -> str:
    """The function that the constraint triggers call, which looks at live organizations alone."""
    return f"""
CREATE OR REPLACE FUNCTION authapp_keep_an_admin(organization uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    opened text := coalesce(current_setting('authapp.organization_id', true), '');
BEGIN
    PERFORM set_config('authapp.organization_id', organization::text, true);
    PERFORM FROM organizations WHERE id = organization AND {live} FOR NO KEY UPDATE;
    IF FOUND AND NOT EXISTS (
        SELECT FROM memberships JOIN users ON users.id = memberships.user_id
        WHERE memberships.organization_id = organization AND memberships.role = 'admin'
            AND users.is_active AND users.deleted_at IS NULL
    ) THEN
        RAISE EXCEPTION 'organization % would be left without an active admin', organization
            USING ERRCODE = 'check_violation', CONSTRAINT = 'organizations_keep_an_admin';
    END IF;
    PERFORM set_config('authapp.organization_id', opened, true);
END
$$
"""


def trigger(columns: str, live: str) -> str:
    return f"""
DROP TRIGGER organizations_keep_an_admin ON organizations;
CREATE CONSTRAINT TRIGGER organizations_keep_an_admin AFTER INSERT OR UPDATE OF {columns} ON organizations
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ({live})
    EXECUTE FUNCTION authapp_keep_an_admin_of_organization()
"""


def upgrade() -> None:
    op.add_column("organizations", sa.Column("suspended_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("organizations", sa.Column("suspension_reason", sa.String(32), nullable=True))
    op.create_check_constraint(
        op.f("ck_organizations_suspension_reason"), "organizations", "suspension_reason IN ('operator', 'no_admin')"
    )
    op.create_check_constraint(
        op.f("ck_organizations_suspended_with_reason"),
        "organizations",
        "(suspended_at IS NULL) = (suspension_reason IS NULL)",
    )
    op.execute(keep_an_admin("deleted_at IS NULL AND suspended_at IS NULL"))
    op.execute(trigger("deleted_at, suspended_at", "NEW.deleted_at IS NULL AND NEW.suspended_at IS NULL"))
    op.create_index(
        "ix_outbox_id_dead", "outbox", ["id"], unique=False, postgresql_where=sa.text("dead_at IS NOT NULL")
    )


def downgrade() -> None:
    op.drop_index("ix_outbox_id_dead", table_name="outbox")
    op.execute(trigger("deleted_at", "NEW.deleted_at IS NULL"))
    op.execute(keep_an_admin("deleted_at IS NULL"))
    for constraint in ("suspended_with_reason", "suspension_reason"):
        op.drop_constraint(op.f(f"ck_organizations_{constraint}"), "organizations", type_="check")
    op.drop_column("organizations", "suspension_reason")
    op.drop_column("organizations", "suspended_at")
