"""Rename columns of the outbox, and drop the function that looks up invitations."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

API_KEY = """
CREATE OR REPLACE FUNCTION authapp_api_key(_key uuid, _digest bytea, _moment timestamptz, _organization uuid)
    RETURNS TABLE (key api_keys, organization organizations) LANGUAGE plpgsql ROWS 1 AS $$
BEGIN
    PERFORM set_config('authapp.credential_id', _key::text, true);
    SELECT * INTO key FROM api_keys k
    WHERE k.id = _key AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > _moment)
        AND (k.secret_hash = _digest OR (k.previous_secret_hash = _digest AND k.previous_expires_at > _moment));
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF key.organization_id = _organization THEN
        PERFORM set_config('authapp.organization_id', _organization::text, true);
        SELECT * INTO organization FROM organizations o WHERE o.id = _organization AND o.deleted_at IS NULL;
        IF NOT FOUND THEN
            PERFORM set_config('authapp.organization_id', '', true);
        END IF;
    END IF;
    RETURN NEXT;
END
$$
"""
API_KEY_BEFORE = """
CREATE OR REPLACE FUNCTION authapp_api_key(_key uuid, _digest bytea, _moment timestamptz, _organization uuid)
    RETURNS TABLE (key api_keys, organization organizations) LANGUAGE plpgsql ROWS 1 AS $$
BEGIN
    PERFORM set_config('authapp.credential_id', _key::text, true);
    SELECT * INTO key FROM api_keys k
    WHERE k.id = _key AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > _moment)
        AND (k.secret_hash = _digest OR (k.previous_secret_hash = _digest AND k.previous_expires_at > _moment));
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF key.organization_id = _organization THEN
        organization := authapp_open(_organization);
    END IF;
    RETURN NEXT;
END
$$
"""
OPEN = """
CREATE FUNCTION authapp_open(_organization uuid) RETURNS organizations LANGUAGE plpgsql AS $$
DECLARE
    organization organizations;
BEGIN
    PERFORM set_config('authapp.organization_id', _organization::text, true);
    SELECT * INTO organization FROM organizations o WHERE o.id = _organization AND o.deleted_at IS NULL;
    IF NOT FOUND THEN
        PERFORM set_config('authapp.organization_id', '', true);
    END IF;
    RETURN organization;
END
$$
"""
INVITATION = """
CREATE FUNCTION authapp_invitation(_invitation uuid, _digest bytea, _moment timestamptz)
    RETURNS TABLE (invitation invitations, organization organizations) LANGUAGE plpgsql ROWS 1 AS $$
BEGIN
    PERFORM set_config('authapp.credential_id', _invitation::text, true);
    SELECT * INTO invitation FROM invitations i
    WHERE i.id = _invitation AND i.token_hash = _digest AND i.status = 'pending' AND i.expires_at > _moment;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    organization := authapp_open(invitation.organization_id);
    IF organization.id IS NOT NULL THEN
        RETURN NEXT;
    END IF;
END
$$
"""
COLUMNS = {"about_id": "subject_id", "sealed": "encrypted_body"}


def upgrade() -> None:
    op.execute(API_KEY)
    op.execute("DROP FUNCTION authapp_invitation(uuid, bytea, timestamptz)")
    op.execute("DROP FUNCTION authapp_open(uuid)")
    for before, after in COLUMNS.items():
        op.alter_column("outbox", before, new_column_name=after)
    op.execute("ALTER INDEX ix_outbox_about_id_unsent RENAME TO ix_outbox_subject_id_unsent")


def downgrade() -> None:
    op.execute("ALTER INDEX ix_outbox_subject_id_unsent RENAME TO ix_outbox_about_id_unsent")
    for before, after in COLUMNS.items():
        op.alter_column("outbox", after, new_column_name=before)
    op.execute(OPEN)
    op.execute(INVITATION)
    op.execute(API_KEY_BEFORE)
