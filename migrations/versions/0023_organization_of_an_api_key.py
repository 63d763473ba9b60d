"""Add the look-up of an API key in its own organization, where a request names none."""

from __future__ import annotations

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

CREATE = """
CREATE FUNCTION authapp_organization_of_key(_key uuid) RETURNS uuid LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('authapp.credential_id', _key::text, true);
    RETURN (SELECT k.organization_id FROM api_keys k WHERE k.id = _key);
END
$$
"""


def upgrade() -> None:
    op.execute(CREATE)


def downgrade() -> None:
    op.execute("DROP FUNCTION authapp_organization_of_key(uuid)")
