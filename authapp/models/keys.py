"""Keys that the database keeps, encrypted: those that sign access tokens, and those of an earlier SECRET_KEY."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, LargeBinary, String, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from authapp.core.enums import KeyState
from authapp.db.engine import Model
from authapp.models.columns import Created, enum_column, timestamp


class SigningKey(Model):
    """A key that signs access tokens, has signed them, or will. No row is ever deleted: a `kid` is not used again.

    `published_at` is when other services could begin to read it, `deactivated_at` when it stopped to sign. Then its
    private half is erased.
    """

    __tablename__ = "signing_keys"

    kid: Mapped[str] = mapped_column(String(16), primary_key=True)
    algorithm: Mapped[str] = mapped_column(String(8))
    state: Mapped[KeyState] = mapped_column(enum_column(KeyState, "state"))
    public_jwk: Mapped[dict[str, Any]] = mapped_column(JSONB)
    encrypted_private_jwk: Mapped[bytes | None] = mapped_column(LargeBinary)
    key_id: Mapped[str | None] = mapped_column(String(16))
    published_at: Mapped[datetime] = mapped_column(timestamp(), server_default=func.now())
    activated_at: Mapped[datetime | None] = mapped_column(timestamp())
    deactivated_at: Mapped[datetime | None] = mapped_column(timestamp())
    retired_at: Mapped[datetime | None] = mapped_column(timestamp())

    __table_args__ = (
        CheckConstraint(
            "(state IN ('next', 'current')) = (encrypted_private_jwk IS NOT NULL)", name="private_while_it_signs"
        ),
        CheckConstraint("(state = 'retired') = (retired_at IS NOT NULL)", name="retired_at"),
        CheckConstraint("(encrypted_private_jwk IS NULL) = (key_id IS NULL)", name="key_id"),
        CheckConstraint("state <> 'current' OR activated_at IS NOT NULL", name="activated_at"),
        CheckConstraint("state <> 'previous' OR deactivated_at IS NOT NULL", name="deactivated_at"),
        Index(
            "uq_signing_keys_algorithm_state",
            "algorithm",
            "state",
            unique=True,
            postgresql_where=text("state IN ('next', 'current')"),
        ),
    )


class KeptKey(Created, Model):
    """A key that outlives the SECRET_KEY that it was derived from. `encrypted_at` is when it was last encrypted."""

    __tablename__ = "kept_keys"

    purpose: Mapped[str] = mapped_column(String(64), primary_key=True)
    encrypted_key: Mapped[bytes] = mapped_column(LargeBinary)
    key_id: Mapped[str] = mapped_column(String(16))
    encrypted_at: Mapped[datetime] = mapped_column(timestamp(), server_default=func.now())
