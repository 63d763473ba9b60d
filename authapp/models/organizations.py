"""Organizations and memberships."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, Select, String, and_, select, text
from sqlalchemy.orm import Mapped, mapped_column

from authapp.core import lengths
from authapp.core.actor import OrganizationRecord
from authapp.core.enums import SubscriptionStatus, SuspensionReason
from authapp.core.roles import Role
from authapp.db.engine import Model
from authapp.db.errors import ERRORS
from authapp.db.tenant_model import TenantModel
from authapp.models.columns import Identified, Timestamped, enum_column, role_column, timestamp
from authapp.models.users import User


class Organization(Identified, Timestamped, Model):
    """A tenant. `seats` NULL means unlimited. A constraint trigger keeps an active admin in it.

    Not in one that is deleted or suspended. No guard lets anybody into those.
    `founded_by` is the account whose limit it counts towards, None where that is not known. `purged_at` is when all was
    deleted that it had. The row stays, because its audit log refers to it.
    """

    __tablename__ = "organizations"

    name: Mapped[str] = mapped_column(String(lengths.ORGANIZATION_NAME))
    slug: Mapped[str] = mapped_column(String(lengths.SLUG))
    plan: Mapped[str] = mapped_column(String(50), default="free", server_default="free")
    subscription_status: Mapped[SubscriptionStatus] = mapped_column(
        enum_column(SubscriptionStatus, "subscription_status"),
        default=SubscriptionStatus.ACTIVE,
        server_default=SubscriptionStatus.ACTIVE.value,
    )
    seats: Mapped[int | None]
    trial_ends_at: Mapped[datetime | None] = mapped_column(timestamp())
    suspended_at: Mapped[datetime | None] = mapped_column(timestamp())
    suspension_reason: Mapped[SuspensionReason | None] = mapped_column(
        enum_column(SuspensionReason, "suspension_reason")
    )
    deleted_at: Mapped[datetime | None] = mapped_column(timestamp())
    purged_at: Mapped[datetime | None] = mapped_column(timestamp())
    founded_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))

    __table_args__ = (
        Index("ix_organizations_founded_by_live", "founded_by", postgresql_where=text("deleted_at IS NULL")),
        Index("uq_organizations_slug_live", "slug", unique=True, postgresql_where=text("deleted_at IS NULL")),
        Index(
            "ix_organizations_deleted_at_due",
            "deleted_at",
            postgresql_where=text("deleted_at IS NOT NULL AND purged_at IS NULL"),
        ),
        CheckConstraint("slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name="slug_grammar"),
        CheckConstraint("seats >= 1", name="seats_positive"),
        CheckConstraint("(suspended_at IS NULL) = (suspension_reason IS NULL)", name="suspended_with_reason"),
        # the second is a constraint trigger's
        {"info": {ERRORS: {"uq_organizations_slug_live": "slug_taken", "organizations_keep_an_admin": "last_admin"}}},
    )

    @classmethod
    def is_live(cls) -> ColumnElement[bool]:
        """The condition under which the credentials of an organization are accepted."""
        return and_(cls.deleted_at.is_(None), cls.suspended_at.is_(None))

    @classmethod
    def record(cls) -> tuple[ColumnElement[Any], ...]:
        """The columns of an `OrganizationRecord`, in its order, for a statement that joins the caller's membership."""
        return (*cls.own_record(), Membership.__table__.c.role)

    @classmethod
    def own_record(cls) -> tuple[ColumnElement[Any], ...]:
        """The same without the role."""
        return tuple(cls.__table__.c[name] for name in OrganizationRecord._fields if name != "role")


class Membership(Timestamped, TenantModel):
    """A user in an organization. Both keys together are the key: the guard finds it in one step."""

    __tablename__ = "memberships"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organizations.id"), primary_key=True)
    role: Mapped[Role] = role_column()

    __table_args__ = (
        # the members in pages, all of them and those of one role, which the search for another admin reads as well
        Index("ix_memberships_organization_id_user_id", "organization_id", "user_id"),
        Index("ix_memberships_organization_id_role_user_id", "organization_id", "role", "user_id"),
        {"info": {ERRORS: {"pk_memberships": "already_member"}}},
    )

    @classmethod
    def active_admins(cls, organization_id: Any) -> Select[*tuple[Any, ...]]:
        """The statement for the memberships of the active admins of an organization."""
        admins = select(cls).join(User, User.id == cls.user_id)
        of_active = and_(cls.role == Role.ADMIN, User.is_active, User.deleted_at.is_(None))
        return admins.where(cls.organization_id == organization_id, of_active)
