"""Trusted identities: jobs of other systems that may sign in, and the tokens of jobs that have done so."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from authapp.core import lengths
from authapp.core.roles import Role
from authapp.db.engine import Model
from authapp.db.tenant_model import TenantModel
from authapp.models.columns import Created, Identified, role_column, timestamp


class TrustedIdentity(Identified, Created, TenantModel):
    """Whose tokens an organization accepts: those of this issuer in which all of these claims are equal."""

    __tablename__ = "trusted_identities"

    index_organization_id = False

    name: Mapped[str] = mapped_column(String(lengths.TRUSTED_IDENTITY_NAME))
    issuer: Mapped[str] = mapped_column(String(lengths.ISSUER))
    claims: Mapped[dict[str, Any]] = mapped_column(JSONB)
    role: Mapped[Role] = role_column()
    created_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))

    __table_args__ = (
        CheckConstraint("role <> 'admin'", name="role_below_admin"),
        Index("ix_trusted_identities_organization_id_id", "organization_id", "id"),
    )


class UsedJobToken(Model):
    """A token that a job has signed in with, so that nobody does so again, until it is not accepted any more."""

    __tablename__ = "used_job_tokens"

    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)  # of the organization, the issuer and the jti
    expires_at: Mapped[datetime] = mapped_column(timestamp())

    __table_args__ = (Index("ix_used_job_tokens_expires_at", "expires_at"),)
