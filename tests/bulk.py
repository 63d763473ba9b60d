"""A database in which one account and one organization own very many of everything, and each list of the API on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import select

from authapp.core import clock
from authapp.core.actor import Actor
from authapp.core.enums import ActorType
from authapp.core.ids import moment_of
from authapp.core.roles import ROLES, Role
from authapp.db import transaction
from authapp.db.pagination import Page
from authapp.db.tenancy import set_account, set_tenant
from authapp.models import AuditEvent, Membership, User
from authapp.services import api_keys, audit, invitations, members, organizations, sessions
from tests.bench.population import Population
from tests.bench.servers import Postgres

LIMIT = 50
PENDING = 500  # invitations of each organization

# A population of one large organization. Behind its members follow two accounts: one that is busy, with many sessions
# and organizations, alone in the first half of these; and its colleague, who is in the second half and in as many
# others. Every third event in the large organization is by its admin, who does one thing only; 7 of its members do the
# rest. All concern the busy one.
# The invitations and keys of the small organization are newer than those of the large one.
LOAD = """
SET LOCAL session_replication_role = replica; -- no triggers
CREATE TEMP TABLE u ON COMMIT DROP AS SELECT id, substring(email FROM '[0-9]+')::int AS n FROM users;
CREATE TEMP TABLE o ON COMMIT DROP AS SELECT (n + 1) / 2 AS n, n % 2 = 1 AS is_busys, uuidv7() AS id
FROM generate_series(1, 2 * {organizations}) AS n;
CREATE TEMP TABLE large ON COMMIT DROP AS SELECT id FROM organizations WHERE slug = 'organization-1';
CREATE TEMP TABLE tenants ON COMMIT DROP AS SELECT id, slug FROM organizations;
CREATE TEMP TABLE busy ON COMMIT DROP AS SELECT id FROM u WHERE n = {members} + 1;
UPDATE memberships SET role = 'developer' FROM u WHERE u.id = user_id AND u.n % 50 = 0 AND role = 'viewer';
UPDATE memberships SET role = 'admin' FROM u WHERE u.id = user_id AND u.n = {members} + 2;
INSERT INTO sessions (id, user_id, refresh_id, authenticated_at, amr, last_used_at, expires_at, ends_at_latest)
SELECT uuidv7(), busy.id, uuidv7(), now(), '{{pwd}}', now(), now() + interval '7 days', now() + interval '30 days'
FROM busy, generate_series(1, {sessions});
INSERT INTO sessions
    (id, user_id, refresh_id, authenticated_at, amr, last_used_at, expires_at, ends_at_latest, ended_at, end_reason)
SELECT uuidv7(interval '-1 day'), busy.id, uuidv7(), now(), '{{pwd}}', now(), now(), now(), now(), 'logout'
FROM busy, generate_series(1, {others});
INSERT INTO outbox (id, recipient, kind, due_at, sent_at)
SELECT uuidv7(), 'guest@example.com', 'invitation', CASE WHEN n % 100 = 0 THEN now() END,
    CASE WHEN n % 100 > 0 THEN now() END FROM generate_series(1, {others}) AS n;
INSERT INTO organizations (id, name, slug, founded_by)
SELECT o.id, 'One of many', o.id, CASE WHEN is_busys THEN busy.id END FROM o, busy;
INSERT INTO memberships (user_id, organization_id, role)
SELECT busy.id, o.id, CASE WHEN o.n > {organizations} * 3 / 4 THEN 'viewer' ELSE 'admin' END
FROM o, busy WHERE is_busys UNION ALL
SELECT u.id, o.id, 'admin' FROM o, u WHERE u.n = {members} + 2 AND NOT (is_busys AND o.n <= {organizations} / 2);
INSERT INTO invitations (id, organization_id, email, role, status, invited_by, expires_at)
SELECT uuidv7(), t.id, 'guest' || i || '@example.com', 'viewer',
    CASE WHEN i % {pending_every} = 0 THEN 'pending' ELSE 'expired' END, busy.id, now() + interval '1 hour'
FROM tenants AS t, busy, generate_series(1, {others}) AS i ORDER BY t.slug, i;
INSERT INTO api_keys (id, organization_id, name, role, secret_hash, created_by, revoked_at, expires_at)
SELECT uuidv7(), t.id, 'One of many', 'viewer', '', busy.id, CASE WHEN i % 2 = 0 THEN now() END, now()
FROM tenants AS t, busy, generate_series(1, {others}) AS i ORDER BY t.slug, i;
SET LOCAL maintenance_work_mem = '512MB'; -- indexes are built after the load, which is quicker
CREATE TEMP TABLE indexes ON COMMIT DROP AS
SELECT indexname AS name, replace(indexdef, ' ON ONLY ', ' ON ') AS definition FROM pg_indexes
WHERE tablename = 'audit_events' AND indexname ^@ 'ix_';
DO $$ BEGIN EXECUTE (SELECT string_agg('DROP INDEX ' || name, ';') FROM indexes); END $$;
INSERT INTO audit_events
    (id, created_at, action, user_id, actor_type, actor_id, organization_id, request_id, ip_address, user_agent)
SELECT e.id, uuid_extract_timestamp(e.id), CASE WHEN e.n % 3 = 0 THEN 'organization.updated' ELSE
    (ARRAY['member.joined', 'member.left', 'invitation.created', 'api_key.created'])[1 + e.n % 4] END,
    busy.id, 'user', u.id, large.id, e.id, '192.0.2.1', 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36'
