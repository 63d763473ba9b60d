"""Add identities at providers, and passkeys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def timestamp(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def created_at() -> sa.Column[object]:
    return sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)


def upgrade() -> None:
    create_identities()
    create_sso()
    create_passkeys()
    op.create_index(
        "ix_one_time_tokens_email_invitation",
        "one_time_tokens",
        ["email"],
        postgresql_where=sa.text("purpose = 'invitation'"),
    )


def create_identities() -> None:
    op.create_table(
        "identities",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.String(32), nullable=False),
        sa.Column("issuer", sa.String(255), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("email", sa.String(254), nullable=True),
        timestamp("last_used_at", nullable=True),
        timestamp("unlinked_at", nullable=True),
        created_at(),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_identities_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identities")),
    )
    op.create_index(
        "uq_identities_issuer_subject",
        "identities",
        ["issuer", "subject"],
        unique=True,
        postgresql_where=sa.text("unlinked_at IS NULL"),
    )
    op.create_index("ix_identities_user_id", "identities", ["user_id"])


def create_sso() -> None:
    op.create_table(
        "sso_states",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.String(32), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("browser_hash", sa.LargeBinary(), nullable=False),
        sa.Column("return_to", sa.String(2048), nullable=True),
        sa.Column("code_challenge", sa.String(43), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        timestamp("expires_at"),
        created_at(),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sso_states_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_states")),
    )
    op.create_index("ix_sso_states_expires_at", "sso_states", ["expires_at"])
    op.create_index("ix_sso_states_user_id", "sso_states", ["user_id"])
    op.create_table(
        "sso_codes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("browser_hash", sa.LargeBinary(), nullable=False),
        sa.Column("code_challenge", sa.String(43), nullable=True),
        sa.Column("person", postgresql.JSONB(), nullable=False),
        timestamp("expires_at"),
        created_at(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_codes")),
    )
    op.create_index("ix_sso_codes_expires_at", "sso_codes", ["expires_at"])


def create_passkeys() -> None:
    op.create_table(
        "passkey_users",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("handle", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_passkey_users_user_id")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_passkey_users")),
    )
    op.create_table(
        "passkeys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("backup_eligible", sa.Boolean(), nullable=False),
        sa.Column("backed_up", sa.Boolean(), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        timestamp("last_used_at", nullable=True),
        created_at(),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_passkeys_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkeys")),
    )
    op.create_index("uq_passkeys_credential_id", "passkeys", ["credential_id"], unique=True)
    op.create_index("ix_passkeys_user_id", "passkeys", ["user_id"])
    op.create_table(
        "passkey_challenges",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(32), nullable=False),
        sa.Column("challenge", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("browser_hash", sa.LargeBinary(), nullable=True),
        timestamp("expires_at"),
        created_at(),
        sa.CheckConstraint(
            "purpose IN ('registration', 'sign_in', 'second_factor')", name=op.f("ck_passkey_challenges_purpose")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_passkey_challenges_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkey_challenges")),
    )
    op.create_index("uq_passkey_challenges_challenge", "passkey_challenges", ["challenge"], unique=True)
    op.create_index("ix_passkey_challenges_expires_at", "passkey_challenges", ["expires_at"])
    op.create_index("ix_passkey_challenges_user_id", "passkey_challenges", ["user_id"])


def downgrade() -> None:
    op.drop_index("ix_one_time_tokens_email_invitation", table_name="one_time_tokens")
    for table in ("passkey_challenges", "passkeys", "passkey_users", "sso_codes", "sso_states", "identities"):
        op.drop_table(table)
