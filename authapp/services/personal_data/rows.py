"""Deletes and erases the rows of accounts, as the inventory says, with a statement for each table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, TextClause, delete, or_, select, text, update

from authapp.core import clock
from authapp.core.ids import first_id_at
from authapp.db import transaction
from authapp.db.engine import db
from authapp.models import AttemptCounter, AuditEvent, User
from authapp.models.columns import is_one_of
from authapp.services import audit_seals, throttle
from authapp.services.personal_data.addresses import Claim, is_claimed, names_claimed, parameters
from authapp.services.personal_data.inventory import Fate
from authapp.services.personal_data.tables import BY_NAME, TABLES
from authapp.web.application import current_app

EVENTS_AT_ONCE = 5000
_EVENTS = text(f"""
SELECT id FROM audit_events WHERE user_id = ANY(CAST(:ids AS uuid[])) OR actor_id = ANY(CAST(:ids AS uuid[]))
    OR (details <> '{{}}' AND {names_claimed("details::text")}) OR ({names_claimed("user_agent")})
ORDER BY id
""")  # noqa: S608
# An event waits for the erasure that has locked its account, so its id may be older than that. The receipt is one too.
_LATE_EVENTS = text("""
SELECT id, CASE WHEN user_id = ANY(CAST(:ids AS uuid[])) THEN user_id ELSE actor_id END AS account_id
FROM audit_events WHERE id >= CAST(:since AS uuid) AND action <> 'user.erased'
    AND (user_id = ANY(CAST(:ids AS uuid[])) OR actor_id = ANY(CAST(:ids AS uuid[])))
    AND (details <> '{}' OR ip_address IS NOT NULL OR user_agent IS NOT NULL)
ORDER BY id
""")
_BOUNCES = text(f"UPDATE outbox SET last_error = NULL WHERE {names_claimed('last_error')}")  # noqa: S608
_SSO_CODES = text(f"DELETE FROM sso_codes WHERE {names_claimed('person::text')}")  # noqa: S608
# Also where nobody has verified the address. An invitation is of whoever has sent it.
_OWN_EMAILS = text("""
DELETE FROM outbox USING users WHERE users.id = ANY(CAST(:ids AS uuid[])) AND recipient = users.email
    AND kind <> 'invitation' AND outbox.created_at BETWEEN users.created_at AND users.deleted_at
""")
_RECENT = timedelta(days=1)


def erase_all(user_ids: Sequence[UUID], claims: Sequence[Claim], erasure_id: UUID) -> dict[str, int]:
    """Delete and erase the rows of accounts that are locked and deleted. Returns how many, by table.

    Args:
        user_ids: the accounts.
        claims: the addresses that they have had. The rows of one that another account has verified are that one's.
        erasure_id: of the receipt.
    """
    erased = Counter(users=len(user_ids))
    erased["outbox"] += _run(_OWN_EMAILS, ids=list(map(str, user_ids)))
    _make_tombstones(user_ids)
    named = parameters(claims)
    for table in TABLES:
        if table.erasure is not Fate.DELETED:
            continue
        columns = db.metadata.tables[table.name].c
        if table.account:
            erased[table.name] += _delete(is_one_of(columns[table.account], user_ids), columns[table.account])
        if table.address:
            of_address = text(f"DELETE FROM {table.name} WHERE {is_claimed(table.address)}")  # noqa: S608
            erased[table.name] += _run(of_address, **named)
    erased["sso_codes"] += _run(_SSO_CODES, **named)
    erased["outbox"] += _run(_BOUNCES, **named)
    events = transaction.execute(_EVENTS, {"ids": list(map(str, user_ids)), **named}).scalars().all()
    erased.update(erase_events(events, erasure_id))
    erased["attempt_counters"] += _delete(_counters(user_ids, named["addresses"]), AttemptCounter.__table__.c.key)
    return {name: count for name, count in erased.items() if count}


def late_events() -> dict[UUID, UUID]:
    """The events of requests that were under way while their account was erased, each with its account."""
    now = clock.now()
    ids = select(User.id).where(User.erased_at >= now - _RECENT)
    if not (recent := list(transaction.execute(ids).scalars())):
        return {}
    named = {"ids": list(map(str, recent)), "since": str(first_id_at(now - 2 * _RECENT))}
    return {row.id: row.account_id for row in transaction.execute(_LATE_EVENTS, named)}


def erase_events(ids: Sequence[UUID], erasure_id: UUID) -> dict[str, int]:
    """Erase events, some at a time. Returns how many rows, by table."""
    erased = Counter[str]()
    for start in range(0, len(ids), EVENTS_AT_ONCE):
        part = is_one_of(AuditEvent.id, ids[start : start + EVENTS_AT_ONCE])
        erased.update(audit_seals.erase_personal(part, erasure_id))
    return erased


def in_use(addresses: Sequence[str]) -> set[str]:
    """Those of the addresses that an account has."""
    return set(transaction.execute(select(User.email).where(User.email.in_(addresses))).scalars())


def _make_tombstones(user_ids: Sequence[UUID]) -> None:
    """Erase what the rows of accounts say of them."""
    values = {**BY_NAME["users"].erased, "erased_at": clock.now()}
    transaction.execute(update(User).where(is_one_of(User.id, user_ids)).values(values))


def _counters(user_ids: Sequence[UUID], addresses: Sequence[str]) -> ColumnElement[bool]:
    """The failed attempts for the addresses, and those of the second factors."""
    digest = current_app.digests.throttle_key
    subjects = [digest("subject", address) for address in set(addresses) - in_use(addresses)]
    keys = [counter.key for user_id in user_ids for counter in throttle.of_second_factor(user_id)]
    return or_(AttemptCounter.subject.in_(subjects), AttemptCounter.key.in_(keys))


def _delete(which: ColumnElement[bool], column: Any) -> int:
    return int(transaction.execute(delete(column.table).where(which)).rowcount)


def _run(statement: TextClause, **named: Any) -> int:
    return int(transaction.execute(statement, named).rowcount)
