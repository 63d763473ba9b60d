"""Partition the audit log by month, and add the Merkle trees that seal it.

An id is a UUIDv7, so a range of ids is a range of time. Ids of another version, and events that come before their
partition, are in the default partition.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# Nobody reads a partition by its own name: row-level security is forced on it, and it has no policy. It is so before it
# is attached, because PostgreSQL then checks the foreign keys of its rows with a query of the owner's, which would find
# no organization. The lock keeps rows from coming into the default partition that belong into the new one.
ADD_PARTITION = """
CREATE FUNCTION authapp_add_audit_partition(_month date) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    name text := 'audit_events_' || to_char(_month, 'YYYY_MM');
    bounds uuid[] := ARRAY(
        SELECT (lpad(to_hex((extract(epoch FROM moment AT TIME ZONE 'UTC') * 1000)::bigint), 12, '0')
            || repeat('0', 20))::uuid
        FROM unnest(ARRAY[_month::timestamp, _month + interval '1 month']) AS moment ORDER BY moment
    );
BEGIN
    PERFORM pg_advisory_xact_lock(7216605);
    IF to_regclass(name) IS NOT NULL THEN
        RETURN false;
    END IF;
    LOCK TABLE audit_events_default IN ACCESS EXCLUSIVE MODE;
    EXECUTE format('CREATE TABLE %I (LIKE audit_events INCLUDING ALL)', name);
    EXECUTE format('INSERT INTO %I SELECT * FROM audit_events WHERE id >= $1 AND id < $2', name)
        USING bounds[1], bounds[2];
    DELETE FROM audit_events WHERE id >= bounds[1] AND id < bounds[2];
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', name);
    EXECUTE format(
        'ALTER TABLE audit_events ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name, bounds[1], bounds[2]
    );
    RETURN true;
END
$$
"""
DEFAULT_PARTITION = """
CREATE TABLE audit_events_default PARTITION OF audit_events DEFAULT;
ALTER TABLE audit_events_default ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY
"""
# The months of the events that exist, this one and the next three. Who makes up an id does not make partitions.
ADD_PARTITIONS = """
SELECT authapp_add_audit_partition(month) FROM (
    SELECT DISTINCT date_trunc('month', to_timestamp(
        ('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint / 1000
    ) AT TIME ZONE 'UTC')::date AS month
    FROM audit_events_before WHERE substr(id::text, 15, 1) = '7'
    UNION
    SELECT (date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => ahead))::date
    FROM generate_series(0, 3) AS ahead
) AS needed
WHERE month >= '2020-01-01' AND month < now() + interval '4 months' ORDER BY month
"""

RENAME = "ALTER TABLE audit_events NO FORCE ROW LEVEL SECURITY; ALTER TABLE audit_events RENAME TO audit_events_before"
LIKE_BEFORE = "CREATE TABLE audit_events (LIKE audit_events_before INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"
MOVE = "INSERT INTO audit_events SELECT * FROM audit_events_before; DROP TABLE audit_events_before"
OF_ORGANIZATION = "WHERE organization_id IS NOT NULL"
# After the rows are moved, which is quicker. Foreign keys are checked with queries of the owner's.
CONSTRAINTS = f"""
ALTER TABLE organizations NO FORCE ROW LEVEL SECURITY;
ALTER TABLE audit_events ADD CONSTRAINT pk_audit_events PRIMARY KEY (id);
ALTER TABLE audit_events ADD CONSTRAINT fk_audit_events_user_id FOREIGN KEY (user_id) REFERENCES users (id);
ALTER TABLE audit_events ADD CONSTRAINT fk_audit_events_organization_id
    FOREIGN KEY (organization_id) REFERENCES organizations (id);
