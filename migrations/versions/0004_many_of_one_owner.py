"""Add indexes for long lists, founders of organizations, and policies for accounts with many organizations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# With the setting authapp.all_organizations, a transaction reaches the rows of all organizations of its account, so
# that an account leaves a thousand of them in as many statements as one. The policy of memberships cannot read
# memberships itself, but a function can. It is PL/pgSQL, which PostgreSQL does not inline: a sub-select in a policy is
# planned with every statement and doubled the cost of an INSERT into the audit log.
ACCOUNT_BELONGS_TO = """
CREATE FUNCTION authapp_account_belongs_to(_organization uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF coalesce(current_setting('authapp.all_organizations', true), '') = '' THEN
        RETURN false;
    END IF;
    RETURN EXISTS (SELECT FROM memberships WHERE user_id = authapp_user_id() AND organization_id = _organization);
END
$$
"""

# At most 100 are shown; the one more says that there are others. The limit is applied in the order of the primary key
# of memberships, so that an account with thousands of them reads no more than that.
MEMBERSHIPS = """
CREATE OR REPLACE FUNCTION authapp_memberships(_account uuid) RETURNS json LANGUAGE plpgsql AS $$
BEGIN
    RETURN (
        SELECT coalesce(json_agg(json_build_object(
            'organization', json_build_object('id', mine.id, 'name', mine.name, 'slug', mine.slug), 'role', mine.role
        ) ORDER BY mine.id), '[]')
        FROM (
            SELECT o.id, o.name, o.slug, m.role FROM memberships m JOIN organizations o ON o.id = m.organization_id
            WHERE m.user_id = _account AND o.deleted_at IS NULL ORDER BY m.organization_id LIMIT 101
        ) AS mine
    );
END
$$
"""
MEMBERSHIPS_BEFORE = """
CREATE OR REPLACE FUNCTION authapp_memberships(_account uuid) RETURNS json LANGUAGE plpgsql AS $$
BEGIN
    RETURN (
        SELECT coalesce(json_agg(json_build_object(
            'organization', json_build_object('id', o.id, 'name', o.name, 'slug', o.slug), 'role', m.role
        ) ORDER BY o.id), '[]')
        FROM memberships m JOIN organizations o ON o.id = m.organization_id
        WHERE m.user_id = _account AND o.deleted_at IS NULL
    );
END
$$
"""

MINE = "user_id = authapp_user_id()"
BELONGS = f"EXISTS (SELECT FROM memberships WHERE organization_id = organizations.id AND {MINE})"
FOUNDED = "founded_by = authapp_user_id()"
PRESENTED = "id = authapp_credential_id()"
IS_HERE = "organization_id = authapp_organization_id()"
IN_ALL = "authapp_account_belongs_to(organization_id)"


def here_or(otherwise: str, is_here: str = IS_HERE) -> str:
    """Admit the rows of the organization that is set, and others while none is set."""
    return f"CASE WHEN authapp_organization_id() IS NULL THEN {otherwise} ELSE {is_here} END"


IS_THIS, IN_ALL_OF_THESE = "id = authapp_organization_id()", "authapp_account_belongs_to(id)"
# Policy: its table, its condition before, and now.
POLICIES = {
    # the inner CASE keeps the function, which reads the account's own rows, from being called for those
    "memberships_shown": ("memberships", here_or(MINE), here_or(f"CASE WHEN {MINE} THEN true ELSE {IN_ALL} END")),
    "memberships_removed": ("memberships", IS_HERE, here_or(IN_ALL)),
    # an organization counts towards the limit of its founder, even after the founder has left it
    "organizations_shown": (
        "organizations",
        here_or(BELONGS, IS_THIS),
        here_or(f"{BELONGS} OR {FOUNDED}", IS_THIS),
    ),
    "organizations_changed": ("organizations", IS_THIS, here_or(IN_ALL_OF_THESE, IS_THIS)),
    "invitations_shown": ("invitations", here_or(PRESENTED), here_or(f"{PRESENTED} OR {IN_ALL}")),
    "invitations_changed": ("invitations", IS_HERE, here_or(IN_ALL)),
}
WRITTEN_BEFORE, WRITTEN = (f"organization_id IS NULL OR {admitted}" for admitted in (IS_HERE, here_or(IN_ALL)))

# From the audit log, which like organizations is read past its policies only while they are not forced on the owner.
FOUNDERS = """
ALTER TABLE organizations NO FORCE ROW LEVEL SECURITY, DISABLE TRIGGER organizations_touch_updated_at;
ALTER TABLE audit_events NO FORCE ROW LEVEL SECURITY;
UPDATE organizations SET founded_by = audit_events.user_id FROM audit_events
WHERE audit_events.organization_id = organizations.id AND audit_events.action = 'organization.created';
ALTER TABLE organizations FORCE ROW LEVEL SECURITY, ENABLE TRIGGER organizations_touch_updated_at;
ALTER TABLE audit_events FORCE ROW LEVEL SECURITY
"""

OF_ORGANIZATION = "organization_id IS NOT NULL"
UNREVOKED = "revoked_at IS NULL"
# Index: its table, columns and condition. Each serves a list or a look-up in the order in which it is read.
INDEXES: dict[str, tuple[str, list[str], str | None]] = {
    "ix_organizations_founded_by_live": ("organizations", ["founded_by"], "deleted_at IS NULL"),
    "ix_memberships_organization_id_role_user_id": ("memberships", ["organization_id", "role", "user_id"], None),
    "ix_invitations_organization_id_id": ("invitations", ["organization_id", "id"], None),
    "ix_invitations_invited_by_organization_id_pending": (
        "invitations",
        ["invited_by", "organization_id"],
        "status = 'pending'",
    ),
    "ix_api_keys_organization_id_id_unrevoked": ("api_keys", ["organization_id", "id"], UNREVOKED),
    "ix_api_keys_organization_id_expires_at_unrevoked": ("api_keys", ["organization_id", "expires_at"], UNREVOKED),
    "ix_audit_events_organization_id_action_id": (
        "audit_events",
        ["organization_id", "action", "id"],
        OF_ORGANIZATION,
    ),
    "ix_audit_events_organization_id_actor_id_id": (
        "audit_events",
        ["organization_id", "actor_id", "id"],
        OF_ORGANIZATION,
    ),
    "ix_audit_events_organization_id_actor_id_action_id": (
        "audit_events",
        ["organization_id", "actor_id", "action", "id"],
        OF_ORGANIZATION,
    ),
}
REPLACED = ("invitations", "api_keys")  # whose index of organization_id alone is the beginning of one above


def upgrade() -> None:
    op.execute(ACCOUNT_BELONGS_TO)
    op.execute(MEMBERSHIPS)
    op.add_column("organizations", sa.Column("founded_by", sa.Uuid(), nullable=True))
    op.execute(FOUNDERS)
    op.create_foreign_key(op.f("fk_organizations_founded_by"), "organizations", "users", ["founded_by"], ["id"])
    for name, (table, _, condition) in POLICIES.items():
        op.execute(f"ALTER POLICY {name} ON {table} USING ({condition})")
    op.execute(f"ALTER POLICY audit_events_written ON audit_events WITH CHECK ({WRITTEN})")
    for name, (table, columns, where) in INDEXES.items():
        op.create_index(name, table, columns, unique=False, postgresql_where=sa.text(where) if where else None)
    for table in REPLACED:
        op.drop_index(op.f(f"ix_{table}_organization_id"), table_name=table)


def downgrade() -> None:
    for table in REPLACED:
        op.create_index(op.f(f"ix_{table}_organization_id"), table, ["organization_id"], unique=False)
    for name, (table, _, _) in INDEXES.items():
        op.drop_index(name, table_name=table)
    op.execute(f"ALTER POLICY audit_events_written ON audit_events WITH CHECK ({WRITTEN_BEFORE})")
    for name, (table, condition, _) in POLICIES.items():
        op.execute(f"ALTER POLICY {name} ON {table} USING ({condition})")
    op.drop_column("organizations", "founded_by")
    op.execute(MEMBERSHIPS_BEFORE)
    op.execute("DROP FUNCTION authapp_account_belongs_to(uuid)")
