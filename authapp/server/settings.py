"""gunicorn's settings: `gunicorn -c python:authapp.server.settings wsgi:app`.

Why gevent: a slow client costs a greenlet, not a thread, and a time limit reaches whatever a request waits for, the
database included. bcrypt would stop the event loop, so passwords are hashed in a native thread.
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()  # before anything else is imported

from authapp.server import metric_files  # before anything that counts

# isort: split
import gc
import socket
from typing import Any

from gevent.server import StreamServer

from authapp.config import read_settings
from authapp.db.green import wait_with_gevent
from authapp.server.logger import JsonLogger
from authapp.server.worker import Worker

UNREAD_BYTES = 64 * 1024  # that the system takes for a client that does not read; the next answer waits then

wait_with_gevent()
_settings = read_settings()

# Heroku's router may come by IPv6; a host without it gets IPv4 alone.
bind = [f"{'[::]' if socket.has_dualstack_ipv6() else '0.0.0.0'}:{_settings.port}"]  # noqa: S104
workers = _settings.web_concurrency
worker_class = Worker
worker_connections = 1000  # clients of each worker at a time; more wait until they are accepted
preload_app = True  # one import, shared memory; nothing connects to the database before the fork
control_socket_disable = True
timeout = 15  # seconds in which an event loop must answer; a view that never ends is ended with its process
graceful_timeout = 20  # seconds; Heroku kills after 30
max_requests = 50_000  # recycle, against slow leaks
max_requests_jitter = 5_000
logger_class = JsonLogger
accesslog = None  # authapp.web.request_log writes one line for each request
sendfile = False  # it has no place for the time limits of ClientSocket
limit_request_line = 4094  # bytes
limit_request_fields = 50
forwarded_allow_ips = ""  # proxies are believed by TRUSTED_PROXIES alone


# New connections in one turn of the event loop. An idle worker takes one, so that the others get their share; a busy
# one takes several, or a new connection would wait for many requests of the old ones.
StreamServer.max_accept = property(lambda server: 1 + len(server.pool))  # type: ignore[assignment]


def pre_fork(server: Any, worker: Any) -> None:
    worker.slot = metric_files.free_slot(other.slot for other in server.WORKERS.values())


def post_fork(server: Any, worker: Any) -> None:
    """Keep `max_accept`: for several workers gunicorn sets it to 1, and new connections wait for many old ones."""
    worker.cfg.set("workers", 1)
    metric_files.use(worker.slot)


def child_exit(server: Any, worker: Any) -> None:
    metric_files.release(worker.slot)


def on_exit(server: Any) -> None:
    metric_files.remove()


def when_ready(server: Any) -> None:
    """Before the first fork: keep what is there for good out of the garbage collector, and so in shared memory."""
    gc.collect()
    gc.freeze()
    if not _settings.mail_url:
        server.log.warning("MAIL_URL is not set: emails wait in the outbox. List them with: flask outbox list")
    for listener in server.LISTENERS:  # its connections inherit it
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, UNREAD_BYTES)
