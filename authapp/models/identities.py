"""Sign-in with a provider: the identities of accounts, requests that a provider answers, and codes for a session."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, ForeignKey, Index, LargeBinary, String, and_, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from authapp.core import lengths
from authapp.db.engine import Model
from authapp.models.columns import Created, Identified, timestamp


class Identity(Identified, Created, Model):
    """An identity at a provider that signs an account in: an issuer, and what the issuer calls the person.

    `email` is what the provider told last. It identifies nobody. One that was unlinked is kept, so that the same
    address does not link it again. It signs nobody in, and may be linked to another account.
    """

    __tablename__ = "identities"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    provider: Mapped[str] = mapped_column(String(32))
    issuer: Mapped[str] = mapped_column(String(lengths.ISSUER))
    subject: Mapped[str] = mapped_column(String(lengths.SUBJECT))
    email: Mapped[str | None] = mapped_column(String(lengths.EMAIL))
    last_used_at: Mapped[datetime | None] = mapped_column(timestamp())
    unlinked_at: Mapped[datetime | None] = mapped_column(timestamp())

    __table_args__ = (
        Index(
            "uq_identities_issuer_subject",
            "issuer",
            "subject",
            unique=True,
            postgresql_where=text("unlinked_at IS NULL"),
        ),
        Index("ix_identities_user_id", "user_id"),
    )

    @classmethod
    def linked_to(cls, user_id: UUID) -> ColumnElement[bool]:
        """The condition under which it signs an account in."""
        return and_(cls.user_id == user_id, cls.unlinked_at.is_(None))


class SsoState(Identified, Created, Model):
    """A request that was sent to a provider, and waits for the answer. Stored is the keyed hash of its `state`.

    `browser_hash` is the keyed hash of the cookie of the browser that was sent there. `user_id` and `session_id` are
    those of a signed-in account that links an identity.
    """

    __tablename__ = "sso_states"

    provider: Mapped[str] = mapped_column(String(32))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary)
    browser_hash: Mapped[bytes] = mapped_column(LargeBinary)
    return_to: Mapped[str | None] = mapped_column(String(lengths.ADDRESS))
    code_challenge: Mapped[str | None] = mapped_column(String(lengths.CODE_CHALLENGE))
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    session_id: Mapped[UUID | None]
    expires_at: Mapped[datetime] = mapped_column(timestamp())

    __table_args__ = (
        Index("ix_sso_states_expires_at", "expires_at"),
        Index("ix_sso_states_user_id", "user_id"),
    )


class SsoCode(Identified, Created, Model):
    """A one-time code for a session. Stored is its keyed hash, and whom the provider has authenticated."""

    __tablename__ = "sso_codes"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary)
    browser_hash: Mapped[bytes] = mapped_column(LargeBinary)
    code_challenge: Mapped[str | None] = mapped_column(String(lengths.CODE_CHALLENGE))
    person: Mapped[dict[str, Any]] = mapped_column(JSONB)
    expires_at: Mapped[datetime] = mapped_column(timestamp())

    __table_args__ = (Index("ix_sso_codes_expires_at", "expires_at"),)
