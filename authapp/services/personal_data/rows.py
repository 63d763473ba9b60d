"""Deletes and erases the rows of accounts, as the inventory says, with a statement for each table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, exists, or_, select, text, update

from authapp.core import clock
from authapp.db import transaction
from authapp.db.engine import db
from authapp.models import AttemptCounter, AuditEvent, User
from authapp.models.columns import is_one_of
from authapp.services import audit_seals, throttle
from authapp.services.personal_data.inventory import Fate
from authapp.services.personal_data.tables import BY_NAME, TABLES
from authapp.web.application import current_app

EVENTS_AT_ONCE = 5000
# A text that names an address which no account has, in any case. Few texts have an @: that is asked first.
_NAMES = """
    strpos({text}, '@') > 0 AND EXISTS (
        SELECT FROM unnest(CAST(:addresses AS text[])) AS address
        WHERE strpos(lower({text}), lower(address)) > 0 AND NOT EXISTS (SELECT FROM users WHERE email = address)
    )
"""
_EVENTS = text(f"""
SELECT id FROM audit_events WHERE user_id = ANY(CAST(:ids AS uuid[])) OR actor_id = ANY(CAST(:ids AS uuid[]))
    OR (details <> '{{}}' AND {_NAMES.format(text="details::text")}) OR {_NAMES.format(text="user_agent")}
ORDER BY id
""")  # noqa: S608
_BOUNCES = text(f"UPDATE outbox SET last_error = NULL WHERE {_NAMES.format(text='last_error')}")  # noqa: S608
_SSO_CODES = text(f"DELETE FROM sso_codes WHERE {_NAMES.format(text='person::text')}")  # noqa: S608


def make_tombstones(user_ids: Sequence[UUID]) -> None:
    """Erase what the rows of accounts say of them. They are locked."""
    values = {**BY_NAME["users"].erased, "erased_at": clock.now()}
    transaction.execute(update(User).where(is_one_of(User.id, user_ids)).values(values))


def erase_all(user_ids: Sequence[UUID], addresses: Sequence[str], erasure_id: UUID) -> dict[str, int]:
    """Delete and erase the rows of accounts that are tombstones. Returns how many, by table.

    Args:
        user_ids: the accounts.
        addresses: that they have had. The rows of an address that another account has are that one's, and stay.
        erasure_id: of the receipt.
    """
    erased = Counter(users=len(user_ids))
    for table in TABLES:
        if table.erasure is not Fate.DELETED:
            continue
        columns = db.metadata.tables[table.name].c
        if table.account:
            erased[table.name] += _delete(is_one_of(columns[table.account], user_ids), columns[table.account])
        if table.address:
            column = columns[table.address]
            erased[table.name] += _delete(column.in_(addresses) & _is_nobodys(column), column)
    for name, count in _erase_texts(user_ids, addresses, erasure_id).items():
        erased[name] += count
    erased["attempt_counters"] += _delete(_counters(user_ids, addresses), AttemptCounter.__table__.c.key)
    return {name: count for name, count in erased.items() if count}


def in_use(addresses: Sequence[str]) -> set[str]:
    """Those of the addresses that an account has."""
    return set(transaction.execute(select(User.email).where(User.email.in_(addresses))).scalars())


def _erase_texts(user_ids: Sequence[UUID], addresses: Sequence[str], erasure_id: UUID) -> dict[str, int]:
    """Erase texts that name an address, and the events of the accounts."""
    named = {"addresses": list(addresses)}
    return {
        "sso_codes": int(transaction.execute(_SSO_CODES, named).rowcount),
        "outbox": int(transaction.execute(_BOUNCES, named).rowcount),
        **_erase_events({"ids": list(map(str, user_ids)), **named}, erasure_id),
    }


def _erase_events(which: dict[str, list[str]], erasure_id: UUID) -> dict[str, int]:
    """Erase events that concern the accounts, that they have caused, or that name an address of theirs."""
    ids = list(transaction.execute(_EVENTS, which).scalars())
    erased = Counter[str]()
    for start in range(0, len(ids), EVENTS_AT_ONCE):
        part = is_one_of(AuditEvent.id, ids[start : start + EVENTS_AT_ONCE])
        erased.update(audit_seals.erase_personal(part, erasure_id))
    return erased


def _counters(user_ids: Sequence[UUID], addresses: Sequence[str]) -> ColumnElement[bool]:
    """The failed attempts for the addresses, and those of the second factors."""
    digest = current_app.digests.throttle_key
    subjects = [digest("subject", address) for address in set(addresses) - in_use(addresses)]
    keys = [counter.key for user_id in user_ids for counter in throttle.of_second_factor(user_id)]
    return or_(AttemptCounter.subject.in_(subjects), AttemptCounter.key.in_(keys))


def _is_nobodys(address: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether no account has an address. Asked by the very statement that deletes: somebody may register meanwhile."""
    return ~exists().where(User.email == address)


def _delete(which: ColumnElement[bool], column: Any) -> int:
    return int(transaction.execute(delete(column.table).where(which)).rowcount)
