"""The lines of a file to import: read one after another, and checked one by one. docs/import.md describes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple, NoReturn

from marshmallow import ValidationError

from authapp.core import strict_json
from authapp.core.roles import Role
from authapp.schemas.user_import import ImportedAccount, ImportedOrganizationLine
from authapp.security import foreign_hashes
from authapp.security.foreign_hashes import UnusableHash

LONGEST_LINE = 64 * 1024  # bytes
MOST_MESSAGES, LONGEST_NAME = 5, 100  # of what is wrong with one line
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Line(NamedTuple):
    """A line of the file. `raw` is None where it is too long to be kept."""

    number: int
    raw: bytes | None


class Wanted(NamedTuple):
    """A membership: an organization that a line names, for the account that the line is about."""

    line: Line
    email: str
    password_hash: str | None
    slug: str
    role: Role


class AccountLine(NamedTuple):
    """A line that is an account. `columns` are those of the table."""

    line: Line
    columns: dict[str, Any]
    memberships: list[Wanted]
    has_weak_hash: bool


class OrganizationLine(NamedTuple):
    """A line that is an organization. `columns` are those of the table."""

    line: Line
    columns: dict[str, Any]


class RefusedLine(Exception):
    """A line that is not imported. Its text says why."""


def read(stream: BinaryIO) -> Iterator[Line]:
    """The lines that are not empty. No more than one of them is in memory, and of a longer one `LONGEST_LINE`."""
    number = 0
    while raw := stream.readline(LONGEST_LINE):
        number += 1
        is_complete = raw.endswith(b"\n") or len(raw) < LONGEST_LINE
        while not is_complete:
            rest = stream.readline(LONGEST_LINE)
            is_complete = not rest or rest.endswith(b"\n")
            if rest.strip():
                raw = b""
        if not raw:
            yield Line(number, None)
        elif stripped := (raw.removeprefix(_BYTE_ORDER_MARK) if number == 1 else raw).strip():
            yield Line(number, stripped)


def parse(line: Line) -> AccountLine | OrganizationLine:
    """What a line says.

    Raises:
        RefusedLine: it is not of the form that docs/import.md describes.
    """
    found = _object(line)
    try:
        if "organization" in found:
            return OrganizationLine(line, _ORGANIZATION.load(found)["organization"])
        columns = _ACCOUNT.load(found)
    except ValidationError as error:
        raise RefusedLine(_sentences(error.messages)) from None
    return _account(line, columns)


def _account(line: Line, columns: dict[str, Any]) -> AccountLine:
    text, imported = columns["password_hash"], None
    if text:
        try:
            imported = foreign_hashes.read(text)
        except UnusableHash as error:
            raise RefusedLine(f"password_hash: {error}") from None
        columns["password_hash"] = imported.stored
    memberships = [
        Wanted(line, columns["email"], columns["password_hash"], wanted["slug"], wanted["role"])
        for wanted in columns.pop("organizations")
    ]
    return AccountLine(line, columns, memberships, imported is not None and imported.is_weak())


def _object(line: Line) -> dict[str, Any]:
    if line.raw is None:
        raise RefusedLine(f"The line is longer than {LONGEST_LINE // 1024} KiB.")
    try:
        found = strict_json.parse(line.raw)
    except UnicodeDecodeError:
        raise RefusedLine("The line is not UTF-8.") from None
    except strict_json.RepeatedName as error:
        raise RefusedLine(f"The line has {error.name[:LONGEST_NAME]!a} more than once in one object.") from None
    except strict_json.TooDeep:
        raise RefusedLine("The line is nested too deeply.") from None
    except ValueError:
        raise RefusedLine("The line is not valid JSON.") from None
    return found if isinstance(found, dict) else _refuse_other()


def _refuse_other() -> NoReturn:
    raise RefusedLine("The line is not a JSON object.")


def _sentences(messages: Any) -> str:
    """What is wrong, field by field: `email: Not a valid email address.`"""
    found = list(_flatten(messages, ""))
    more = f" And {len(found) - MOST_MESSAGES} more." if len(found) > MOST_MESSAGES else ""
    return " ".join(found[:MOST_MESSAGES]) + more


def _flatten(messages: Any, path: str) -> Iterator[str]:
    if isinstance(messages, dict):
        for name, inner in messages.items():
            yield from _flatten(inner, f"{path}.{ascii(name)[1:-1]}" if isinstance(name, str) else f"{path}[{name}]")
    else:
        yield f"{path.removeprefix('.')[:LONGEST_NAME]}: {' '.join(map(str, messages))}"


_ACCOUNT, _ORGANIZATION = ImportedAccount(), ImportedOrganizationLine()
