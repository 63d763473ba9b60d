"""Addresses that accounts have had, and how to find them in a text: whole, not as a part of somebody else's."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

# What may stand in an address (RFC 5322 section 3.2.3) does not stand before it, but for a quotation mark, or for the
# escape of a character in JSON or in a binary value. An address may end a sentence.
_BEFORE = r"(?:(?<![a-z0-9.!#$%&'*+/=?^_`{|}~-])['`]?|(?<=\\[bfnrt]|\\u[0-9a-f]{4}|\\[0-7]{3}))"
_AFTER = r"(?![a-z0-9]|[.-]+[a-z0-9])"


class Claim(NamedTuple):
    """An address that was verified as an account's.

    Attributes:
        address: in its canonical form.
        until: what was written later is not about this account. None: it still has the address.
    """

    address: str
    until: datetime | None


def pattern(address: str) -> str:
    """The pattern, for PostgreSQL's operator `~`, of a text in lower case that names this address."""
    return f"{_BEFORE}{re.escape(address)}{_AFTER}"


_CLAIMS = """
unnest(CAST(:addresses AS text[]), CAST(:patterns AS text[]), CAST(:untils AS timestamptz[]))
AS claim (address, pattern, until)
"""
# Asked by the very statement that deletes: somebody may register meanwhile. Who has verified nothing has no claim.
_APPLIES = """
(until IS NULL OR created_at <= until)
AND NOT EXISTS (SELECT FROM users WHERE users.email = address AND users.email_verified)
"""


def parameters(claims: Sequence[Claim]) -> dict[str, Any]:
    """The parameters of the SQL below."""
    addresses = [claim.address for claim in claims]
    return {
        "addresses": addresses,
        "patterns": list(map(pattern, addresses)),
        "untils": [claim.until for claim in claims],
    }


def is_claimed(column: str) -> str:
    """The SQL of whether a row, which has a `created_at`, is about the account that had the address in this column."""
    return f"""
    {column} = ANY(CAST(:addresses AS text[]))
    AND EXISTS (SELECT FROM {_CLAIMS} WHERE address = {column} AND {_APPLIES})
    """


def names_claimed(expression: str) -> str:
    """The SQL of whether a text names such an address, in any case. Few texts have an @: that is asked first."""
    return f"""
    strpos({expression}, '@') > 0 AND EXISTS (
        SELECT FROM {_CLAIMS}
        WHERE strpos(lower({expression}), address) > 0 AND lower({expression}) ~ pattern AND {_APPLIES}
    )
    """
