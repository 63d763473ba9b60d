"""Devices from which an account has signed in before."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from authapp.db.engine import Model
from authapp.models.columns import Created, Identified, timestamp


class KnownDevice(Identified, Created, Model):
    """A device that holds a device token. Stored is the keyed hash of the token."""

    __tablename__ = "known_devices"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime] = mapped_column(timestamp(), index=True)

    __table_args__ = (Index("ix_known_devices_user_id_expires_at", "user_id", "expires_at"),)
