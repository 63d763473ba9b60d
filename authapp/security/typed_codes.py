"""What people put between the characters of a code that they type or paste."""

from __future__ import annotations

import re

# White space of Unicode, the hyphens and dashes (with the soft hyphen and the minus), and what copying adds unseen.
_SEPARATORS = re.compile(r"[\s\-\u00ad\u200b-\u200f\u2010-\u2015\u2060\u2212\ufe58\ufe63\uff0d\ufeff]+")


def without_separators(text: str) -> str:
    """The text without white space and hyphens, wherever they stand."""
    return _SEPARATORS.sub("", text)
