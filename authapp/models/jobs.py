"""When the jobs of the worker have run."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from authapp.db.engine import Model
from authapp.models.columns import timestamp


class JobRun(Model):
    """The last run of a job. `error` is what went wrong in it, `succeeded_at` when one last went well."""

    __tablename__ = "jobs"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    finished_at: Mapped[datetime] = mapped_column(timestamp())
    succeeded_at: Mapped[datetime | None] = mapped_column(timestamp())
    error: Mapped[str | None] = mapped_column(Text)
