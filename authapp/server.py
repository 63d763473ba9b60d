"""gunicorn's settings: `gunicorn -c python:authapp.server wsgi:app`."""

from __future__ import annotations

import gc
import socket
from typing import Any

from authapp.core.logging import JsonLogger
from authapp.delivery import deliver_in_background
from authapp.worker import Worker
from config import read_settings

HELD_BY_THE_SYSTEM = 256 * 1024  # bytes of answers that a client has not taken; for more a thread must wait

_settings = read_settings()

# Heroku's router may come by IPv6; a host without it gets IPv4 alone.
bind = [f"{'[::]' if socket.has_dualstack_ipv6() else '0.0.0.0'}:{_settings.port}"]  # noqa: S104
workers = _settings.web_concurrency
# Why gthread, with our Worker on top. One request for each process (sync) keeps no connection alive and drowns when
# everybody signs in at once; an event loop (gevent) stops while it hashes. Threads do neither: bcrypt releases the GIL,
# and whoever waits for a hash does so in a line of its own. What gthread lacks, Worker adds: it ends a client that is
# slow to send or to take, a database that has fallen silent, and at last a process with a request that never ends.
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
sendfile = False  # it would wait for a slow client in its own way, past authapp.clients
limit_request_line = 4094  # bytes
limit_request_fields = 50
forwarded_allow_ips = ""  # proxies are believed by TRUSTED_PROXIES alone


def when_ready(server: Any) -> None:
    """Before the first fork. What is there for good is not looked at by the collector, and stays shared memory."""
    gc.collect()
    gc.freeze()
    for listener in server.LISTENERS:  # whose connections take after it
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, HELD_BY_THE_SYSTEM)


def post_worker_init(worker: Any) -> None:
    """Outside production nobody starts a second process for the outbox."""
    if not _settings.in_production:
        deliver_in_background(worker.app.callable)
