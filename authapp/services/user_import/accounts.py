"""The accounts of a batch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import exists, func, select, text
from sqlalchemy.dialects.postgresql import insert
from uuid_utils.compat import uuid7

from authapp.core.enums import AuditAction
from authapp.db import transaction
from authapp.models import Identity, User
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
    is_unused: bool

    def is_of_owner(self, wanted: Wanted) -> bool:
        """Whether nobody but the owner of the address can have this account.

        The address is verified; or the account is as the line would create it and nobody has used it, so an import has
        created it. Anybody may register any address, before the import for example.
        """
        return self.email_verified or (self.is_unused and self.password_hash == wanted.password_hash)


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
    has_identity = exists().where(Identity.user_id == User.id, Identity.unlinked_at.is_(None))
    is_unused = User.last_login_at.is_(None) & ~has_identity
    rows = transaction.execute(
        select(User.id, User.email, User.email_verified, User.is_active, User.password_hash, is_unused)
        .where(is_one_of(User.email, set(emails)), User.deleted_at.is_(None))
        .order_by(User.id)
        .with_for_update(key_share=True, of=User)
    )
    return {row.email: Known._make(row) for row in rows}


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
