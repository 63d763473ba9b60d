"""Give the token that takes an account back a purpose of its own, so that it replaces no other."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

PURPOSES = """
ALTER TABLE one_time_tokens ADD CONSTRAINT ck_one_time_tokens_purpose
CHECK (purpose IN ('invitation', 'verification', 'take_back', 'change', 'undo_change', 'reset'))
"""
PURPOSES_BEFORE = """
ALTER TABLE one_time_tokens ADD CONSTRAINT ck_one_time_tokens_purpose
CHECK (purpose IN ('invitation', 'verification', 'change', 'undo_change', 'reset'))
"""


def upgrade() -> None:
    op.execute("ALTER TABLE one_time_tokens DROP CONSTRAINT ck_one_time_tokens_purpose")
    op.execute("UPDATE one_time_tokens SET purpose = 'take_back' WHERE purpose = 'verification' AND takes_back")
    op.execute(PURPOSES)
    op.execute("ALTER TABLE one_time_tokens RENAME takes_back TO unverified")


def downgrade() -> None:
    op.execute("ALTER TABLE one_time_tokens RENAME unverified TO takes_back")
    # An account has one verification token at most, so these have to be asked for again.
    op.execute("DELETE FROM one_time_tokens WHERE purpose = 'take_back'")
    op.execute("ALTER TABLE one_time_tokens DROP CONSTRAINT ck_one_time_tokens_purpose")
    op.execute(PURPOSES_BEFORE)
