"""API keys: credentials of an organization, for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, LargeBinary, String, and_, or_, text
from sqlalchemy.orm import Mapped, mapped_column

from authapp.core.actor import Role
from authapp.core.tenancy import TenantModel
from authapp.models.columns import Identified, Timestamped, closed_set, moment

_UNREVOKED: dict[str, Any] = {"postgresql_where": text("revoked_at IS NULL")}


class ApiKey(Identified, Timestamped, TenantModel):
    """A key. The secret is shown once; here is its keyed hash, and during a rotation that of the one before."""

    __tablename__ = "api_keys"

    organization_id: Mapped[UUID] = mapped_column(  # without the index of its own, which the first one below serves for
        ForeignKey("organizations.id"), server_default=text("authapp_organization_id()")
    )
    name: Mapped[str] = mapped_column(String(100))
    role: Mapped[Role] = mapped_column(closed_set(Role, "role"))
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary)
    previous_secret_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    previous_expires_at: Mapped[datetime | None] = mapped_column(moment())
    created_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    expires_at: Mapped[datetime | None] = mapped_column(moment())
    last_used_at: Mapped[datetime | None] = mapped_column(moment())
    revoked_at: Mapped[datetime | None] = mapped_column(moment())

    __table_args__ = (
        CheckConstraint("role <> 'admin'", name="role_below_admin"),
        # the list, and the number of live ones, for which no key that has expired is read
        Index("ix_api_keys_organization_id_id_unrevoked", "organization_id", "id", **_UNREVOKED),
        Index("ix_api_keys_organization_id_expires_at_unrevoked", "organization_id", "expires_at", **_UNREVOKED),
    )

    @classmethod
    def live_at(cls, now: datetime | ColumnElement[datetime]) -> ColumnElement[bool]:
        """The condition under which a key opens anything."""
        return and_(cls.revoked_at.is_(None), or_(cls.expires_at.is_(None), cls.expires_at > now))

    @classmethod
    def has_secret(cls, digest: Any, now: datetime | ColumnElement[datetime]) -> ColumnElement[bool]:
        """The condition under which a secret is the key's own: the newest, or the one before while they overlap."""
        overlapping = and_(cls.previous_secret_hash == digest, cls.previous_expires_at > now)
        return or_(cls.secret_hash == digest, overlapping)
