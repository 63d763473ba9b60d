"""Which passwords may be chosen: PASSWORD_POLICY, what is easy to guess or was leaked, and the owner's own words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from itertools import permutations

from authapp.security.breached_passwords import BreachFile

SHORTEST = {"seed": 8, "nist": 15}  # characters; NIST SP 800-63B-4 section 3.1.1.2
FEWEST_GUESSES = 50_000  # a common word with a year or some digits behind it takes at most 30,000
_LETTERS = re.compile(r"[^\W\d_]+")
_SYMBOLS = re.compile(r"[\W_]+")


def complaints(
    password: str,
    policy: str,
    own_words: Iterable[str | None],
    breached: BreachFile | None = None,
    service_words: Iterable[str | None] = (),
) -> list[str]:
    """What is wrong with a password, as sentences for its owner. Empty: nothing.

    Args:
        password: as it was typed.
        policy: `seed` (letters and digits) or `nist` (length alone).
        own_words: the owner's email and names.
        breached: passwords that were leaked, if there is such a file.
        service_words: names of the service and of an organization, which others try first.
    """
    from authapp.security.guessing import guesses  # noqa: PLC0415  large, and not for every command

    found = []
    if len(password) < SHORTEST[policy]:
        found.append(f"Use at least {SHORTEST[policy]} characters.")
    if policy == "seed" and not (any(c.isalpha() for c in password) and any(c.isdigit() for c in password)):
        found.append("Use both letters and digits.")
    words = _words(own_words)
    if _is_made_of(words, password):
        found.append("This password is little more than your own email or name. Choose another.")
    elif guesses(password, words | _words(service_words)) < FEWEST_GUESSES:
        found.append(
            "This password is easy to guess: a common one, a date, a repetition or a row of keys with little added. "
            "Choose another."
        )
    elif breached and breached.contains(password):
        found.append("This password has appeared in a data breach. Choose another.")
    return found


def _words(own_words: Iterable[str | None]) -> set[str]:
    """The owner's email, its local part and names: each by itself, two of them together, and the words in them."""
    texts = [_plain(text) for text in own_words if text]
    texts += [text.partition("@")[0] for text in texts if "@" in text]
    wholes = [_SYMBOLS.sub("", text) for text in texts]
    pairs = [one + other for one, other in permutations(wholes, 2)]
    parts = [part for text in texts for part in _LETTERS.findall(text)]
    return {word for word in (*wholes, *pairs, *parts) if len(word) > 1}


def _is_made_of(words: set[str], password: str) -> bool:
    """Whether the letters of a password are these words, in any order, and at most one of their initials."""
    letters = "".join(_LETTERS.findall(_plain(password)))
    rest = letters
    for word in sorted(words, key=len, reverse=True):
        rest = rest.replace(word, "")
    return rest != letters and rest in {"", *(word[0] for word in words)}


def _plain(text: str) -> str:
    """Lower case, and accents apart from their letters: a password that leaves them out is still the name."""
    return unicodedata.normalize("NFKD", text.lower())
