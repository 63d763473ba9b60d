"""Letters on their way. Written in the transaction of the act they tell of, sent by the worker after it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, LargeBinary, String, Text, func, text
from sqlalchemy.orm import Mapped, mapped_column

from authapp.core.extensions import Model
from authapp.models.columns import Created, Identified, moment


class Letter(Identified, Created, Model):
    """A letter. `sealed` is its text, which may hold a token, encrypted; it is erased once the letter is sent.

    `due_at` is when it may be tried next, None once it is sent (`sent_at`) or given up (`dead_at`).
    """

    __tablename__ = "outbox"

    about_id: Mapped[UUID | None]  # what it tells of, an invitation say, so that it can be withdrawn
    recipient: Mapped[str] = mapped_column(String(254))
    kind: Mapped[str] = mapped_column(String(64))
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    due_at: Mapped[datetime | None] = mapped_column(moment(), server_default=func.now())
    sent_at: Mapped[datetime | None] = mapped_column(moment())
    dead_at: Mapped[datetime | None] = mapped_column(moment())
    last_error: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        Index("ix_outbox_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index("ix_outbox_about_id_unsent", "about_id", postgresql_where=text("sent_at IS NULL")),
    )
