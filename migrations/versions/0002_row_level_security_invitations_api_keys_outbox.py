"""Add row-level security, invitations, API keys and the outbox."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Table: the column that names its organization.
SECURED = {
    "organizations": "id",
    "memberships": "organization_id",
    "invitations": "organization_id",
    "api_keys": "organization_id",
}

# The tenant context of this transaction; see authapp/db/tenancy.py. A reset setting reads as ''.
OPEN = """
CREATE FUNCTION {name}() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('{setting}', true), '')::uuid
"""
OPENED = {
    "authapp_organization_id": "authapp.organization_id",
    "authapp_user_id": "authapp.user_id",
    "authapp_credential_id": "authapp.credential_id",
}

# While no organization is set: where an account is a member, its events, and the one credential that is presented.
UNOPENED = """
CREATE POLICY {name} ON {table} FOR SELECT USING (authapp_organization_id() IS NULL AND {shown})
"""
SHOWN = {
    "memberships_mine": ("memberships", "user_id = authapp_user_id()"),
    "organizations_mine": (
        "organizations",
        "EXISTS (SELECT FROM memberships WHERE organization_id = organizations.id AND user_id = authapp_user_id())",
    ),
    "audit_events_mine": ("audit_events", "user_id = authapp_user_id()"),
    "api_keys_presented": ("api_keys", "id = authapp_credential_id()"),
    "invitations_presented": ("invitations", "id = authapp_credential_id()"),
}

# The audit log is only ever added to, so it gets no policy for UPDATE and DELETE. Signing in is outside organizations.
AUDIT_EVENTS = """
ALTER TABLE audit_events ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY audit_events_open ON audit_events FOR SELECT USING (organization_id = authapp_organization_id());
CREATE POLICY audit_events_written ON audit_events FOR INSERT
    WITH CHECK (organization_id IS NULL OR organization_id = authapp_organization_id())
"""

# Two transactions that each take an admin away meet at the organization's row, and the second counts after the first.
# The tenant context is the same again afterwards: a trigger may run in the middle of a transaction.
KEEP_AN_ADMIN = """
CREATE FUNCTION authapp_keep_an_admin(organization uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    opened text := coalesce(current_setting('authapp.organization_id', true), '');
BEGIN
    PERFORM set_config('authapp.organization_id', organization::text, true);
    PERFORM FROM organizations WHERE id = organization AND deleted_at IS NULL FOR NO KEY UPDATE;
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
$$;

CREATE FUNCTION authapp_keep_an_admin_of_membership() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM authapp_keep_an_admin(OLD.organization_id);
    RETURN NULL;
END
$$;

CREATE FUNCTION authapp_keep_an_admin_of_organization() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM authapp_keep_an_admin(NEW.id);
    RETURN NULL;
END
$$;

CREATE FUNCTION authapp_keep_an_admin_of_user() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    organization uuid;
    opened text := coalesce(current_setting('authapp.organization_id', true), '');
    account text := coalesce(current_setting('authapp.user_id', true), '');
    administered uuid[];
BEGIN
    PERFORM set_config('authapp.organization_id', '', true), set_config('authapp.user_id', OLD.id::text, true);
    administered := ARRAY(
        SELECT organization_id FROM memberships WHERE user_id = OLD.id AND role = 'admin' ORDER BY organization_id
    );
    FOREACH organization IN ARRAY administered LOOP
        PERFORM authapp_keep_an_admin(organization);
    END LOOP;
    PERFORM set_config('authapp.organization_id', opened, true), set_config('authapp.user_id', account, true);
    RETURN NULL;
END
$$;

CREATE CONSTRAINT TRIGGER memberships_keep_an_admin AFTER UPDATE OR DELETE ON memberships
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.role = 'admin')
    EXECUTE FUNCTION authapp_keep_an_admin_of_membership();

CREATE CONSTRAINT TRIGGER organizations_keep_an_admin AFTER INSERT OR UPDATE OF deleted_at ON organizations
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.deleted_at IS NULL)
    EXECUTE FUNCTION authapp_keep_an_admin_of_organization();

CREATE CONSTRAINT TRIGGER users_keep_an_admin AFTER UPDATE OF is_active, deleted_at ON users
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NOT NEW.is_active OR NEW.deleted_at IS NOT NULL)
    EXECUTE FUNCTION authapp_keep_an_admin_of_user()
