"""What a check of `doctor` finds."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from authapp.config import Settings


class Status(StrEnum):
    """How a check ended. Only `WRONG` makes the command fail. `NOT_CHECKED` comes after something that is wrong."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"
    NOT_CHECKED = "not checked"


class Finding(NamedTuple):
    """What is so, or what to do."""

    status: Status
    text: str


class Check(NamedTuple):
    """A look at one thing.

    Attributes:
        name: of the thing, as the command prints it.
        look: finds out. An exception is a finding too.
        in_database: whether it asks the database, in a transaction that is rolled back.
    """

    name: str
    look: Callable[[Settings], Finding]
    in_database: bool = True


def ok(text: str) -> Finding:
    return Finding(Status.OK, text)


def warning(text: str) -> Finding:
    return Finding(Status.WARNING, text)


def wrong(text: str) -> Finding:
    return Finding(Status.WRONG, text)


def not_checked(text: str) -> Finding:
    return Finding(Status.NOT_CHECKED, text)
