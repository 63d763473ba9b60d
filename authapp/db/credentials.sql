-- The look-ups of the guards, as they are in the database. A migration creates or replaces each of them, with its text
-- as a literal; tests/db/test_credentials.py compares this file with the migrated database.
--
-- Each sets the tenant context that its credential is good for, and nothing where it finds none. They are PL/pgSQL, so
-- that PostgreSQL keeps their plans.

-- The account of a session that is live at _moment, and when and how the session has authenticated.
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
$$;

-- The same, with one organization and the role there. They are NULL where the account is no member.
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
$$;

-- The organizations of an account, oldest first. The API shows 100; the one more says that there are others. The limit
-- is applied in the order of the primary key of memberships, so that no more than that is read.
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
$$;

-- The organization of an API key, live or not, as the argument of authapp_api_key, which checks the key.
CREATE OR REPLACE FUNCTION authapp_organization_of_key(_key uuid) RETURNS uuid LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('authapp.credential_id', _key::text, true);
    RETURN (SELECT k.organization_id FROM api_keys k WHERE k.id = _key);
END
$$;

-- An API key that is live at _moment, with its organization where that is the one asked for and is not deleted.
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
$$;

-- A trusted identity, with its organization where that is the one asked for and is not deleted. _or_own: without one
-- its own is meant.
CREATE OR REPLACE FUNCTION authapp_workload(_identity uuid, _organization uuid, _or_own boolean)
    RETURNS TABLE (identity trusted_identities, organization organizations) LANGUAGE plpgsql ROWS 1 AS $$
BEGIN
    PERFORM set_config('authapp.credential_id', _identity::text, true);
    SELECT * INTO identity FROM trusted_identities i WHERE i.id = _identity;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF _organization IS NULL AND _or_own THEN
        _organization := identity.organization_id;
    END IF;
    IF identity.organization_id = _organization THEN
        PERFORM set_config('authapp.organization_id', _organization::text, true);
        SELECT * INTO organization FROM organizations o WHERE o.id = _organization AND o.deleted_at IS NULL;
        IF NOT FOUND THEN
            PERFORM set_config('authapp.organization_id', '', true);
        END IF;
    END IF;
    RETURN NEXT;
END
$$;
