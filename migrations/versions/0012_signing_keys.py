"""Add keys that sign access tokens, keys that outlive a replaced secret, and which key has encrypted an email."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

STATES = ("next", "current", "previous", "retired")


def upgrade() -> None:
    op.create_table(
        "signing_keys",
        sa.Column("kid", sa.String(16), nullable=False),
        sa.Column("algorithm", sa.String(8), nullable=False),
        sa.Column("state", sa.Enum(*STATES, name="state", native_enum=False, length=32), nullable=False),
        sa.Column("public_jwk", postgresql.JSONB(), nullable=False),
        sa.Column("encrypted_private_jwk", sa.LargeBinary(), nullable=True),
        sa.Column("key_id", sa.String(16), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deactivated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("kid", name=op.f("pk_signing_keys")),
        sa.CheckConstraint(f"state IN {STATES}", name=op.f("ck_signing_keys_state")),
        sa.CheckConstraint(
            "(state IN ('next', 'current')) = (encrypted_private_jwk IS NOT NULL)",
            name=op.f("ck_signing_keys_private_while_it_signs"),
        ),
        sa.CheckConstraint("(state = 'retired') = (retired_at IS NOT NULL)", name=op.f("ck_signing_keys_retired_at")),
        sa.CheckConstraint("(encrypted_private_jwk IS NULL) = (key_id IS NULL)", name=op.f("ck_signing_keys_key_id")),
        sa.CheckConstraint("state <> 'current' OR activated_at IS NOT NULL", name=op.f("ck_signing_keys_activated_at")),
        sa.CheckConstraint(
            "state <> 'previous' OR deactivated_at IS NOT NULL", name=op.f("ck_signing_keys_deactivated_at")
        ),
    )
    op.create_index(
        "uq_signing_keys_algorithm_state",
        "signing_keys",
        ["algorithm", "state"],
        unique=True,
        postgresql_where=sa.text("state IN ('next', 'current')"),
    )
    op.create_table(
        "kept_keys",
        sa.Column("purpose", sa.String(64), nullable=False),
        sa.Column("encrypted_key", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("encrypted_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("purpose", name=op.f("pk_kept_keys")),
    )
    op.add_column("outbox", sa.Column("key_id", sa.String(16), nullable=True))


def downgrade() -> None:
    op.drop_column("outbox", "key_id")
    op.drop_table("kept_keys")
    op.drop_table("signing_keys")
