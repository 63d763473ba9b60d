"""One log line for each request, with its id, route, status and duration."""

from __future__ import annotations

import time
from http import HTTPStatus

import structlog
from flask import Flask, Response, g, request

from authapp.config import Settings
from authapp.core.logging import configure_logging
from authapp.core.request_context import client_address

log = structlog.get_logger("authapp")


def init_request_log(app: Flask, settings: Settings) -> None:
    """Configure the log, and write a line for each request. `duration_ms` is in milliseconds."""
    configure_logging(settings.log_level)
    bound = log.bind()  # once, not for each request

    @app.before_request
    def start_timer() -> None:
        g.started = time.perf_counter()

    @app.after_request
    def log_request(response: Response) -> Response:
        write = bound.error if response.status_code == HTTPStatus.INTERNAL_SERVER_ERROR else bound.info
        rule = request.url_rule
        write(
            "request",
            method=request.method,
            route=rule.rule if rule else None,
            status=response.status_code,
            duration_ms=round((time.perf_counter() - g.started) * 1000, 1),
            ip_address=client_address(),
        )
        return response
