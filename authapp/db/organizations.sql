-- What jobs read of all organizations, as it is in the database. A migration creates it with its text as a literal;
-- tests/jobs/test_organizations.py compares this file with the migrated database.
--
-- The function has the right of an operator while it runs, and its caller gets nothing but ids.

-- The ids of the organizations after _after that are neither deleted nor suspended, oldest first, _most at the most.
CREATE OR REPLACE FUNCTION authapp_live_organizations(_after uuid, _most integer)
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
$$;
