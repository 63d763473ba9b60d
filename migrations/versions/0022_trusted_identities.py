"""Add trusted identities, whose jobs sign in without a stored secret, and the tokens that they have used."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

HERE = "organization_id = authapp_organization_id()"
POLICIES = {
    "shown": "FOR SELECT USING (CASE WHEN authapp_organization_id() IS NULL THEN id = authapp_credential_id() "
    f"ELSE {HERE} END)",
    "added": f"FOR INSERT WITH CHECK ({HERE})",
    "changed": f"FOR UPDATE USING ({HERE})",
    "removed": f"FOR DELETE USING ({HERE})",
    "operator": "USING (authapp_is_operator()) WITH CHECK (authapp_is_operator())",
}

LOOK_UP = """
CREATE OR REPLACE FUNCTION authapp_workload(_identity uuid, _organization uuid, _or_own boolean)
    RETURNS TABLE (identity trusted_identities, organization organizations) LANGUAGE plpgsql ROWS 1 AS $$
BEGIN
    PERFORM set_config('authapp.credential_id', _identity::text, true);
    SELECT * INTO identity FROM trusted_identities i WHERE i.id = _identity;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF _organization IS NULL AND _or_own THEN
        _organization := identity.organization_id;
    END IF;
    IF identity.organization_id = _organization THEN
        PERFORM set_config('authapp.organization_id', _organization::text, true);
        SELECT * INTO organization FROM organizations o WHERE o.id = _organization AND o.deleted_at IS NULL;
        IF NOT FOUND THEN
            PERFORM set_config('authapp.organization_id', '', true);
        END IF;
    END IF;
    RETURN NEXT;
END
$$;
"""

ACTOR_TYPE = "ck_audit_events_actor_type"
CALLERS = ("user", "api_key")


def upgrade() -> None:
    op.create_table(
        "trusted_identities",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("issuer", sa.String(length=255), nullable=False),
        sa.Column("claims", postgresql.JSONB(), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), server_default=sa.text("authapp_organization_id()"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("role ~ '^[a-z][a-z0-9_]{0,31}$'", name=op.f("ck_trusted_identities_role")),
        sa.CheckConstraint("role <> 'admin'", name=op.f("ck_trusted_identities_role_below_admin")),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_trusted_identities_created_by")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_trusted_identities_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trusted_identities")),
    )
    op.create_index("ix_trusted_identities_organization_id_id", "trusted_identities", ["organization_id", "id"])
    op.execute("ALTER TABLE trusted_identities ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    for name, rule in POLICIES.items():
        op.execute(f"CREATE POLICY trusted_identities_{name} ON trusted_identities {rule}")
    op.create_table(
        "used_job_tokens",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_used_job_tokens")),
    )
    op.create_index("ix_used_job_tokens_expires_at", "used_job_tokens", ["expires_at"])
    op.execute(LOOK_UP)
    _let_act(*CALLERS, "workload")


def downgrade() -> None:
    op.execute("SELECT set_config('authapp.operator', 'on', true)")  # or row-level security hides them
    op.execute("UPDATE audit_events SET actor_type = NULL WHERE actor_type = 'workload'")
    _let_act(*CALLERS)
    op.execute("DROP FUNCTION authapp_workload(uuid, uuid, boolean)")
    op.drop_table("used_job_tokens")
    op.drop_table("trusted_identities")


def _let_act(*callers: str) -> None:
    """The kinds of callers that the audit log may name. It is read once, and locked meanwhile."""
    op.execute(f"ALTER TABLE audit_events DROP CONSTRAINT {ACTOR_TYPE}")
    listed = ", ".join(f"'{caller}'" for caller in callers)
    op.execute(f"ALTER TABLE audit_events ADD CONSTRAINT {ACTOR_TYPE} CHECK (actor_type IN ({listed}))")
