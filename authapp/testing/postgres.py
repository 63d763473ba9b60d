"""The PostgreSQL of a test run: `python -m authapp.testing.postgres FOLDER` is the process that runs it.

Each process of the run that uses it has a shared lock on the file `users`, which the kernel releases however that
process ends. The server waits for an exclusive lock, and then ends with all that the run has started. So a run that is
killed leaves no process behind.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import IO

import psutil
import psycopg2

from authapp.dev.postgres import ROLE, create_database, embedded_postgres

VARIABLE = "AUTHAPP_TEST_RUN"
"""All processes that a run starts have its folder in their environment."""

# Speed instead of durability, and connections for the threads of the races of every worker.
_SETTINGS = ("fsync = off", "synchronous_commit = off", "full_page_writes = off", "max_connections = 1000")


@contextmanager
def shared_postgres(folder: Path) -> Iterator[str]:
    """Use the server of a run. The first process that does so starts it, and it ends with the last one.

    Args:
        folder: of the run.

    Yields:
        the folder of its socket.
    """
    os.environ[VARIABLE] = str(folder)
    with closing(_join(folder)):
        yield (folder / "socket").read_text()


def processes_of(run: str) -> list[psutil.Process]:
    """The processes that a run has started and that still run."""
    return [
        process
        for process in psutil.process_iter(["name", "cmdline"])
        if process.pid != os.getpid() and _run_of(process) == run
    ]


def _join(folder: Path) -> IO[str]:
    """Become a user of the server until the file is closed."""
    while True:
        folder.mkdir(mode=0o700, exist_ok=True)
        with suppress(FileNotFoundError), (folder / "starting").open("w") as starting:
            fcntl.flock(starting, fcntl.LOCK_EX)
            users = (folder / "users").open("w")
            try:
                fcntl.flock(users, fcntl.LOCK_SH)
                # both are others now if a server has ended meanwhile, and removed them
                if _is_in_place(starting) and _is_in_place(users):
                    if not (folder / "socket").exists():
                        _start(folder)
                    return users
            except BaseException:
                users.close()
                raise
            users.close()


def _is_in_place(file: IO[str]) -> bool:
    path = Path(file.name)
    return path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat())


def _start(folder: Path) -> None:
    """Start the server, with the modules that this process has.

    Raises:
        RuntimeError: with what it has written to stderr.
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)}
    with tempfile.TemporaryFile("w+") as errors:
        server = subprocess.Popen(
            [sys.executable, "-m", "authapp.testing.postgres", str(folder)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,  # Ctrl-C is for the tests
        )
        assert server.stdout
        with server.stdout:
            is_ready = server.stdout.readline()
        if not is_ready:
            server.wait()
            errors.seek(0)
            raise RuntimeError(f"PostgreSQL did not start.\n{errors.read()}")
    Thread(target=server.wait, daemon=True).start()


def serve(folder: Path) -> None:
    """Run the server, say so on stdout, and end with the last process that uses it."""
    with (
        tempfile.TemporaryDirectory(dir=folder, ignore_cleanup_errors=True) as data,
        (folder / "users").open() as users,
    ):
        with embedded_postgres(Path(data) / "postgres") as socket_folder:
            _configure(socket_folder)
        with embedded_postgres(Path(data) / "postgres") as socket_folder:
            create_database(socket_folder, ROLE)  # and the role, before the workers ask for theirs at once
            (folder / "socket").write_text(socket_folder)
            with sys.stdout:
                sys.stdout.write("ready\n")
            fcntl.flock(users, fcntl.LOCK_EX)
        for process in processes_of(str(folder)):
            with suppress(psutil.NoSuchProcess):
                process.kill()
        for name in ("socket", "starting", "users"):
            (folder / name).unlink()
    with suppress(OSError):  # a new server is started in it
        folder.rmdir()


def _configure(socket_folder: str) -> None:
    with closing(psycopg2.connect(host=socket_folder, user="postgres", dbname="postgres")) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for setting in _SETTINGS:
                cursor.execute(f"ALTER SYSTEM SET {setting}")


def _run_of(process: psutil.Process) -> str | None:
    try:
        return process.environ().get(VARIABLE)
    except psutil.Error:  # it is another user's, or has just ended
        return None


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
