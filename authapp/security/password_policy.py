"""Which passwords may be chosen. The rules of PASSWORD_POLICY, the common ones, and the owner's own words."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

SHORTEST = {"seed": 8, "nist": 15}  # characters; NIST SP 800-63B-4 section 3.1.1.2
_SHORTEST_NAME = 3


def complaints(password: str, policy: str, own_words: Iterable[str | None]) -> list[str]:
    """What is wrong with a password, as sentences for its owner. Empty: nothing.

    Args:
        password: as it was typed.
        policy: `seed` (letters and digits) or `nist` (length alone).
        own_words: the owner's email and names.
    """
    found = []
    if len(password) < SHORTEST[policy]:
        found.append(f"Use at least {SHORTEST[policy]} characters.")
    if policy == "seed" and not (any(c.isalpha() for c in password) and any(c.isdigit() for c in password)):
        found.append("Use both letters and digits.")
    if password.lower() in _common_passwords():
        found.append("This password is among the most common ones. Choose another.")
    if _is_own_word(password, own_words):
        found.append("This password is little more than your own email or name. Choose another.")
    return found


@cache
def _common_passwords() -> frozenset[str]:
    """30,000 passwords from leaks, most used first in the package's list."""
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415  large, and not for every command

    return frozenset(FREQUENCY_LISTS["passwords"])


def _is_own_word(password: str, own_words: Iterable[str | None]) -> bool:
    """Whether the letters of a password are the owner's email or a name, with anything else only around them."""
    core = _letters(password)
    words = [word for word in own_words if word]
    words += [word.partition("@")[0] for word in words if "@" in word]
    names = {_letters(word) for word in words} | {_letters("".join(w for w in words if "@" not in w))}
    return any(len(name) >= _SHORTEST_NAME and core in (name, name * 2) for name in names)


def _letters(word: str) -> str:
    return "".join(c for c in word.lower() if c.isalpha())
