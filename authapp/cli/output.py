"""What a command prints: sentences for a person, or with `--json` one JSON document for a program."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click

_Command = TypeVar("_Command", bound=Callable[..., None])


def json_option(command: _Command) -> _Command:
    """Add the flag `--json`, which the command takes as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def show(as_json: bool, data: Mapping[str, Any] | Sequence[Any], *lines: str) -> None:
    """Print the result of a command.

    Args:
        as_json: print `data` and nothing else.
        data: what a program reads; times and ids become text.
        lines: the same for a person.
    """
    for line in [as_json_text(data)] if as_json else lines:
        click.echo(line)


def progress(label: str, length: int) -> Any:
    """A bar on stderr for a person, nothing where stderr is a file."""
    return click.progressbar(length=length, label=label, file=sys.stderr, hidden=not sys.stderr.isatty())


def as_json_text(data: Any) -> str:
    """A JSON document on one line."""
    return json.dumps(data, default=_as_text, ensure_ascii=False)


def _as_text(value: Any) -> str:
    return value.isoformat().replace("+00:00", "Z") if hasattr(value, "isoformat") else str(value)