"""

# Using a key is not a change of it.
TOUCHED = {"invitations": "true", "api_keys": "OLD.last_used_at IS NOT DISTINCT FROM NEW.last_used_at"}


def upgrade() -> None:
    for name, setting in OPENED.items():
        op.execute(OPEN.format(name=name, setting=setting))
    op.create_table(
        "outbox",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("about_id", sa.Uuid(), nullable=True),
        sa.Column("recipient", sa.String(length=254), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dead_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.create_index(
        "ix_outbox_due_at", "outbox", ["due_at"], unique=False, postgresql_where=sa.text("due_at IS NOT NULL")
    )
    op.create_index("ix_outbox_about_id_unsent", "outbox", ["about_id"], postgresql_where=sa.text("sent_at IS NULL"))
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column(
            "role",
            sa.Enum("admin", "developer", "viewer", name="role", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("previous_secret_hash", sa.LargeBinary(), nullable=True),
        sa.Column("previous_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("organization_id", sa.Uuid(), server_default=sa.text("authapp_organization_id()"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("role <> 'admin'", name=op.f("ck_api_keys_role_below_admin")),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_api_keys_created_by")),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_api_keys_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
    )
    op.create_index(op.f("ix_api_keys_organization_id"), "api_keys", ["organization_id"], unique=False)
    op.create_table(
        "invitations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column(
            "role",
            sa.Enum("admin", "developer", "viewer", name="role", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "pending",
                "accepted",
                "declined",
                "revoked",
                "expired",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="pending",
            nullable=False,
        ),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("invited_by", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), server_default=sa.text("authapp_organization_id()"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["invited_by"], ["users.id"], name=op.f("fk_invitations_invited_by")),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_invitations_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
    )
    op.create_index(op.f("ix_invitations_organization_id"), "invitations", ["organization_id"], unique=False)
    op.create_index(
        "uq_invitations_organization_id_email_pending",
        "invitations",
        ["organization_id", "email"],
        unique=True,
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.add_column("audit_events", sa.Column("target_id", sa.Uuid(), nullable=True))
    op.add_column(
        "audit_events",
        sa.Column(
            "actor_type",
            sa.Enum("user", "api_key", name="actor_type", native_enum=False, create_constraint=True, length=32),
            nullable=True,
        ),
    )
    op.drop_constraint(op.f("fk_audit_events_actor_id"), "audit_events", type_="foreignkey")
    op.drop_index(op.f("ix_memberships_organization_id"), table_name="memberships")
    op.create_index(
        "ix_memberships_organization_id_user_id", "memberships", ["organization_id", "user_id"], unique=False
    )
    op.drop_constraint("action_grammar", "audit_events", type_="check")
    op.create_check_constraint("action_grammar", "audit_events", r"action ~ '^[a-z_]+(\.[a-z_]+)+$'")
    op.alter_column("audit_events", "created_at", server_default=sa.text("clock_timestamp()"))
    op.execute("UPDATE audit_events SET actor_type = 'user' WHERE actor_id IS NOT NULL")
    op.execute("UPDATE audit_events SET target_id = organization_id WHERE action LIKE 'organization.%'")
    op.execute("UPDATE audit_events SET target_id = session_id, session_id = NULL WHERE action LIKE 'session.%'")
    op.execute("UPDATE audit_events SET target_id = user_id WHERE action LIKE 'user.%'")
    for table, changed in TOUCHED.items():
        op.execute(
            f"CREATE TRIGGER {table}_touch_updated_at BEFORE UPDATE ON {table} "
            f"FOR EACH ROW WHEN ({changed}) EXECUTE FUNCTION authapp_touch_updated_at()"
        )
    for table, column in SECURED.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY {table}_open ON {table} USING ({column} = authapp_organization_id())")
    op.execute(AUDIT_EVENTS)
    for name, (table, shown) in SHOWN.items():
        op.execute(UNOPENED.format(name=name, table=table, shown=shown))
    op.execute(KEEP_AN_ADMIN)


def downgrade() -> None:
    for table in ("users", "organizations", "memberships"):
        op.execute(f"DROP TRIGGER {table}_keep_an_admin ON {table}")
    for function in ("_of_user", "_of_organization", "_of_membership"):
        op.execute(f"DROP FUNCTION authapp_keep_an_admin{function}()")
    op.execute("DROP FUNCTION authapp_keep_an_admin(uuid)")
    for name, (table, _) in reversed(SHOWN.items()):
        op.execute(f"DROP POLICY {name} ON {table}")
    op.execute("DROP POLICY audit_events_written ON audit_events")
    for table in ("audit_events", "api_keys", "invitations", "memberships", "organizations"):
        op.execute(f"DROP POLICY {table}_open ON {table}")
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY")
    op.drop_constraint("action_grammar", "audit_events", type_="check")
    op.alter_column("audit_events", "created_at", server_default=sa.text("now()"))
    op.execute("UPDATE audit_events SET session_id = target_id WHERE action LIKE 'session.%'")
    op.execute("DELETE FROM audit_events WHERE action !~ '^[a-z]+(\\.[a-z_]+)+$' OR actor_type = 'api_key'")
    op.create_check_constraint("action_grammar", "audit_events", r"action ~ '^[a-z]+(\.[a-z_]+)+$'")
    op.drop_index("ix_memberships_organization_id_user_id", table_name="memberships")
    op.create_index(op.f("ix_memberships_organization_id"), "memberships", ["organization_id"], unique=False)
    op.create_foreign_key(op.f("fk_audit_events_actor_id"), "audit_events", "users", ["actor_id"], ["id"])
    op.drop_column("audit_events", "actor_type")
    op.drop_column("audit_events", "target_id")
    op.drop_index(
        "uq_invitations_organization_id_email_pending",
        table_name="invitations",
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.drop_index(op.f("ix_invitations_organization_id"), table_name="invitations")
    op.drop_table("invitations")
    op.drop_index(op.f("ix_api_keys_organization_id"), table_name="api_keys")
    op.drop_table("api_keys")
    op.drop_index("ix_outbox_about_id_unsent", table_name="outbox", postgresql_where=sa.text("sent_at IS NULL"))
    op.drop_index("ix_outbox_due_at", table_name="outbox", postgresql_where=sa.text("due_at IS NOT NULL"))
    op.drop_table("outbox")
    for name in reversed(OPENED):
        op.execute(f"DROP FUNCTION {name}()")
