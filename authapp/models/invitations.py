"""Invitations into an organization."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, ForeignKey, Index, String, and_, text
from sqlalchemy.orm import Mapped, mapped_column

from authapp.core import lengths
from authapp.core.enums import InvitationStatus
from authapp.core.roles import Role
from authapp.db.errors import ERRORS
from authapp.db.tenant_model import TenantModel
from authapp.models.columns import Identified, Timestamped, enum_column, role_column, timestamp


class Invitation(Identified, Timestamped, TenantModel):
    """An address that may join with a role. Its token is a `OneTimeToken`."""

    __tablename__ = "invitations"

    index_organization_id = False

    email: Mapped[str] = mapped_column(String(lengths.EMAIL))
    role: Mapped[Role] = role_column()
    status: Mapped[InvitationStatus] = mapped_column(
        enum_column(InvitationStatus, "status"), default=InvitationStatus.PENDING, server_default="pending"
    )
    invited_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    expires_at: Mapped[datetime] = mapped_column(timestamp(), index=True)

    __table_args__ = (
        Index("ix_invitations_organization_id_id", "organization_id", "id"),
        # those of an account, for its export and its erasure
        Index("ix_invitations_email", "email"),
        Index("ix_invitations_invited_by_id", "invited_by", "id"),
        Index(
            "ix_invitations_invited_by_organization_id_pending",
            "invited_by",
            "organization_id",
            postgresql_where=text("status = 'pending'"),
        ),
        Index(
            "uq_invitations_organization_id_email_pending",
            "organization_id",
            "email",
            unique=True,
            postgresql_where=text("status = 'pending'"),
        ),
        {"info": {ERRORS: {"uq_invitations_organization_id_email_pending": "invitation_pending"}}},
    )

    @classmethod
    def open_at(cls, now: datetime | ColumnElement[datetime]) -> ColumnElement[bool]:
        """The condition under which an invitation may be accepted or declined."""
        return and_(cls.status == InvitationStatus.PENDING, cls.expires_at > now)
