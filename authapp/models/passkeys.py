"""Passkeys of accounts (WebAuthn Level 3), and the challenges that they answer."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from authapp.core import lengths
from authapp.core.enums import PasskeyPurpose
from authapp.db.engine import Model
from authapp.models.columns import Created, Identified, enum_column, timestamp


class PasskeyUser(Model):
    """What authenticators call an account: random bytes that tell nothing about it (WebAuthn section 14.6.1)."""

    __tablename__ = "passkey_users"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    handle: Mapped[bytes] = mapped_column(LargeBinary)


class Passkey(Identified, Created, Model):
    """A passkey of an account.

    `backup_eligible` says whether its authenticator may synchronize it. That never changes. `backed_up` says whether
    it has done so.
    """

    __tablename__ = "passkeys"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    credential_id: Mapped[bytes] = mapped_column(LargeBinary)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(BigInteger)
    backup_eligible: Mapped[bool]
    backed_up: Mapped[bool]
    name: Mapped[str] = mapped_column(String(lengths.PASSKEY_NAME))
    last_used_at: Mapped[datetime | None] = mapped_column(timestamp())

    __table_args__ = (
        Index("uq_passkeys_credential_id", "credential_id", unique=True),
        Index("ix_passkeys_user_id", "user_id"),
    )


class PasskeyChallenge(Identified, Created, Model):
    """A challenge that a passkey may answer, once, for one purpose, within 5 minutes.

    `user_id` is the account that it was made for, `browser_hash` the keyed hash of the cookie of the browser. One that
    was made for neither is for a client without cookies, who signs in.
    """

    __tablename__ = "passkey_challenges"

    purpose: Mapped[PasskeyPurpose] = mapped_column(enum_column(PasskeyPurpose, "purpose"))
    challenge: Mapped[bytes] = mapped_column(LargeBinary)
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    browser_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime] = mapped_column(timestamp())

    __table_args__ = (
        Index("uq_passkey_challenges_challenge", "challenge", unique=True),
        Index("ix_passkey_challenges_expires_at", "expires_at"),
        Index("ix_passkey_challenges_user_id", "user_id"),
    )
