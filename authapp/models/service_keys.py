"""Service keys: credentials of other services, made by the operator."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ARRAY, CheckConstraint, ColumnElement, Index, LargeBinary, String, Text, and_, or_, text
from sqlalchemy.orm import Mapped, mapped_column

from authapp.core import lengths
from authapp.core.enums import ServiceRight
from authapp.db.engine import Model
from authapp.models.columns import Created, Identified, timestamp

_RIGHTS = ", ".join(f"'{right}'" for right in ServiceRight)


class ServiceKey(Identified, Created, Model):
    """A key. Stored is the keyed hash of its secret, and during a rotation that of the one before."""

    __tablename__ = "service_keys"

    name: Mapped[str] = mapped_column(String(lengths.SERVICE_KEY_NAME))
    rights: Mapped[list[str]] = mapped_column(ARRAY(Text))
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary)
    previous_secret_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    previous_expires_at: Mapped[datetime | None] = mapped_column(timestamp())
    last_used_at: Mapped[datetime | None] = mapped_column(timestamp())
    revoked_at: Mapped[datetime | None] = mapped_column(timestamp())

    __table_args__ = (
        CheckConstraint(f"cardinality(rights) > 0 AND rights <@ ARRAY[{_RIGHTS}]", name="known_rights"),
        Index("uq_service_keys_name_live", "name", unique=True, postgresql_where=text("revoked_at IS NULL")),
    )

    @classmethod
    def presented(
        cls, digest: ColumnElement[bytes] | bytes, now: ColumnElement[datetime] | datetime
    ) -> ColumnElement[bool]:
        """The condition under which a secret with this hash is one of a live key."""
        previous = and_(cls.previous_secret_hash == digest, cls.previous_expires_at > now)
        return and_(cls.revoked_at.is_(None), or_(cls.secret_hash == digest, previous))
