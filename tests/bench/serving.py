"""gunicorn's settings of the benchmark: the service's own, without the thread that sends letters in development."""

from __future__ import annotations

from typing import Any

from authapp.server.settings import *  # noqa: F403


def nothing(worker: Any) -> None:
    """No letters are sent."""


post_worker_init = nothing
