"""Accounts of people."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ColumnElement, Computed, Index, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from authapp.core import lengths
from authapp.core.actor import UserRecord
from authapp.db.engine import Model
from authapp.db.errors import ERRORS
from authapp.models.columns import Identified, Timestamped, timestamp


class User(Identified, Timestamped, Model):
    """A person. `email` is in the one canonical form; a deleted account keeps its row and frees its address.

    `erased_at` is when all was erased that could tell who it was. The row stays, because others refer to it.
    """

    __tablename__ = "users"

    email: Mapped[str] = mapped_column(String(lengths.EMAIL))
    email_verified: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    password_hash: Mapped[str | None] = mapped_column(String(128))
    has_password: Mapped[bool] = mapped_column(Computed("password_hash IS NOT NULL", persisted=True))
    first_name: Mapped[str | None] = mapped_column(String(lengths.PERSON_NAME))
    last_name: Mapped[str | None] = mapped_column(String(lengths.PERSON_NAME))
    is_active: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    mfa_enabled: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    is_operator: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    last_login_at: Mapped[datetime | None] = mapped_column(timestamp())
    deleted_at: Mapped[datetime | None] = mapped_column(timestamp())
    erased_at: Mapped[datetime | None] = mapped_column(timestamp())
    profile: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default=text("'{}'"))

    __table_args__ = (
        Index("uq_users_email_live", "email", unique=True, postgresql_where=text("deleted_at IS NULL")),
        Index(
            "ix_users_deleted_at_due",
            "deleted_at",
            postgresql_where=text("deleted_at IS NOT NULL AND erased_at IS NULL"),
        ),
        CheckConstraint("NOT is_operator OR (is_active AND deleted_at IS NULL)", name="operator_is_active"),
        CheckConstraint(
            "jsonb_typeof(profile) = 'object' AND octet_length(profile::text) <= 16384", name="profile_is_small"
        ),
        Index("ix_users_id_operator", "id", postgresql_where=text("is_operator")),
        Index("ix_users_erased_at", "erased_at", postgresql_where=text("erased_at IS NOT NULL")),
        {"info": {ERRORS: {"uq_users_email_live": "email_taken", "ck_users_profile_is_small": "validation_failed"}}},
    )

    @classmethod
    def record(cls) -> tuple[ColumnElement[Any], ...]:
        """The columns of a `UserRecord`, in its order."""
        return tuple(cls.__table__.c[name] for name in UserRecord._fields)
