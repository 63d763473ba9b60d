"""What other services have to know: sessions and accounts whose access tokens may still verify, and are dead."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from authapp.db.engine import Model
from authapp.models.columns import timestamp


class Revocation(Model):
    """A session that has ended, or an account of which all tokens issued until `revoked_at` are dead.

    A trusted identity that was deleted counts as an account: `user_id` is what its tokens have as `sub`.

    `transaction_id` is the id of the transaction that has written the row, as a number: SQLAlchemy has no xid8. No
    foreign keys: a row outlives what it names, and goes when it expires.
    """

    __tablename__ = "revocations"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    transaction_id: Mapped[int] = mapped_column(BigInteger)
    session_id: Mapped[UUID | None]
    user_id: Mapped[UUID | None]
    revoked_at: Mapped[datetime] = mapped_column(timestamp())
    expires_at: Mapped[datetime] = mapped_column(timestamp())

    __table_args__ = (
        CheckConstraint("num_nonnulls(session_id, user_id) = 1", name="session_or_account"),
        Index("ix_revocations_transaction_id_id", "transaction_id", "id"),
        Index("ix_revocations_expires_at", "expires_at"),
    )
