"""The form of the inventory: it says what becomes of a column when its account is erased or its organization purged."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

NOTHING: Mapping[str, Any] = {}


class Level(StrEnum):
    """How a column is protected. The page `docs/personal-data.md` tells what each level means."""

    CREDENTIAL = "credential"
    PERSONAL = "personal"
    INTERNAL = "internal"


class Fate(StrEnum):
    """What becomes of a column."""

    DELETED = "row deleted"
    ERASED = "erased"
    KEPT = "kept"


class Table(NamedTuple):
    """A table of the inventory. Each of its columns is in the text of one level, which separates them by spaces.

    Attributes:
        name: of the table.
        why: why something stays, or by what else its rows are found.
        account: the column that has the id of the account that a row belongs to.
        address: the column that has the address of a person, who may have no account.
        organization: the column that has the id of the organization that a row belongs to.
        erasure: what becomes of those rows when the account is erased.
        purge: what becomes of them when the organization is purged.
        erased: the columns that are erased with an account whose rows stay, and what they have then.
        purged: the same with an organization.
    """

    name: str
    why: str = ""
    account: str = ""
    address: str = ""
    organization: str = ""
    erasure: Fate = Fate.KEPT
    purge: Fate = Fate.KEPT
    erased: Mapping[str, Any] = NOTHING
    purged: Mapping[str, Any] = NOTHING
    credential: str = ""
    personal: str = ""
    internal: str = ""

    @property
    def levels(self) -> dict[str, Level]:
        """The level of each column."""
        return {column: level for level in Level for column in getattr(self, level).split()}

    def fates(self, column: str) -> tuple[Fate, Fate]:
        """What becomes of a column at erasure, and at purge."""
        return _fate(self.erasure, column in self.erased), _fate(self.purge, column in self.purged)


def _fate(of_rows: Fate, erased: bool) -> Fate:
    return Fate.ERASED if erased else of_rows
