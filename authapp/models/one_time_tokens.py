"""Tokens that emails carry. One table for all purposes."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Index, LargeBinary, String, UniqueConstraint, and_, text
from sqlalchemy.orm import Mapped, mapped_column

from authapp.core import lengths
from authapp.core.enums import TokenPurpose
from authapp.db.engine import Model
from authapp.models.columns import Created, Identified, enum_column, timestamp


class OneTimeToken(Identified, Created, Model):
    """The present token of an owner for a purpose. Only the email has the token. Stored is its keyed hash.

    `owner_id` is the account, or for an invitation the invitation. `email` is the address that the token confirms: the
    email went there. `unverified` says of a token that undoes a change that nobody had verified this address before.
    """

    __tablename__ = "one_time_tokens"

    owner_id: Mapped[UUID]
    purpose: Mapped[TokenPurpose] = mapped_column(enum_column(TokenPurpose, "purpose"))
    email: Mapped[str] = mapped_column(String(lengths.EMAIL))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary)
    unverified: Mapped[bool] = mapped_column(server_default=text("false"))
    expires_at: Mapped[datetime] = mapped_column(timestamp(), index=True)
    used_at: Mapped[datetime | None] = mapped_column(timestamp())

    __table_args__ = (
        UniqueConstraint("owner_id", "purpose", name="uq_one_time_tokens_owner_id_purpose"),
        # the address that a change left stays reserved while the change can be undone
        Index("ix_one_time_tokens_email_undo", "email", postgresql_where=text("purpose = 'undo_change'")),
        # where only the invited may register, somebody with an invited address at a provider may
        Index("ix_one_time_tokens_email_invitation", "email", postgresql_where=text("purpose = 'invitation'")),
    )

    @classmethod
    def live_at(cls, now: datetime | ColumnElement[datetime]) -> ColumnElement[bool]:
        """The condition under which a token may be used."""
        return and_(cls.used_at.is_(None), cls.expires_at > now)
