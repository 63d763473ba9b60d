"""How many attempts to sign in have failed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from authapp.db.engine import Model
from authapp.models.columns import timestamp


class AttemptCounter(Model):
    """The failed attempts of one key, and those whose outcome is not known yet.

    `key` is a keyed hash of what is counted: an address, a network, both together, a device, the second factor of an
    account. `subject` is the keyed hash of the address that the attempts were for, so that they can be forgotten.
    """

    __tablename__ = "attempt_counters"

    key: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    subject: Mapped[bytes | None] = mapped_column(LargeBinary)
    failures: Mapped[int]
    next_at: Mapped[datetime] = mapped_column(timestamp())
    updated_at: Mapped[datetime] = mapped_column(timestamp(), index=True)

    __table_args__ = (Index("ix_attempt_counters_subject", "subject", postgresql_where=text("subject IS NOT NULL")),)
