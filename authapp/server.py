"""gunicorn's settings: `gunicorn -c python:authapp.server wsgi:app`."""

from __future__ import annotations

import socket
from typing import Any

from authapp.core.logging import JsonLogger
from authapp.delivery import deliver_in_background
from authapp.worker import Worker
from config import read_settings

_settings = read_settings()

# Heroku's router may come by IPv6; a host without it gets IPv4 alone.
bind = [f"{'[::]' if socket.has_dualstack_ipv6() else '0.0.0.0'}:{_settings.port}"]  # noqa: S104
workers = _settings.web_concurrency
# Threads keep connections alive and serve reads while one of them hashes a password: bcrypt releases the GIL.
worker_class = Worker
threads = _settings.web_threads
preload_app = True  # one import, shared memory; nothing connects to the database before the fork
control_socket_disable = True
timeout = 30  # seconds
graceful_timeout = 20  # seconds; Heroku kills after 30
keepalive = 5  # seconds
max_requests = 50_000  # recycle, against slow leaks
max_requests_jitter = 5_000
logger_class = JsonLogger
accesslog = None  # authapp.core.logging writes one line for each request
limit_request_line = 4094  # bytes
limit_request_fields = 50
forwarded_allow_ips = ""  # proxies are believed by TRUSTED_PROXIES alone


def post_worker_init(worker: Any) -> None:
    """Outside production nobody starts a second process for the outbox."""
    if not _settings.in_production:
        deliver_in_background(worker.app.callable)
