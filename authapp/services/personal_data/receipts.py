"""What an erasure has done, as a command prints it and the audit log keeps it. It names nobody."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID


class Receipt(NamedTuple):
    """What an erasure has done.

    Attributes:
        erasure_id: that the leaves of the erased events have too.
        erased: how many rows of each table were deleted or erased.
        remaining: how many rows still have what was searched for, by column.
        same_name: how many rows have the name, or an address that nobody has verified, by column. It may be another's.
        not_searched: the tables whose rows could not be read.
        address_in_use: whether another account has the address, whose emails and invitations stay then.
    """

    erasure_id: UUID
    erased: dict[str, int]
    remaining: dict[str, int]
    same_name: dict[str, int]
    not_searched: list[str]
    address_in_use: bool = False

    @property
    def is_complete(self) -> bool:
        """Whether everything was searched, and nothing was found."""
        return not self.remaining and not self.not_searched

    def details(self) -> dict[str, Any]:
        """The details of the audit event."""
        values = {**self._asdict(), "erasure_id": str(self.erasure_id)}
        return {name: value for name, value in values.items() if value or name in ("erased", "remaining")}
