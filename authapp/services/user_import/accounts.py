"""The accounts of a batch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, not_, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from uuid_utils.compat import uuid7

from authapp.core.enums import AuditAction
from authapp.db import transaction
from authapp.models import AuditEvent, Identity, KnownDevice, Passkey, Session, User
from authapp.models.columns import as_table, is_one_of
from authapp.services import audit, email_changes
from authapp.services.user_import.lines import AccountLine, Wanted
from authapp.services.user_import.outcome import Outcome

_COLUMNS = ("id", "email", "email_verified", "password_hash", "first_name", "last_name", "is_active", "created_at")
RESERVED = "email: Another account has left this address and can still take it back."


class Known(NamedTuple):
    """An account that is in the database, and locked."""

    id: UUID
    email: str
    email_verified: bool
    is_active: bool
    password_hash: str | None
    is_as_imported: bool

    def is_of_owner(self, wanted: Wanted) -> bool:
        """Whether nobody but the owner of the address can have this account.

        The address is verified; or an earlier import has created the account with the password of the line, and nobody
        has signed in since. Anybody may register any address, before the import for example.
        """
        return self.email_verified or (self.is_as_imported and self.password_hash == wanted.password_hash)


def add(lines: Sequence[AccountLine], outcome: Outcome) -> dict[str, Known]:
    """Create the accounts that are missing.

    Returns:
        all accounts of these lines by email, as `lock` has them.
    """
    created = _insert(lines)
    known = lock(line.columns["email"] for line in lines)
    for line in lines:
        email = line.columns["email"]
        if email not in known:
            outcome.refused.append((line.line, RESERVED))
        elif email not in created:
            outcome.counts["accounts_present"] += 1
        else:
            created.remove(email)  # of several lines with this email, the first has created it
            outcome.counts["accounts_created"] += 1
            outcome.counts["accounts_without_password"] += line.columns["password_hash"] is None
            outcome.counts["weak_hashes"] += line.has_weak_hash
    return known


def lock(emails: Iterable[str]) -> dict[str, Known]:
    """The accounts with these emails, each of which stays as it is until the transaction ends."""
    rows = transaction.execute(
        select(User.id, User.email, User.email_verified, User.is_active, User.password_hash, _is_as_imported())
        .where(is_one_of(User.email, set(emails)), User.deleted_at.is_(None))
        .order_by(User.id)
        .with_for_update(key_share=True, of=User)
    )
    return {row.email: Known._make(row) for row in rows}


def _is_as_imported() -> ColumnElement[bool]:
    """The condition that an import has created an account, as the audit log says, and that nobody has used it."""
    was_imported = exists().where(
        AuditEvent.user_id == User.id,
        AuditEvent.action == AuditAction.USER_IMPORTED,
        AuditEvent.actor_id.is_(None),
    )
    left_by_use = (Session, Passkey, Identity, KnownDevice)  # identities stay when they are unlinked
    is_used = or_(User.last_login_at.is_not(None), *(exists().where(each.user_id == User.id) for each in left_by_use))
    return and_(was_imported, not_(is_used))


def _insert(lines: Sequence[AccountLine]) -> set[str]:
    """The emails of the accounts that were missing."""
    given = as_table(User, _COLUMNS, [{"id": uuid7(), **line.columns} for line in lines])
    values = [func.coalesce(each, func.now()) if each.name == "created_at" else each for each in given.c]
    free = select(*values).where(~email_changes.is_reserved(given.c.email)).order_by(given.c.email)
    created = transaction.execute(
        insert(User)
        .from_select(_COLUMNS, free)
        .on_conflict_do_nothing(index_elements=["email"], index_where=text("deleted_at IS NULL"))
        .returning(User.id, User.email)
    ).all()
    audit.record_all(AuditAction.USER_IMPORTED, [{"target_id": row.id, "user_id": row.id} for row in created])
    return {row.email for row in created}
