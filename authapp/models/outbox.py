"""The outbox: emails that are enqueued in the transaction of what they tell of, and sent after it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, LargeBinary, String, Text, func, text
from sqlalchemy.orm import Mapped, mapped_column

from authapp.core import lengths
from authapp.db.engine import Model
from authapp.models.columns import Created, Identified, timestamp


class OutboxMessage(Identified, Created, Model):
    """An email. Its body, which may hold a token, is encrypted, and erased once the email is sent.

    `due_at` is when it may be tried next, None once it is sent (`sent_at`) or given up (`dead_at`). An email that is
    composed when it is sent has no body before, and `encrypted_context` is what its composer needs, if anything. Where
    there was nobody to send it to, it counts as sent: it counts towards the limits of its recipient. `key_id` names the
    key that encrypted it last, where that is known.
    """

    __tablename__ = "outbox"

    subject_id: Mapped[UUID | None]  # what it is about, an invitation for example, so that it can be cancelled
    recipient: Mapped[str] = mapped_column(String(lengths.EMAIL))
    kind: Mapped[str] = mapped_column(String(64))
    encrypted_body: Mapped[bytes | None] = mapped_column(LargeBinary)
    encrypted_context: Mapped[bytes | None] = mapped_column(LargeBinary)
    key_id: Mapped[str | None] = mapped_column(String(16))
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    due_at: Mapped[datetime | None] = mapped_column(timestamp(), server_default=func.now())
    sent_at: Mapped[datetime | None] = mapped_column(timestamp())
    dead_at: Mapped[datetime | None] = mapped_column(timestamp())
    last_error: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        Index("ix_outbox_due_at_id", "due_at", "id", postgresql_where=text("due_at IS NOT NULL")),
        Index("ix_outbox_id_dead", "id", postgresql_where=text("dead_at IS NOT NULL")),
        Index("ix_outbox_subject_id_unsent", "subject_id", postgresql_where=text("sent_at IS NULL")),
        Index("ix_outbox_recipient_created_at", "recipient", "created_at"),  # what a recipient has been sent lately
        Index("ix_outbox_sent_at", "sent_at", postgresql_where=text("sent_at IS NOT NULL")),
        Index("ix_outbox_dead_at", "dead_at", postgresql_where=text("dead_at IS NOT NULL")),
    )
