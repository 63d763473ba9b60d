"""Add indexes by which old rows are found, and policies that read no other row for an account that leaves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

# Index: its table, column and condition.
INDEXES: dict[str, tuple[str, str, str | None]] = {
    "ix_sessions_expires_at_live": ("sessions", "expires_at", "ended_at IS NULL"),
    "ix_sessions_ended_at": ("sessions", "ended_at", "ended_at IS NOT NULL"),
    "ix_one_time_tokens_expires_at": ("one_time_tokens", "expires_at", None),
    "ix_mfa_challenges_expires_at": ("mfa_challenges", "expires_at", None),
    "ix_known_devices_expires_at": ("known_devices", "expires_at", None),
    "ix_outbox_sent_at": ("outbox", "sent_at", "sent_at IS NOT NULL"),
    "ix_outbox_dead_at": ("outbox", "dead_at", "dead_at IS NOT NULL"),
    "ix_invitations_expires_at": ("invitations", "expires_at", None),
    "ix_api_keys_revoked_at": ("api_keys", "revoked_at", "revoked_at IS NOT NULL"),
    "ix_api_keys_expires_at": ("api_keys", "expires_at", "expires_at IS NOT NULL"),
}

IN_ALL_ORGANIZATIONS = """
CREATE FUNCTION authapp_in_all_organizations() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce(current_setting('authapp.all_organizations', true), '') = 'on'
"""
HERE = "organization_id = authapp_organization_id()"
BELONGS_TO_THIS = "EXISTS (SELECT FROM memberships WHERE organization_id = organizations.id AND {mine})"
MINE = "user_id = authapp_user_id()"
ALL = "authapp_in_all_organizations()"


def here_or(otherwise: str, here: str = HERE) -> str:
    """Admit the rows of the organization that is set, and others while none is set."""
    return f"CASE WHEN authapp_organization_id() IS NULL THEN {otherwise} ELSE {here} END"


# Policy: its table, its condition before, and now. An account that leaves everywhere reaches its own memberships and
# the invitations that it has sent, of which there may be tens of thousands: their own columns tell that they are its
# own, so that no function is called for each of them. Organizations are looked up in one hash of the memberships.
POLICIES = {
    "memberships_removed": (
        "memberships",
        here_or("authapp_account_belongs_to(organization_id)"),
        here_or(f"{ALL} AND {MINE}"),
    ),
    "invitations_shown": (
        "invitations",
        here_or("id = authapp_credential_id() OR authapp_account_belongs_to(organization_id)"),
        here_or(f"id = authapp_credential_id() OR ({ALL} AND invited_by = authapp_user_id())"),
    ),
    "invitations_changed": (
        "invitations",
        here_or("authapp_account_belongs_to(organization_id)"),
        here_or(f"{ALL} AND invited_by = authapp_user_id()"),
    ),
    "organizations_changed": (
        "organizations",
        here_or("authapp_account_belongs_to(id)", "id = authapp_organization_id()"),
        here_or(f"{ALL} AND {BELONGS_TO_THIS.format(mine=MINE)}", "id = authapp_organization_id()"),
    ),
}


def upgrade() -> None:
    for name, (table, column, where) in INDEXES.items():
        op.create_index(name, table, [column], unique=False, postgresql_where=sa.text(where) if where else None)
    due = sa.text("due_at IS NOT NULL")  # those that are due at the same moment are sent in their order
    op.drop_index("ix_outbox_due_at", table_name="outbox")
    op.create_index("ix_outbox_due_at_id", "outbox", ["due_at", "id"], unique=False, postgresql_where=due)
    op.execute(IN_ALL_ORGANIZATIONS)
    for name, (table, _, condition) in POLICIES.items():
        op.execute(f"ALTER POLICY {name} ON {table} USING ({condition})")


def downgrade() -> None:
    for name, (table, condition, _) in POLICIES.items():
        op.execute(f"ALTER POLICY {name} ON {table} USING ({condition})")
    op.execute("DROP FUNCTION authapp_in_all_organizations()")
    for name, (table, _, _) in INDEXES.items():
        op.drop_index(name, table_name=table)
    op.drop_index("ix_outbox_due_at_id", table_name="outbox")
    due = sa.text("due_at IS NOT NULL")
    op.create_index("ix_outbox_due_at", "outbox", ["due_at"], unique=False, postgresql_where=due)
