"""Erases accounts: deleted ones after the grace, and any for an operator. The caller sees all organizations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, select
from uuid_utils.compat import uuid7

from authapp.core import clock
from authapp.core.enums import AuditAction
from authapp.db import transaction
from authapp.models import AuditEvent, Organization, User
from authapp.models.columns import is_one_of
from authapp.services import accounts, audit, members
from authapp.services.organizations import GRACE
from authapp.services.personal_data import rows
from authapp.services.personal_data.addresses import Claim
from authapp.services.personal_data.receipts import Receipt
from authapp.services.personal_data.scan import search

BATCH = 100  # accounts that are searched for together
_LISTED = (
    User.id, User.email, User.email_verified, User.first_name, User.last_name, User.is_active, User.deleted_at,
    User.erased_at,
)  # fmt: skip


class AdministersAlone(Exception):
    """Organizations with other members would be left without an admin."""

    def __init__(self, organizations: Sequence[Row[Any]]) -> None:
        super().__init__(organizations)
        self.organizations = organizations


def find(email: str, user_id: UUID | None) -> list[Row[Any]]:
    """The account with this id, or the accounts that have or had this address when they were deleted."""
    which = User.email == email if user_id is None else User.id == user_id
    return list(transaction.execute(select(*_LISTED).where(which).order_by(User.id)))


def erase(user_ids: Sequence[UUID], advance: Callable[[int], object] = lambda _: None) -> Receipt | None:
    """Erase accounts now. Those that are not deleted are deleted first.

    Args:
        user_ids: the accounts.
        advance: is called with 1 for each table that is searched.

    Returns:
        the receipt, None where they are erased already.

    Raises:
        AdministersAlone: first appoint another admin, or delete the organizations.
    """
    locked = _lock(is_one_of(User.id, user_ids))
    for user in locked:
        if user.deleted_at is None:
            _delete(user.id)
    return _erase(locked, advance) if locked else None


def erase_due_batch() -> int:
    """Erase accounts that were deleted longer ago than the grace, `BATCH` of them at most. Returns how many."""
    due = _lock(User.deleted_at < clock.now() - GRACE, limit=BATCH)
    if due:
        _erase(due, lambda _: None)
    return len(due)


def erase_late_events() -> int:
    """Erase events of requests that were under way while their account was erased. Returns how many."""
    late, erasure_id = rows.late_events(), uuid7()
    if late:
        receipt = Receipt(erasure_id, rows.erase_events(list(late), erasure_id), {}, {}, [])
        _record(receipt, sorted(set(late.values())))
    return len(late)


def _lock(which: ColumnElement[bool], limit: int | None = None) -> list[Row[Any]]:
    """Lock accounts that are not erased, so that nothing can be added that refers to them.

    Args:
        which: accounts.
        limit: how many. Then those that another process has locked are left to it.
    """
    found = select(*_LISTED).where(which, User.erased_at.is_(None)).limit(limit)
    found = found.order_by(User.id if limit is None else User.deleted_at)
    return list(transaction.execute(found.with_for_update(skip_locked=limit is not None)))


def _delete(user_id: UUID) -> None:
    members.lock_all(user_id)
    named = members.left_behind(user_id).add_columns(Organization.slug, Organization.name)
    if left_behind := transaction.execute(named).all():
        raise AdministersAlone(left_behind)
    accounts.end(user_id, None)


def _erase(users: Sequence[Row[Any]], advance: Callable[[int], object]) -> Receipt:
    """Erase accounts that are locked and deleted, search for what is left, and add the receipt to the audit log."""
    user_ids = [user.id for user in users]
    claims, erasure_id = _claims(users), uuid7()
    erased = rows.erase_all(user_ids, claims, erasure_id)
    theirs = {claim.address for claim in claims}
    taken = rows.in_use([*theirs, *(user.email for user in users)])
    left = search(sorted(theirs - taken), advance=advance)
    same_name = search(_maybe_anothers(users[0], theirs | taken), advance=advance) if len(users) == 1 else None
    receipt = Receipt(
        erasure_id, erased, left.columns, same_name.columns if same_name else {}, left.hidden, bool(taken)
    )
    _record(receipt, user_ids)
    return receipt


def _record(receipt: Receipt, user_ids: Sequence[UUID]) -> None:
    """Add the receipt to the events of each account."""
    for user_id in user_ids:
        details = {**receipt.details(), **({"accounts": len(user_ids)} if len(user_ids) > 1 else {})}
        audit.record(AuditAction.USER_ERASED, None, target_id=user_id, user_id=user_id, **details)


def _claims(users: Sequence[Row[Any]]) -> list[Claim]:
    """The addresses of accounts, and those that they had before, as far as somebody has verified them."""
    former = (
        select(AuditEvent.details["before"].astext, AuditEvent.created_at)
        .where(is_one_of(AuditEvent.user_id, [user.id for user in users]))
        .where(AuditEvent.action == AuditAction.USER_EMAIL_CHANGED)
        .where(AuditEvent.details.contains({"before_verified": True}))
    )
    now = [Claim(user.email, user.deleted_at) for user in users if user.email_verified]
    return [*now, *(Claim(*row) for row in transaction.execute(former))]


def _maybe_anothers(user: Row[Any], searched: set[str]) -> list[str]:
    """What may be somebody else's: an address that nobody has verified, and the full name.

    A first name alone is that of many.
    """
    names = [f"{user.first_name} {user.last_name}"] if user.first_name and user.last_name else []
    return [*names, *({user.email} - searched)]
