"""The superuser of the tests' PostgreSQL, whom row-level security does not bind."""

from __future__ import annotations

from functools import cache

from sqlalchemy import URL, Engine, create_engine, text

# Triggers would check what is deleted on its own. DELETE takes a tenth of the time that TRUNCATE does, and leaves dead
# rows and statistics behind: once there are many, TRUNCATE removes them.
EMPTY_ALL_TABLES = text("""
DO $$
DECLARE
    tables regclass[] := array(
        SELECT oid::regclass FROM pg_class
        WHERE relkind IN ('r', 'p') AND relname <> 'alembic_version'
        AND relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
    );
    one regclass;
BEGIN
    SET LOCAL lock_timeout = '5s'; -- for a test that left a transaction open
    IF (SELECT max(pg_relation_size(each)) > 262144 FROM unnest(tables) AS each) THEN
        EXECUTE 'TRUNCATE ' || array_to_string(tables, ', ');
        RETURN;
    END IF;
    SET LOCAL session_replication_role = replica;
    FOREACH one IN ARRAY tables LOOP
        IF pg_relation_size(one) > 0 THEN
            EXECUTE 'DELETE FROM ' || one;
        END IF;
    END LOOP;
END
$$
""")


@cache
def superuser_of(url: URL) -> Engine:
    """An engine for a database, which the tests of a worker share: to connect costs more than most statements."""
    return create_engine(url.set(username="postgres"), pool_size=2, max_overflow=-1, pool_pre_ping=True)
