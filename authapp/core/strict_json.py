"""JSON without what parsers disagree on: UTF-8 (RFC 8259), no name twice in an object, no NaN, no Infinity."""

from __future__ import annotations

import json
from typing import Any, NoReturn


class RepeatedName(ValueError):
    """An object has a name twice."""

    def __init__(self, name: str) -> None:
        super().__init__(f"a name is there twice: {name[:50]!a}")
        self.name = name


class TooDeep(ValueError):
    """It is nested deeper than the parser can follow."""


def parse(raw: bytes) -> Any:
    """The value of a JSON text.

    Raises:
        RepeatedName, TooDeep, UnicodeDecodeError: as they say.
        ValueError: it is no JSON.
    """
    try:
        return json.loads(raw.decode(), object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except RecursionError:
        raise TooDeep from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise RepeatedName(name)
        found[name] = value
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
