"""API keys: credentials of an organization, for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    and_,
    or_,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from authapp.core import lengths
from authapp.core.permissions import MOST_PERMISSIONS
from authapp.core.roles import Role
from authapp.db.tenant_model import TenantModel
from authapp.models.columns import Identified, Timestamped, role_column, timestamp

_UNREVOKED: dict[str, Any] = {"postgresql_where": text("revoked_at IS NULL")}


class ApiKey(Identified, Timestamped, TenantModel):
    """A key. Its secret is shown once. Stored is its keyed hash, and during a rotation that of the one before.

    `permissions` are those that it was granted beside those of its role.
    """

    __tablename__ = "api_keys"

    index_organization_id = False

    name: Mapped[str] = mapped_column(String(lengths.API_KEY_NAME))
    role: Mapped[Role] = role_column()
    permissions: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary)
    previous_secret_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    previous_expires_at: Mapped[datetime | None] = mapped_column(timestamp())
    created_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    expires_at: Mapped[datetime | None] = mapped_column(timestamp())
    last_used_at: Mapped[datetime | None] = mapped_column(timestamp())
    revoked_at: Mapped[datetime | None] = mapped_column(timestamp())

    __table_args__ = (
        CheckConstraint("role <> 'admin'", name="role_below_admin"),
        CheckConstraint(f"cardinality(permissions) <= {MOST_PERMISSIONS}", name="permissions_bounded"),
        # the list, and the number of live ones, for which no key that has expired is read
        Index("ix_api_keys_organization_id_id_unrevoked", "organization_id", "id", **_UNREVOKED),
        Index("ix_api_keys_organization_id_expires_at_unrevoked", "organization_id", "expires_at", **_UNREVOKED),
        Index("ix_api_keys_created_by_id_unrevoked", "created_by", "id", **_UNREVOKED),
        Index("ix_api_keys_revoked_at", "revoked_at", postgresql_where=text("revoked_at IS NOT NULL")),
        Index("ix_api_keys_expires_at", "expires_at", postgresql_where=text("expires_at IS NOT NULL")),
    )

    @classmethod
    def live_at(cls, now: datetime | ColumnElement[datetime]) -> ColumnElement[bool]:
        """The condition under which a key is live."""
        return and_(cls.revoked_at.is_(None), or_(cls.expires_at.is_(None), cls.expires_at > now))
