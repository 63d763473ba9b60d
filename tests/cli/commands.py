"""Runs commands as an operator does."""

from __future__ import annotations

import json
from typing import Any

from tests.factories import World


def said(world: World, *arguments: str, status: int = 0, stdin: str | None = None) -> str:
    """What a command prints, errors too."""
    result = world.app.test_cli_runner().invoke(args=arguments, input=stdin)
    assert result.exit_code == status, result.output
    return result.output


def as_json(world: World, *arguments: str, stdin: str | None = None) -> Any:
    """What a command prints with `--json`."""
    return json.loads(said(world, *arguments, "--json", stdin=stdin))
