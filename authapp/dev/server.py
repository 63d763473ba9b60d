"""gunicorn's settings for development: production's, with migrations at the start and the jobs in each worker.

Production's are imported first, because they patch the standard library.
"""

from __future__ import annotations

from authapp.server.settings import *  # noqa: F403

# isort: split
import os
import signal
import time
from threading import Thread
from typing import Any

import flask_migrate
import psutil

from authapp.db.engine import db
from authapp.jobs.runner import run_in_background

_STARTER = os.getppid()

graceful_timeout = 1  # second for requests of before a restart


def on_starting(server: Any) -> None:
    """Migrate before the first fork, which inherits no connection."""
    with server.app.wsgi().app_context():
        flask_migrate.upgrade(revision="heads")
        for engine in db.engines.values():
            engine.dispose()


def post_worker_init(worker: Any) -> None:
    run_in_background(worker.app.callable)
    Thread(target=_stop_with_starter, daemon=True).start()


def _stop_with_starter() -> None:
    """Stop gunicorn after `authapp.dev.run` was killed and could not stop it."""
    while psutil.pid_exists(_STARTER):
        time.sleep(1)
    os.kill(os.getppid(), signal.SIGTERM)
