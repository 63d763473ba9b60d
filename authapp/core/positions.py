"""Positions in a feed that is ordered by transaction, as opaque text."""

from __future__ import annotations

import base64
import binascii
import struct
from typing import NamedTuple, Self

_FORM = struct.Struct(">4sqI?qq")
_MARK = b"rev1"


class History(NamedTuple):
    """The one history in which the ids of transactions can be compared: of a cluster, until a failover or recovery."""

    cluster: int  # the system identifier
    timeline: int


class Position(NamedTuple):
    """Behind which row of a feed to go on.

    Attributes:
        history: in which the ids of transactions are those of this position.
        restored: among the rows of a restored backup, which come first.
        transaction: the id of the transaction that has written the row.
        id: of the row.
    """

    history: History
    restored: bool = True
    transaction: int = 0
    id: int = 0

    def encode(self) -> str:
        packed = _FORM.pack(_MARK, *self.history, *self[1:])
        return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()

    @classmethod
    def decode(cls, text: str) -> Self:
        """The position that `encode` has made this text of.

        Raises:
            ValueError: of none.
        """
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            mark, cluster, timeline, *rest = _FORM.unpack(raw)
        except (ValueError, binascii.Error, struct.error):
            raise ValueError("not a position") from None
        if mark != _MARK:
            raise ValueError("not a position of this feed")
        return cls(History(cluster, timeline), *rest)