ALTER TABLE organizations FORCE ROW LEVEL SECURITY;
CREATE INDEX ix_audit_events_user_id_id ON audit_events (user_id, id);
CREATE INDEX ix_audit_events_organization_id_id ON audit_events (organization_id, id);
CREATE INDEX ix_audit_events_organization_id_action_id ON audit_events (organization_id, action, id) {OF_ORGANIZATION};
CREATE INDEX ix_audit_events_organization_id_actor_id_id ON audit_events (organization_id, actor_id, id)
    {OF_ORGANIZATION};
CREATE INDEX ix_audit_events_organization_id_actor_id_action_id
    ON audit_events (organization_id, actor_id, action, id) {OF_ORGANIZATION}
"""
POLICIES = """
ALTER TABLE audit_events ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY audit_events_shown ON audit_events FOR SELECT USING (
    CASE WHEN authapp_organization_id() IS NULL THEN user_id = authapp_user_id()
    ELSE organization_id = authapp_organization_id() END
);
CREATE POLICY audit_events_written ON audit_events FOR INSERT WITH CHECK (
    organization_id IS NULL OR CASE WHEN authapp_organization_id() IS NULL
    THEN authapp_account_belongs_to(organization_id) ELSE organization_id = authapp_organization_id() END
);
CREATE POLICY audit_events_operator ON audit_events USING (authapp_is_operator()) WITH CHECK (authapp_is_operator())
"""

# An event that was deleted and comes again may still wait.
UNSEALED = """
CREATE FUNCTION authapp_audit_unsealed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit_unsealed (event_id, tree_id)
    VALUES (NEW.id, coalesce(NEW.organization_id, '00000000-0000-0000-0000-000000000000')) ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
CREATE TRIGGER audit_events_unsealed AFTER INSERT ON audit_events FOR EACH ROW
    EXECUTE FUNCTION authapp_audit_unsealed();
INSERT INTO audit_unsealed (event_id, tree_id)
SELECT id, coalesce(organization_id, '00000000-0000-0000-0000-000000000000') FROM audit_events
"""


def upgrade() -> None:
    create_trees()
    op.execute(RENAME)
    op.execute(f"{LIKE_BEFORE} PARTITION BY RANGE (id)")
    op.execute(DEFAULT_PARTITION)
    op.execute(ADD_PARTITION)
    op.execute(ADD_PARTITIONS)
    op.execute(MOVE)
    op.execute(CONSTRAINTS)
    op.execute(UNSEALED)
    op.execute(POLICIES)


def create_trees() -> None:
    op.create_table(
        "audit_unsealed",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("tree_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_audit_unsealed")),
    )
    op.create_table(
        "audit_trees",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("frontier", sa.LargeBinary(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("checkpointed_size", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_trees")),
    )
    op.create_index(
        "ix_audit_trees_id_grown", "audit_trees", ["id"], postgresql_where=sa.text("size > checkpointed_size")
    )
    op.create_table(
        "audit_leaves",
        sa.Column("tree_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.Column("erased_by", sa.Uuid(), nullable=True),
        sa.Column("personal_hash", sa.LargeBinary(), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tree_id", "position", name=op.f("pk_audit_leaves")),
        sa.UniqueConstraint("event_id", name=op.f("uq_audit_leaves_event_id")),
    )
    op.create_table(
        "audit_nodes",
        sa.Column("tree_id", sa.Uuid(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tree_id", "level", "position", name=op.f("pk_audit_nodes")),
    )
    op.create_table(
        "audit_checkpoints",
        sa.Column("tree_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tree_id", "day", name=op.f("pk_audit_checkpoints")),
    )


def downgrade() -> None:
    op.execute(RENAME)
    op.execute(LIKE_BEFORE)
    op.execute(MOVE)
    op.execute("DROP FUNCTION authapp_audit_unsealed()")
    op.execute("DROP FUNCTION authapp_add_audit_partition(date)")
    op.execute(CONSTRAINTS)
    op.execute(POLICIES)
    for table in ("audit_checkpoints", "audit_nodes", "audit_leaves", "audit_trees", "audit_unsealed"):
        op.drop_table(table)
