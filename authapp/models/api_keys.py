"""API keys: credentials of an organization, for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, LargeBinary, String, and_, or_
from sqlalchemy.orm import Mapped, mapped_column

from authapp.core.actor import Role
from authapp.core.tenancy import TenantModel
from authapp.models.columns import Identified, Timestamped, closed_set, moment


class ApiKey(Identified, Timestamped, TenantModel):
    """A key. The secret is shown once; here is its keyed hash, and during a rotation that of the one before."""

    __tablename__ = "api_keys"

    name: Mapped[str] = mapped_column(String(100))
    role: Mapped[Role] = mapped_column(closed_set(Role, "role"))
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary)
    previous_secret_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    previous_expires_at: Mapped[datetime | None] = mapped_column(moment())
    created_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    expires_at: Mapped[datetime | None] = mapped_column(moment())
    last_used_at: Mapped[datetime | None] = mapped_column(moment())
    revoked_at: Mapped[datetime | None] = mapped_column(moment())

    __table_args__ = (CheckConstraint("role <> 'admin'", name="role_below_admin"),)

    @classmethod
    def live_at(cls, now: datetime | ColumnElement[datetime]) -> ColumnElement[bool]:
        """The condition under which a key opens anything."""
        return and_(cls.revoked_at.is_(None), or_(cls.expires_at.is_(None), cls.expires_at > now))

    @classmethod
    def has_secret(cls, digest: Any, now: datetime | ColumnElement[datetime]) -> ColumnElement[bool]:
        """The condition under which a secret is the key's own: the newest, or the one before while they overlap."""
        overlapping = and_(cls.previous_secret_hash == digest, cls.previous_expires_at > now)
        return or_(cls.secret_hash == digest, overlapping)
