"""Second factors: TOTP secrets, recovery codes, and sign-ins that wait for one."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, String
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from authapp.db.engine import Model
from authapp.models.columns import Created, Identified, timestamp


class TotpFactor(Created, Model):
    """The TOTP secret of an account, encrypted. It serves once it is confirmed.

    `key_id` names the key that encrypted it. `last_step` is the latest time step (RFC 6238 section 4) whose code was
    accepted: no code of it or of an earlier one is accepted again.
    """

    __tablename__ = "totp_factors"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    encrypted_secret: Mapped[bytes] = mapped_column(LargeBinary)
    key_id: Mapped[str] = mapped_column(String(16))
    confirmed_at: Mapped[datetime | None] = mapped_column(timestamp())
    last_step: Mapped[int | None]


class RecoveryCode(Model):
    """A recovery code of an account, as a keyed hash."""

    __tablename__ = "recovery_codes"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    used_at: Mapped[datetime | None] = mapped_column(timestamp())


class MfaChallenge(Identified, Created, Model):
    """A sign-in whose first factor was right, and which waits for the second. Stored is the keyed hash of its token.

    `amr` is how the account has authenticated so far, `device_id` the known device that it did so from.
    """

    __tablename__ = "mfa_challenges"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary)
    amr: Mapped[list[str]] = mapped_column(ARRAY(String(16)))
    device_id: Mapped[UUID | None]
    expires_at: Mapped[datetime] = mapped_column(timestamp(), index=True)

    __table_args__ = (Index("ix_mfa_challenges_user_id_expires_at", "user_id", "expires_at"),)