FROM busy, large, (SELECT n, uuidv7(make_interval(secs => n - {events})) AS id FROM generate_series(1, {events}) AS n)
    AS e JOIN u ON u.n = CASE WHEN e.n % 3 = 0 THEN 1 ELSE 44 + e.n % 7 END;
DO $$ BEGIN EXECUTE (SELECT string_agg(definition, ';') FROM indexes); END $$
"""


def load(
    postgres: Postgres, population: Population, *, sessions: int, organizations: int, others: int, events: int
) -> None:
    """Fill a population of two organizations, the larger of which has all users but two."""
    counts = {"sessions": sessions, "organizations": organizations, "others": others, "events": events}
    sql = LOAD.format(members=population.users - 2, pending_every=others // PENDING, **counts)
    postgres.execute(population.name, sql, "VACUUM ANALYZE", "CHECKPOINT")


@dataclass(frozen=True)
class Known:
    """What to ask for."""

    large: UUID
    admin: UUID
    member: UUID
    busy: UUID
    late_member: UUID  # after whom a hundredth of the members follows
    late_organization: UUID  # of the busy account, after which two pages follow
    middle: datetime  # of the events, when the member did what the filters ask for


def find(population: Population) -> Known:
    """The ids in a database that `load` has filled."""
    with population.app.app_context():
        emails = (f"user{number}@example.com" for number in (1, 50, population.users - 1))
        admin, member, busy = (transaction.scalar(select(User.id).where(User.email == email)) for email in emails)
        set_account(admin)
        large = transaction.scalar(select(Membership.organization_id))
        set_tenant(large)
        late_member = transaction.scalar(_late(Membership.user_id, population.users // 100))
        hits = select(AuditEvent.id).where(AuditEvent.actor_id == member, AuditEvent.action == "member.left")
        events = sorted(transaction.execute(hits).scalars())
        set_account(busy)
        late_organization = transaction.scalar(_late(Membership.organization_id, 2 * LIMIT))
        transaction.rollback()
    return Known(large, admin, member, busy, late_member, late_organization, moment_of(events[len(events) // 2]))


def _late(key: Any, before_the_end: int) -> Any:
    return select(key).order_by(key.desc()).offset(before_the_end).limit(1)


def _moment(known: Known) -> dict[str, Any]:
    return {"since": known.middle, "until": known.middle + timedelta(seconds=1)}


FILTERS: dict[str, Callable[[Known], dict[str, Any]]] = {
    "none": lambda known: {},
    "action": lambda known: {"action": "member.left"},
    "action without hits": lambda known: {"action": "api_key.revoked"},
    "actor": lambda known: {"actor_id": known.member},
    "actor without hits": lambda known: {"actor_id": known.busy},
    "actor and action": lambda known: {"actor_id": known.member, "action": "member.left"},
    "actor and action without hits": lambda known: {"actor_id": known.admin, "action": "member.left"},
    "since": lambda known: {"since": known.middle},
    "since without hits": lambda known: {"since": clock.now() + timedelta(days=1)},
    "until": lambda known: {"until": known.middle},
    "until without hits": lambda known: {"until": known.middle - timedelta(days=10_000)},
    "one second": _moment,
    "one second of an action": lambda known: {"action": "member.left", **_moment(known)},
    "one second of an actor": lambda known: {"actor_id": known.member, **_moment(known)},
    "all four": lambda known: {"action": "member.left", "actor_id": known.member, **_moment(known)},
}
"""The filters of an organization's audit log."""


def _events(known: Known, name: str) -> Page:
    return audit.of_organization(known.large, LIMIT, None, **FILTERS[name](known))


def _members(known: Known, *, late: bool = False, role: Role | None = None) -> Page:
    return members.of_organization(known.large, LIMIT, known.late_member if late else None, role)


OF_ORGANIZATION: dict[str, Callable[[Known], Page]] = {
    **{f"audit log, {name}": partial(_events, name=name) for name in FILTERS},
    "members": _members,
    "members, late": partial(_members, late=True),
    **{f"members, {role}": partial(_members, role=role) for role in ROLES},
    **{f"members, {role}, late": partial(_members, role=role, late=True) for role in ROLES},
    "invitations": lambda known: invitations.of_organization(known.large, LIMIT, None),
    "API keys": lambda known: api_keys.of_organization(known.large, LIMIT, None),
}
OF_ACCOUNT: dict[str, Callable[[Known], Page]] = {
    "my audit log": lambda known: audit.of_account(known.busy, LIMIT, None),
    "my organizations": lambda known: organizations.of_user(known.busy, LIMIT, None),
    "my organizations, by slug": lambda known: organizations.of_user(
        known.busy, LIMIT, None, str(known.late_organization)
    ),
    "my organizations, late": lambda known: organizations.of_user(known.busy, LIMIT, known.late_organization),
    "my sessions": lambda known: sessions.of_account(as_busy(known), LIMIT, None),
}


def as_busy(known: Known) -> Actor:
    """The busy account as the caller of a request."""
    return Actor(id=known.busy, type=ActorType.USER, session_id=known.busy)


def read(known: Known, name: str) -> Page:
    """A page of one of these lists, in the tenant context in which a request reads it."""
    if name in OF_ACCOUNT:
        set_account(known.busy)
        return OF_ACCOUNT[name](known)
    set_tenant(known.large)
    return OF_ORGANIZATION[name](known)
