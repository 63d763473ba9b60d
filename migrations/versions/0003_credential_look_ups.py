"""Look up credentials in PostgreSQL functions, and simplify the policies."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Each sets the tenant that its credential is good for, and none where it finds none; see authapp/db/credentials.sql.
LOOK_UPS = """
CREATE FUNCTION authapp_session(_session uuid, _account uuid, _moment timestamptz)
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
$$;

CREATE FUNCTION authapp_memberships(_account uuid) RETURNS json LANGUAGE plpgsql AS $$
BEGIN
    RETURN (
        SELECT coalesce(json_agg(json_build_object(
            'organization', json_build_object('id', o.id, 'name', o.name, 'slug', o.slug), 'role', m.role
        ) ORDER BY o.id), '[]')
        FROM memberships m JOIN organizations o ON o.id = m.organization_id
        WHERE m.user_id = _account AND o.deleted_at IS NULL
    );
END
$$;

CREATE FUNCTION authapp_session_in(_session uuid, _account uuid, _moment timestamptz, _organization uuid)
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
$$;

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
$$;

CREATE FUNCTION authapp_api_key(_key uuid, _digest bytea, _moment timestamptz, _organization uuid)
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
$$;

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

FUNCTIONS = (
    "authapp_invitation(uuid, bytea, timestamptz)",
    "authapp_api_key(uuid, bytea, timestamptz, uuid)",
    "authapp_open(uuid)",
    "authapp_session_in(uuid, uuid, timestamptz, uuid)",
    "authapp_memberships(uuid)",
    "authapp_session(uuid, uuid, timestamptz)",
)


# One condition in place of two that are joined by OR, for which PostgreSQL expects far too few rows: it would read the
# whole of a large organization for its first page.
SHOWN = {
    "memberships": ("organization_id", "user_id = authapp_user_id()"),
    "organizations": (
        "id",
        "EXISTS (SELECT FROM memberships WHERE organization_id = organizations.id AND user_id = authapp_user_id())",
    ),
    "audit_events": ("organization_id", "user_id = authapp_user_id()"),
    "api_keys": ("organization_id", "id = authapp_credential_id()"),
    "invitations": ("organization_id", "id = authapp_credential_id()"),
}
UNOPENED = {"memberships": "mine", "organizations": "mine", "audit_events": "mine"}  # the others: presented


def upgrade() -> None:
    op.execute(LOOK_UPS)
    for table, (column, shown) in SHOWN.items():
        here = f"{column} = authapp_organization_id()"
        op.execute(f"DROP POLICY {table}_open ON {table}")
        op.execute(f"DROP POLICY {table}_{UNOPENED.get(table, 'presented')} ON {table}")
        op.execute(
            f"CREATE POLICY {table}_shown ON {table} FOR SELECT "
            f"USING (CASE WHEN authapp_organization_id() IS NULL THEN {shown} ELSE {here} END)"
        )
        if table != "audit_events":  # which is only ever added to, by a policy of its own
            op.execute(f"CREATE POLICY {table}_added ON {table} FOR INSERT WITH CHECK ({here})")
            op.execute(f"CREATE POLICY {table}_changed ON {table} FOR UPDATE USING ({here})")
            op.execute(f"CREATE POLICY {table}_removed ON {table} FOR DELETE USING ({here})")


def downgrade() -> None:
    for table, (column, shown) in SHOWN.items():
        here = f"{column} = authapp_organization_id()"
        for policy in ("shown",) if table == "audit_events" else ("shown", "added", "changed", "removed"):
            op.execute(f"DROP POLICY {table}_{policy} ON {table}")
        only = " FOR SELECT" if table == "audit_events" else ""
        op.execute(f"CREATE POLICY {table}_open ON {table}{only} USING ({here})")
        op.execute(
            f"CREATE POLICY {table}_{UNOPENED.get(table, 'presented')} ON {table} FOR SELECT "
            f"USING (authapp_organization_id() IS NULL AND {shown})"
        )
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION {function}")
