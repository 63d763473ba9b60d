"""Let jobs read the ids of all live organizations, and nothing else of them."""

from __future__ import annotations

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

LIVE_ORGANIZATIONS = """
CREATE FUNCTION authapp_live_organizations(_after uuid, _most integer)
    RETURNS uuid[] LANGUAGE plpgsql AS $$
DECLARE
    before text := coalesce(current_setting('authapp.operator', true), '');
    ids uuid[];
BEGIN
    PERFORM set_config('authapp.operator', 'on', true);
    ids := ARRAY (
        SELECT id FROM organizations
        WHERE id > coalesce(_after, '00000000-0000-0000-0000-000000000000')
            AND deleted_at IS NULL AND suspended_at IS NULL
        ORDER BY id LIMIT _most
    );
    PERFORM set_config('authapp.operator', before, true);
    RETURN ids;
END
$$
"""


def upgrade() -> None:
    op.execute(LIVE_ORGANIZATIONS)


def downgrade() -> None:
    op.execute("DROP FUNCTION authapp_live_organizations(uuid, integer)")
