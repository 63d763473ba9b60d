"""Invitations into an organization."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, ForeignKey, Index, LargeBinary, String, and_, text
from sqlalchemy.orm import Mapped, mapped_column

from authapp.core.actor import Role
from authapp.core.tenancy import TenantModel
from authapp.models.columns import Identified, Timestamped, closed_set, moment
from authapp.schemas.invitations import InvitationStatus


class Invitation(Identified, Timestamped, TenantModel):
    """An address that may join with a role. The token is in the letter alone; here is its keyed hash."""

    __tablename__ = "invitations"

    organization_id: Mapped[UUID] = mapped_column(  # without the index of its own, which the first one below serves for
        ForeignKey("organizations.id"), server_default=text("authapp_organization_id()")
    )
    email: Mapped[str] = mapped_column(String(254))
    role: Mapped[Role] = mapped_column(closed_set(Role, "role"))
    status: Mapped[InvitationStatus] = mapped_column(
        closed_set(InvitationStatus, "status"), default=InvitationStatus.PENDING, server_default="pending"
    )
    token_hash: Mapped[bytes] = mapped_column(LargeBinary)
    invited_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    expires_at: Mapped[datetime] = mapped_column(moment())

    __table_args__ = (
        Index("ix_invitations_organization_id_id", "organization_id", "id"),
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
    )

    @classmethod
    def open_at(cls, now: datetime | ColumnElement[datetime]) -> ColumnElement[bool]:
        """The condition under which an invitation may still be taken up."""
        return and_(cls.status == InvitationStatus.PENDING, cls.expires_at > now)
