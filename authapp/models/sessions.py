"""Signed-in sessions. A session is one refresh token family: it knows its current token and the one just spent."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, ForeignKey, Index, String, and_, text
from sqlalchemy.dialects.postgresql import ARRAY, INET
from sqlalchemy.orm import Mapped, mapped_column

from authapp.core import lengths
from authapp.db.engine import Model
from authapp.models.columns import Created, Identified, timestamp


class SessionRecord(NamedTuple):
    """A session as it is in the database: what its tokens say."""

    id: UUID
    refresh_id: UUID
    authenticated_at: datetime
    amr: list[str]
    last_used_at: datetime
    expires_at: datetime


class Session(Identified, Created, Model):
    """A sign-in and all the refresh tokens that descend from it.

    `refresh_id` is the `jti` of the refresh token that may be used next, `previous_refresh_id` of the one before it,
    and `last_used_at` the moment of that rotation, which is also the `iat` of the current token. `device_id` is the
    known device that it was started from.
    """

    __tablename__ = "sessions"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    refresh_id: Mapped[UUID]
    previous_refresh_id: Mapped[UUID | None]
    authenticated_at: Mapped[datetime] = mapped_column(timestamp())
    amr: Mapped[list[str]] = mapped_column(ARRAY(String(16)))
    last_used_at: Mapped[datetime] = mapped_column(timestamp())
    expires_at: Mapped[datetime] = mapped_column(timestamp())
    ends_at_latest: Mapped[datetime] = mapped_column(timestamp())
    ended_at: Mapped[datetime | None] = mapped_column(timestamp())
    end_reason: Mapped[str | None] = mapped_column(String(32))
    ip_address: Mapped[str | None] = mapped_column(INET)
    user_agent: Mapped[str | None] = mapped_column(String(lengths.USER_AGENT))
    device_id: Mapped[UUID | None]

    __table_args__ = (
        # the sessions page and "everywhere" read the live ones of a user, newest first
        Index("ix_sessions_user_id_live", "user_id", "id", postgresql_where=text("ended_at IS NULL")),
        # those to be marked as ended, and those to be removed
        Index("ix_sessions_expires_at_live", "expires_at", postgresql_where=text("ended_at IS NULL")),
        Index("ix_sessions_ended_at", "ended_at", postgresql_where=text("ended_at IS NOT NULL")),
        Index("ix_sessions_user_id_id", "user_id", "id"),  # all of them, for the export and the erasure of an account
    )

    @classmethod
    def live_at(cls, now: datetime | ColumnElement[datetime]) -> ColumnElement[bool]:
        """The condition under which a session is live."""
        return and_(cls.ended_at.is_(None), cls.expires_at > now)

    @classmethod
    def record(cls) -> tuple[ColumnElement[Any], ...]:
        """The columns of a `SessionRecord`, in its order."""
        return tuple(cls.__table__.c[name] for name in SessionRecord._fields)
