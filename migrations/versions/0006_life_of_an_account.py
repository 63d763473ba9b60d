"""Add tokens of emails, second factors, known devices and counters of attempts; accounts without a password."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# A guard asks when and how the session has authenticated.
SESSION = """
CREATE OR REPLACE FUNCTION authapp_session(_session uuid, _account uuid, _moment timestamptz)
    RETURNS TABLE (account users, authenticated_at timestamptz, amr varchar[]) LANGUAGE plpgsql ROWS 1 AS $$
BEGIN
    RETURN QUERY
        SELECT u, s.authenticated_at, s.amr FROM users u JOIN sessions s ON s.user_id = u.id
        WHERE s.id = _session AND u.id = _account
            AND s.ended_at IS NULL AND s.expires_at > _moment AND u.deleted_at IS NULL;
    IF FOUND THEN
        PERFORM set_config('authapp.user_id', _account::text, true);
    END IF;
END
$$
"""
SESSION_IN = """
CREATE OR REPLACE FUNCTION authapp_session_in(
    _session uuid, _account uuid, _moment timestamptz, _organization uuid
)
    RETURNS TABLE (
        account users, authenticated_at timestamptz, amr varchar[], organization organizations, role varchar
    ) LANGUAGE plpgsql ROWS 1 AS $$
DECLARE
    session record;
BEGIN
    SELECT * INTO session FROM authapp_session(_session, _account, _moment);
    IF NOT FOUND THEN
        RETURN;
    END IF;
    account := session.account;
    authenticated_at := session.authenticated_at;
    amr := session.amr;
    RETURN QUERY
        SELECT account, authenticated_at, amr, o, m.role
        FROM memberships m JOIN organizations o ON o.id = m.organization_id
        WHERE m.user_id = _account AND m.organization_id = _organization AND o.deleted_at IS NULL;
    IF FOUND THEN
        PERFORM set_config('authapp.organization_id', _organization::text, true);
    ELSE
        RETURN NEXT;
    END IF;
END
$$
"""
SESSION_BEFORE = """
CREATE OR REPLACE FUNCTION authapp_session(_session uuid, _account uuid, _moment timestamptz)
    RETURNS SETOF users LANGUAGE plpgsql ROWS 1 AS $$
BEGIN
    RETURN QUERY
        SELECT users.* FROM users JOIN sessions ON sessions.user_id = users.id
        WHERE sessions.id = _session AND users.id = _account
            AND sessions.ended_at IS NULL AND sessions.expires_at > _moment AND users.deleted_at IS NULL;
    IF FOUND THEN
        PERFORM set_config('authapp.user_id', _account::text, true);
    END IF;
END
$$
"""
SESSION_IN_BEFORE = """
CREATE OR REPLACE FUNCTION authapp_session_in(
    _session uuid, _account uuid, _moment timestamptz, _organization uuid
)
    RETURNS TABLE (account users, organization organizations, role varchar) LANGUAGE plpgsql ROWS 1 AS $$
BEGIN
    SELECT * INTO account FROM authapp_session(_session, _account, _moment);
    IF NOT FOUND THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT account, o, m.role FROM memberships m JOIN organizations o ON o.id = m.organization_id
        WHERE m.user_id = _account AND m.organization_id = _organization AND o.deleted_at IS NULL;
    IF FOUND THEN
        PERFORM set_config('authapp.organization_id', _organization::text, true);
    ELSE
        RETURN NEXT;
    END IF;
END
$$
"""


def timestamp(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def created_at() -> sa.Column[object]:
    return sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)


def upgrade() -> None:
    op.alter_column("users", "password_hash", existing_type=sa.String(128), nullable=True)
    has_password = sa.Computed("password_hash IS NOT NULL", persisted=True)
    op.add_column("users", sa.Column("has_password", sa.Boolean(), has_password, nullable=False))
    op.drop_column("invitations", "token_hash")  # pending invitations have to be sent again
    create_one_time_tokens()
    create_second_factors()
    create_sign_in_tables()
    replace_look_ups(SESSION, SESSION_IN)


def create_one_time_tokens() -> None:
    op.create_table(
        "one_time_tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(32), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("takes_back", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        timestamp("expires_at"),
        timestamp("used_at", nullable=True),
        created_at(),
        sa.CheckConstraint(
            "purpose IN ('invitation', 'verification', 'change', 'undo_change', 'reset')",
            name=op.f("ck_one_time_tokens_purpose"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_one_time_tokens")),
        sa.UniqueConstraint("owner_id", "purpose", name=op.f("uq_one_time_tokens_owner_id_purpose")),
    )
    op.create_index(
        "ix_one_time_tokens_email_undo",
        "one_time_tokens",
        ["email"],
        postgresql_where=sa.text("purpose = 'undo_change'"),
    )


def create_second_factors() -> None:
    op.create_table(
        "totp_factors",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("encrypted_secret", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(16), nullable=False),
        timestamp("confirmed_at", nullable=True),
        sa.Column("last_step", sa.Integer(), nullable=True),
        created_at(),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_totp_factors_user_id")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_totp_factors")),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        timestamp("used_at", nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_recovery_codes_user_id")),
        sa.PrimaryKeyConstraint("user_id", "code_hash", name=op.f("pk_recovery_codes")),
    )
    op.create_table(
        "mfa_challenges",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("amr", postgresql.ARRAY(sa.String(16)), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=True),
        timestamp("expires_at"),
        created_at(),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_mfa_challenges_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mfa_challenges")),
    )
    op.create_index("ix_mfa_challenges_user_id_expires_at", "mfa_challenges", ["user_id", "expires_at"])


def create_sign_in_tables() -> None:
    op.create_table(
        "known_devices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        timestamp("expires_at"),
        created_at(),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_known_devices_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_known_devices")),
    )
    op.create_index("ix_known_devices_user_id_expires_at", "known_devices", ["user_id", "expires_at"])
    op.add_column("sessions", sa.Column("device_id", sa.Uuid(), nullable=True))
    op.create_table(
        "attempt_counters",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("subject", sa.LargeBinary(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        timestamp("next_at"),
        timestamp("updated_at"),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_attempt_counters")),
    )
    op.create_index(op.f("ix_attempt_counters_updated_at"), "attempt_counters", ["updated_at"])
    op.create_index(
        "ix_attempt_counters_subject",
        "attempt_counters",
        ["subject"],
        postgresql_where=sa.text("subject IS NOT NULL"),
    )


def replace_look_ups(*definitions: str) -> None:
    op.execute("DROP FUNCTION authapp_session_in(uuid, uuid, timestamptz, uuid)")
    op.execute("DROP FUNCTION authapp_session(uuid, uuid, timestamptz)")
    for definition in definitions:
        op.execute(definition)


def downgrade() -> None:
    replace_look_ups(SESSION_BEFORE, SESSION_IN_BEFORE)
    op.drop_column("sessions", "device_id")
    for table in (
        "attempt_counters",
        "known_devices",
        "mfa_challenges",
        "recovery_codes",
        "totp_factors",
        "one_time_tokens",
    ):
        op.drop_table(table)
    op.add_column(
        "invitations", sa.Column("token_hash", sa.LargeBinary(), server_default=sa.text("''"), nullable=False)
    )
    op.alter_column("invitations", "token_hash", server_default=None)
    op.drop_column("users", "has_password")
    op.execute("UPDATE users SET password_hash = '' WHERE password_hash IS NULL")  # which no password has
    op.alter_column("users", "password_hash", existing_type=sa.String(128), nullable=False)
