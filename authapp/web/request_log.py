"""One log line for each request, with its id, route, status and duration, which are counted too."""

from __future__ import annotations

import time
from http import HTTPStatus

import structlog
from flask import Flask, Response, g, request

from authapp.config import Settings
from authapp.core import metrics
from authapp.core.logging import configure_logging, log_context
from authapp.core.request_context import client_address

log = structlog.get_logger("authapp")


def init_request_log(app: Flask, settings: Settings) -> None:
    """Configure the log. Count each request, and write a line for it. `duration_ms` is in milliseconds."""
    configure_logging(settings.log_level)
    bound = log.bind()  # once, not for each request

    @app.before_request
    def start_timer() -> None:
        g.started = time.perf_counter()

    @app.after_request
    def log_request(response: Response) -> Response:
        write = bound.error if response.status_code == HTTPStatus.INTERNAL_SERVER_ERROR else bound.info
        seconds = time.perf_counter() - g.started
        route = request.url_rule.rule if request.url_rule else None
        metrics.count_request(route, request.method, response.status_code, seconds, log_context().get("code"))
        write(
            "request",
            method=request.method,
            route=route,
            status=response.status_code,
            duration_ms=round(seconds * 1000, 1),
            ip_address=client_address(),
        )
        return response
