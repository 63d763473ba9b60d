"""psycopg2 under gevent: waiting for PostgreSQL stops nothing else, and has its limits."""

from __future__ import annotations

import socket
import subprocess
import sys

from authapp.instance import ROOT

PATCHED = """
from gevent import monkey
monkey.patch_all()
import sys, time, gevent, psycopg2
from authapp.db import green
green.CONNECT_TIMEOUT_SECONDS = 0.5
green.wait_with_gevent()
ticks = []
ticking = gevent.spawn(lambda: [ticks.append(gevent.sleep(0.1)) for _ in range(100)])
began = time.monotonic()
try:
    psycopg2.connect(host="127.0.0.1", port=int(sys.argv[1]), user="nobody", connect_timeout=30)
except psycopg2.OperationalError as error:
    print(error, 0.4 < time.monotonic() - began < 5, len(ticks) >= 3)
"""


def test_connecting_to_a_server_that_says_nothing_ends_in_time_and_stops_no_other_request() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        command = [sys.executable, "-c", PATCHED, str(silent.getsockname()[1])]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert done.stdout.strip() == "timeout expired while connecting True True", done.stderr
