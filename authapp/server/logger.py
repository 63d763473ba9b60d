"""gunicorn's own log lines, in the form of all others."""

from __future__ import annotations

from typing import Any

from gunicorn.glogging import Logger

from authapp.core.logging import configure_logging


class JsonLogger(Logger):
    """gunicorn's logger with our formatter."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        configure_logging(cfg.loglevel)
        self.error_log.handlers.clear()
        self.error_log.propagate = True
