"""Lists of any length, which commands print while they read them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import click

from authapp.cli.output import as_json_text
from authapp.cli.transaction import committed
from authapp.db.pagination import Page

PAGE_SIZE = 1000


def show_list(as_json: bool, read: Callable[[int, UUID | None], Page], line: Callable[[Any], str], none: str) -> None:
    """Print a list page by page, each read in a transaction of its own.

    Args:
        as_json: print an array, with an item on each line.
        read: the page with at most so many items, after this id.
        line: an item for a person.
        none: what a person is told where there is no item.
    """
    print_all = _print_array if as_json else _print_lines
    print_all(_rows(read), line, none)


def _print_lines(rows: Iterator[Any], line: Callable[[Any], str], none: str) -> None:
    number = 0
    for number, row in enumerate(rows, 1):  # noqa: B007
        click.echo(line(row))
    if not number:
        click.echo(none)


def _print_array(rows: Iterator[Any], *_: object) -> None:
    before = "["
    for row in rows:
        click.echo(f"{before}\n{as_json_text(row._asdict())}", nl=False)
        before = ","
    click.echo("[]" if before == "[" else "\n]")


def _rows(read: Callable[[int, UUID | None], Page]) -> Iterator[Any]:
    cursor = None
    while True:
        with committed():
            page = read(PAGE_SIZE, cursor)
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return


def time_text(moment: datetime | None) -> str:
    """A moment for a person, to the minute."""
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "never"
