"""All that is encrypted in the database, and how it is encrypted again with the key that is in use."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, LargeBinary, Table, cast, column, func, or_, select, union_all, update, values
from sqlalchemy.engine import Row

from authapp.db import transaction
from authapp.mail.outbox import PURPOSES
from authapp.models import KeptKey, OutboxMessage, SigningKey, TotpFactor, Webhook
from authapp.security.encryption import NO_ID, CannotDecrypt, Cipher
from authapp.security.key_set import kept_purpose, private_purpose
from authapp.services.second_factors import SECRET_PURPOSE
from authapp.services.webhooks import subscriptions

BATCH = 500

log = structlog.get_logger("authapp")


class Encrypted(NamedTuple):
    """A table with encrypted columns. Its column `key_id` names the key."""

    table: Table
    key: str  # its primary key
    columns: Mapping[str, Callable[[Any], tuple[UUID, str]]]  # gives owner and purpose, for the row with this key


def _of_row(purpose: str) -> Callable[[UUID], tuple[UUID, str]]:
    return lambda row_id: (row_id, purpose)


ENCRYPTED = (
    Encrypted(KeptKey.__table__, "purpose", {"encrypted_key": lambda purpose: (NO_ID, kept_purpose(purpose))}),  # type: ignore[arg-type]
    Encrypted(SigningKey.__table__, "kid", {"encrypted_private_jwk": lambda kid: (NO_ID, private_purpose(kid))}),  # type: ignore[arg-type]
    Encrypted(TotpFactor.__table__, "user_id", {"encrypted_secret": _of_row(SECRET_PURPOSE)}),  # type: ignore[arg-type]
    Encrypted(OutboxMessage.__table__, "id", {name: _of_row(purpose) for name, purpose in PURPOSES.items()}),  # type: ignore[arg-type]
    Encrypted(
        Webhook.__table__,  # type: ignore[arg-type]
        "id",
        {
            "encrypted_secret": _of_row(subscriptions.SECRET_PURPOSE),
            "encrypted_previous_secret": _of_row(subscriptions.PREVIOUS_SECRET_PURPOSE),
        },
    ),
)
"""A test compares it with the database."""


def rows_by_key() -> dict[str, int]:
    """How many rows are encrypted with which key, by its id. Emails of versions that kept no id are not counted."""
    of_each = (
        select(each.table.c.key_id).where(each.table.c.key_id.is_not(None), _has_text(each)) for each in ENCRYPTED
    )
    rows = union_all(*of_each).subquery()
    counted = select(rows.c.key_id, func.count().label("number")).group_by(rows.c.key_id)
    return {row.key_id: row.number for row in transaction.execute(counted)}


def left(encrypted: Encrypted, key_id: str) -> int:
    """How many rows of a table are not encrypted with this key."""
    return int(transaction.scalar(select(func.count()).select_from(encrypted.table).where(_others(encrypted, key_id))))


def renew(encrypted: Encrypted, cipher: Cipher) -> Iterator[int]:
    """Encrypt the rows of a table that were encrypted with another key, in batches. The caller commits each.

    Rows that somebody has locked come last. One that cannot be decrypted stays as it is.

    Yields:
        how many rows of a batch are done.
    """
    for skip_locked in (True, False):
        after = None
        while rows := _batch(encrypted, cipher.key_id, after, skip_locked):
            after = rows[-1][0]
            yield _renew(encrypted, cipher, rows)


def _batch(encrypted: Encrypted, key_id: str, after: Any, skip_locked: bool) -> list[Row[*tuple[Any, ...]]]:
    """The next rows, locked."""
    table, key = encrypted.table, encrypted.table.c[encrypted.key]
    which = [_others(encrypted, key_id), *([key > after] if after is not None else [])]
    rows = select(key, *(table.c[name] for name in encrypted.columns)).where(*which).order_by(key).limit(BATCH)
    return [*transaction.execute(rows.with_for_update(skip_locked=skip_locked))]


def _renew(encrypted: Encrypted, cipher: Cipher, rows: list[Row[*tuple[Any, ...]]]) -> int:
    done = [renewed for row in rows if (renewed := _renewed(encrypted, cipher, row))]
    if not done:
        return 0
    table, names = encrypted.table, [encrypted.key, *encrypted.columns]
    new = values(*(column(name, table.c[name].type) for name in names), name="new").data(done)
    changed: dict[str, Any] = {name: cast(new.c[name], LargeBinary) for name in encrypted.columns}
    same_row = table.c[encrypted.key] == new.c[encrypted.key]
    transaction.execute(update(table).where(same_row).values(key_id=cipher.key_id, **changed))
    return len(done)


def _renewed(encrypted: Encrypted, cipher: Cipher, row: Row[*tuple[Any, ...]]) -> tuple[Any, ...] | None:
    key, *before = row
    bound = [of_row(key) for of_row in encrypted.columns.values()]
    try:
        texts = [old and cipher.decrypt(old, *where) for old, where in zip(before, bound, strict=True)]
    except CannotDecrypt:
        log.error("rekey.unreadable", table=encrypted.table.name, key=str(key))
        return None
    return key, *(text and cipher.encrypt(text, *where) for text, where in zip(texts, bound, strict=True))


def _others(encrypted: Encrypted, key_id: str) -> ColumnElement[bool]:
    """The condition on rows that are encrypted with another key."""
    return encrypted.table.c.key_id.is_distinct_from(key_id) & _has_text(encrypted)


def _has_text(encrypted: Encrypted) -> ColumnElement[bool]:
    return or_(*(encrypted.table.c[name].is_not(None) for name in encrypted.columns))
